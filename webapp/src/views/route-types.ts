// A route as the server tells it (karavan.route_records, with its lines and charts).
import type { Line, Point } from "../types";
import type { Spec } from "../ui/chart";

export interface Leg {
  what: string;
  mode: string | null;
  unit: string | null;
  from: string;
  to: string;
  from_name: string | null;
  to_name: string | null;
  service: string | null;
  km: number | null;
  hours: number | null;
  wait_hours?: number | null;
  dwell_hours?: number | null;
  border_hours?: number | null;
  depart?: string | null;
  arrive?: string | null;
  calendar?: string | null;
  usd_money_per_tonne?: number | null;
}

export interface Charge {
  component: string;
  leg?: number | null;
  basis?: string | null;
  payer?: string | null;
  usd: number | null;
  price_year?: number | null;
  source?: string | null;
  confidence?: string | null;
}

export interface Odds {
  p10_hours?: number | null;
  p50_hours?: number | null;
  p90_hours?: number | null;
  p10_usd?: number | null;
  p50_usd?: number | null;
  p90_usd?: number | null;
  on_time?: number | null;
  draws?: number | null;
  missed?: number | null;
}

export interface RouteRecord {
  number: number;
  reason: string;
  reasons?: string[];
  origin: string;
  origin_name: string;
  destination: string;
  destination_name: string;
  tonnes: number;
  km: number;
  hours: number;
  days: number;
  handlings: number;
  departure?: string | null;
  arrival?: string | null;
  usd_per_tonne: Record<string, number | null>;
  usd_for_shipment: Record<string, number | null>;
  usd_per_teu?: number | null;
  kg_co2e_per_tonne: { well_to_wheel: number | null; low?: number | null; high?: number | null };
  borders: string[];
  ports: { id: string; name: string }[];
  restrictions: { id: string; name: string | null; regime: string | null; effect: string | null; text: string | null; confidence: string | null }[];
  unknowns: { facility: string; name: string | null; what: string }[];
  legs: Leg[];
  charges?: Charge[];
  odds?: Odds | null;
  lines?: Collection<Line<{ leg: number; mode: string }>>;
  geometry?: Collection<Line<{ leg: number; mode: string }>>;
  stops?: Collection<Point<{ id: string; name: string; kind: string }>>;
}

type Collection<F> = F[] | { features: F[] };

export function features<F>(of: Collection<F> | undefined): F[] {
  return !of ? [] : Array.isArray(of) ? of : of.features;
}

export interface RouteAnswer {
  routes: RouteRecord[];
  pareto?: Record<string, unknown>[];
  charts: Partial<Record<"time" | "cost" | "pareto", Spec | null>>;
  cli?: string;
  seconds?: number;
  guarantee?: string;
}

// What the server tells of promises (karavan.promise_records and karavan.promise(...).to_json()).
import type { Spec } from "../ui/chart";

export interface PromiseRow {
  id: string;
  title: string;
  by: string[];
  areas: string[];
  modality: string;
  binding: boolean;
  target: number | null;
  unit: string | null;
  target_note?: string;
  deadline: string | null;
  latest: number | null;
  latest_period: string | null;
  share_pct: number | null;
  growth_needed_pct: number | null;
  growth_seen_pct: number | null;
  status: string;
  rule: string;
  history: { fact: string; published: string | null; speaker: string; deadline: string | null; quote: string; document: string; status: string }[];
  verdict: string | null;
}

export interface PromiseDetail extends PromiseRow {
  chart: Spec | null;
  points: unknown[];
}

interface Base {
  year: number;
  value: number;
  unit: string;
  name: string;
}

export interface Setting {
  others: string;
  projects: string;
  period: string;
  capacity: string;
}

export interface Check {
  promise: { quote: string; fact: string | null; title: string; status: string | null };
  verdict: string;
  why: string;
  label: string | null;
  pace: { verdict: string | null; why: string | null; base_rate?: string | null };
  year: number | null;
  year_note: string | null;
  tonnes: {
    target: number;
    low: number;
    high: number;
    base: Base | null;
    directions: { exporter: string; importer: string; tonnes: number; low: number; high: number; usd: number | null; today: number }[];
    served: number | null;
    unserved: number | null;
  } | null;
  bottlenecks: { facility: string; name: string; direction: string; unit: string; capacity: number; used: number; rests_on: string; tonnes_lost: number; confidence: string | null }[];
  least_change: { capacity: Record<string, unknown>[]; causes: { cause: string; what: string; origin?: string; destination?: string; commodity?: string; tonnes?: number; text?: string }[]; text: string } | null;
  largest: { scale: number | null; tonnes: number | null; set_by: string[] } | null;
  draws: { n: number; share: number; text: string } | null;
  shippers: { verdict: string; label: string; wanted: number; served: number } | null;
  restricted: { id: string; name: string; regime: string }[];
  settings: (Setting & { verdict: string; wanted: number; served: number; unserved: number; first_bottleneck?: string | null })[];
  headline_setting: Setting | null;
  capacity: { projects: string; capacity: string; verdict: string; rows: Record<string, unknown>[] }[] | null;
  needs: string[];
  not_network: string | null;
  projects: { opened?: string[]; left_out?: Record<string, string> } | null;
  notes: string[];
  cli?: string;
}

// What the server answers, as far as the page reads it.
export interface About {
  version: string;
  read_only: boolean;
  needs_token: "none" | "write" | "all";
  default_case?: string;
  ledger?: string;
  tiles?: string | null;
  limits?: Record<string, number>;
}

export interface CaseInfo {
  id: string;
  title?: string;
  kind?: string;
  uploaded?: boolean;
}

export interface Overview {
  id: string;
  title?: string;
  text?: string;
  year: number;
  years: number[];
  /** Where the map starts: the case without its far places. */
  view?: [number, number, number, number];
  bbox?: [number, number, number, number];
  commodities: { id: string; name: string; tonnes?: number }[];
  corridors: { id: string; name: string; headline?: boolean }[];
  modes: { id: string; name: string; colour: string }[];
  methods?: string[];
  outside?: string[];
  boundaries?: string;
  rows: Record<string, number>;
}

export interface LinkProps {
  id: string;
  name: string;
  from: string;
  to: string;
  mode: string;
  status: string;
  forward: number;
  backward: number;
  tonnes: number;
}
export interface NodeProps {
  id: string;
  name: string;
  label: string;
  kind: string;
  tonnes: number;
  weight: number;
}
export interface MarkProps {
  facility: string;
  element: string;
  direction: string;
  name: string;
  rank: number;
  number: number;
  usd_per_tonne: number | null;
  scarcity: boolean;
  shadow_price?: number | null;
  unit?: string | null;
  utilisation?: number | null;
}
export interface Line<P = LinkProps> {
  type: "Feature";
  geometry: { type: "LineString"; coordinates: [number, number][] };
  properties: P;
}
export interface Point<P> {
  type: "Feature";
  geometry: { type: "Point"; coordinates: [number, number] };
  properties: P;
}

export interface Styles {
  modes: Record<string, string>;
  statuses: Record<string, { label: string; dash: number[]; opacity: number }>;
  flow: { domain: [number, number]; range: [number, number]; minimum_px: number; unit: string; legend: number[] };
  mark: { fill: string; ink: string; label: string };
  map: { water: string; land: string; coast: string; border: string; country: string };
  idle_px: number;
}

export interface LegendEntry {
  kind: "line" | "width" | "mark";
  label: string | number;
  colour: string;
  width?: number;
  dash?: number[];
}

export interface Corridor {
  id: string;
  name: string;
  headline?: boolean;
  days?: number | null;
  km?: number | null;
  usd_per_tonne?: number | null;
  usd_per_teu?: number | null;
  features: Line<{ corridor: string; mode: string }>[];
}

export interface MapAnswer {
  year?: number;
  commodity?: string | null;
  styles: Styles;
  legend: { title: string; entries: LegendEntry[] }[];
  layers: [
    { id: "links"; title: string; features: Line[] },
    { id: "nodes"; title: string; features: Point<NodeProps>[] },
    { id: "bottlenecks"; title: string; features: Point<MarkProps>[] },
  ];
  corridors?: Corridor[];
  summary?: Record<string, unknown>;
  cli?: string;
}

/** A record of the case: table and id. */
export interface Ref {
  table: string;
  id: string;
}

export interface Name {
  kind: "place" | "node" | "zone" | "commodity";
  /** What a question takes. */
  value: string;
  name: string;
  detail?: string | null;
  longitude?: number | null;
  latitude?: number | null;
}

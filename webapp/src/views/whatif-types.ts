// What the server tells of scenarios (karavan.scenario_board, karavan.run_record).
import type { Line, LinkProps, MarkProps, Point, Styles } from "../types";

export type Change = Record<string, unknown>;
export type Row = Record<string, unknown>;

export interface Project {
  id: string;
  name: string;
  effect: string;
  year: number | null;
  status: string;
  capacity_after: number | null;
  capacity_unit: string | null;
  cost_usd: number | null;
  confidence: string | null;
  note: string | null;
  change: Change;
}
export interface Level {
  scenario: string;
  body: string;
  observed?: boolean;
  change: Change;
  points: { year: number; level_m: number; low_m: number | null; high_m: number | null }[];
}
export interface Board {
  years: number[];
  scenarios: { name: string; title: string; text: string; changes: string[]; assumptions: string[]; from_year: number | null }[];
  projects: Project[];
  levels: Level[];
  closures: Record<string, { id: string; name: string; kind: string }[]>;
  demand: { commodities: { id: string; name: string }[]; change: Change };
}

export type DiffLink = LinkProps & { tonnes_a: number; tonnes_b: number; change: number };
export interface RunRecord {
  run: string;
  scenario: string;
  title: string;
  year: number;
  totals: { measure: string; a: number | null; b: number | null; change: number | null; percent: number | null; unit: string }[];
  tables: Record<string, Row[]>;
  diff: { table: string; id: string; field: string; before: unknown; after: unknown; how: string; because: string }[];
  unknowns: (string | Row)[];
  assumptions: string[];
  map: {
    styles: { flow: Styles["flow"]; more: string; less: string };
    layers: [{ id: "links"; features: Line<DiffLink>[] }, ...{ id: string; features: Point<MarkProps>[] }[]];
  };
  toml: string;
  cli?: string;
}

/** What is switched on, as it stands in the address. */
export interface Choice {
  scenarios: string[];
  projects: string[];
  /** body=scenario */
  levels: string[];
  /** table:id */
  closed: string[];
  /** commodity:factor, * for all */
  demand: string[];
  year: string;
}

export const list = (text: string | null): string[] => (text ? text.split("~").filter(Boolean) : []);

export function choiceOf(query: URLSearchParams): Choice {
  return {
    scenarios: list(query.get("scenario")),
    projects: list(query.get("project")),
    levels: list(query.get("level")),
    closed: list(query.get("close")),
    demand: list(query.get("demand")),
    year: query.get("year") ?? "",
  };
}

export const queryOf = (c: Choice): Record<string, string> => ({
  scenario: c.scenarios.join("~"),
  project: c.projects.join("~"),
  level: c.levels.join("~"),
  close: c.closed.join("~"),
  demand: c.demand.join("~"),
  year: c.year,
});

export const isBase = (c: Choice): boolean => ![c.scenarios, c.projects, c.levels, c.closed, c.demand].some((x) => x.length);

const BY_HAND = "set by hand: an assumption of the user";

/** The question the server is asked: changes as the board gives them. */
export function questionOf(c: Choice, board: Board): { scenarios: string[]; changes: Change[]; year?: number } {
  const changes = [
    ...c.projects.flatMap((id) => board.projects.filter((p) => p.id === id).map((p) => p.change)),
    ...c.levels.flatMap((text) => {
      const [body, scenario] = split(text, "=");
      return board.levels.filter((l) => l.body === body && l.scenario === scenario).map((l) => l.change);
    }),
    ...c.closed.map((text) => {
      const [close, id] = split(text, ":");
      return { close, id, because: BY_HAND };
    }),
    ...c.demand.map((text) => {
      const [goods, by] = split(text, ":");
      return { ...board.demand.change, by: Number(by), ...(goods !== "*" && { where: { commodity: [goods] } }) };
    }),
  ];
  return { scenarios: c.scenarios, changes, ...(c.year && { year: Number(c.year) }) };
}

export function split(text: string, by: string): [string, string] {
  const at = text.indexOf(by);
  return [text.slice(0, at), text.slice(at + 1)];
}

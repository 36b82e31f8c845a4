// What the server tells of the ledger (karavan.document_record, karavan.fact_history, karavan.conflict_records).
export interface DocumentInfo {
  id: string;
  name: string;
  title: string | null;
  published: string | null;
  address: string | null;
  publisher: string | null;
  facts: Record<string, number>;
}

export interface Fact {
  id: string;
  version: number;
  recorded: string;
  recorded_by: string;
  kind: string;
  status: string;
  reason: string;
  indicator: string | null;
  value: number | null;
  unit: string | null;
  period: string | null;
  quote: string;
  context: string;
  context_start: number;
  start: number;
  end: number;
  speaker: string | null;
  published: string | null;
  document: string;
  title: string | null;
  publisher: string | null;
  superseded?: boolean;
  [slot: string]: unknown;
}

export interface FactHistory extends Fact {
  gaps: string[];
  slots: string[];
  history: Fact[];
}

export interface DocumentRecord extends Omit<DocumentInfo, "facts"> {
  parts: { text: string; facts: string[]; css: string; title: string }[];
  facts: Fact[];
}

export interface Conflict {
  verdict: string;
  check: string;
  series: string;
  period: string;
  facts: string[];
  arithmetic: string;
  values: number[];
  derived: boolean;
  quotes: Fact[];
}

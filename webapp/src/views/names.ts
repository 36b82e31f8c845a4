// Search as you type over places and goods of the case.
import { read } from "../api";
import { type Here, of } from "../case";
import type { Name } from "../types";
import type { Choice } from "../ui/form";

export interface NameChoice extends Choice {
  it: Name;
}

export async function searchNames(here: Here, typed: string, kinds = "place,node"): Promise<NameChoice[]> {
  const { names } = await read<{ names: Name[] }>(of(here, "/names"), { q: typed, kinds, limit: 12 });
  return names.map((n) => ({ value: n.value, label: n.name, note: n.detail ?? n.kind, it: n }));
}

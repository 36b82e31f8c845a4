// What every view needs of the chosen case: about the server, the list of cases, the overview.
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { About, CaseInfo, Overview } from "./types";

export interface Here {
  about: About;
  cases: CaseInfo[];
  /** The id of the chosen case, as in addresses of the server. */
  id: string;
  overview: Overview;
}

export const HereContext = createContext<Here | null>(null);

/** The chosen case; only inside the shell. */
export function useHere(): Here {
  const here = useContext(HereContext);
  if (!here) throw new Error("no case is open");
  return here;
}

/** The address of something of the chosen case. */
export const of = (here: Here, rest: string): string => `/cases/${encodeURIComponent(here.id)}${rest}`;

// View 3: what if.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { read, work } from "../api";
import { of, useHere } from "../case";
import { setQuery, useAddress } from "../router";
import { s } from "../strings";
import type { MapAnswer } from "../types";
import { latest, type Loaded, useLoad } from "../ui/load";
import { Await, Empty, Failed, Loading } from "../ui/states";
import { Switches } from "./whatif-board";
import { DiffMap, Difference } from "./whatif-result";
import { type Board, type Choice, choiceOf, isBase, questionOf, queryOf, type RunRecord } from "./whatif-types";

export default function WhatIf() {
  const here = useHere();
  const { query } = useAddress();
  const [board, retry] = useLoad(here.id, () => read<Board>(of(here, "/scenarios")));
  const asked = useMemo(() => choiceOf(query), [query.toString()]);
  const [choice, setChoice] = useState<Choice>(asked);
  const key = JSON.stringify(asked);
  useEffect(() => setChoice(asked), [key]);
  const wanted = query.get("run") === "1" && !isBase(asked);
  const known = latest(board);
  const [run, text, stop] = useRun(wanted && known ? key : null, (signal, tell) =>
    work<RunRecord>(of(here, "/scenarios/run"), questionOf(asked, known!), { signal, progress: tell }),
  );
  const answer = latest(run);
  const [network] = useLoad(here.id, () => read<MapAnswer>(of(here, "/map")));
  const stale = JSON.stringify(choice) !== key;
  const start = (): void => setQuery({ ...queryOf(choice), run: "1" }, { replace: false });
  return (
    <>
      <aside class="panel" aria-label={s.app.panel}>
        <h1>{s.whatif.title}</h1>
        <p class="quiet">{s.whatif.intro}</p>
        <Await of={board} retry={retry}>
          {(b) => <Switches board={b} choice={choice} set={setChoice} year={here.overview.year} />}
        </Await>
        <div class="panel-foot">
          {run.state === "loading" ? (
            <button type="button" class="button" onClick={stop}>
              {s.whatif.cancel}
            </button>
          ) : (
            <button type="button" class="button primary" disabled={isBase(choice)} onClick={start}>
              {s.whatif.run}
            </button>
          )}
          <button
            type="button"
            class="button"
            disabled={isBase(choice)}
            onClick={() => {
              setChoice({ scenarios: [], projects: [], levels: [], closed: [], demand: [], year: "" });
              setQuery({ scenario: null, project: null, level: null, close: null, demand: null, year: null, run: null }, { replace: false });
            }}
          >
            {s.whatif.reset}
          </button>
        </div>
      </aside>
      <div class="workspace">
        <DiffMap network={latest(network)} run={wanted ? answer : undefined} busy={run.state === "loading" ? text || s.whatif.running : null} />
        <div class="dock">
          {!wanted ? (
            <Empty title={s.whatif.empty}>{s.whatif.emptyHelp}</Empty>
          ) : run.state === "error" ? (
            <div class="tab-panel">
              <Failed error={run.error} retry={start} />
            </div>
          ) : answer ? (
            <div class={run.state === "loading" ? "stale" : ""}>
              {stale && run.state === "done" && <p class="banner">{s.whatif.stale}</p>}
              <Difference run={answer} />
            </div>
          ) : (
            <Loading text={text || s.whatif.running} />
          )}
        </div>
      </div>
    </>
  );
}

/** Run when the key changes; tells its progress, and can be stopped, which cancels the work on the server. */
function useRun(key: string | null, start: (signal: AbortSignal, tell: (text: string) => void) => Promise<RunRecord>): [Loaded<RunRecord>, string, () => void] {
  const [state, set] = useState<Loaded<RunRecord>>({ state: "idle" });
  const [text, tell] = useState("");
  const control = useRef<AbortController | null>(null);
  useEffect(() => {
    if (key === null) {
      set({ state: "idle" });
      return;
    }
    const mine = new AbortController();
    control.current = mine;
    set((old) => ({ state: "loading", last: latest(old) }));
    tell("");
    start(mine.signal, (words) => !mine.signal.aborted && tell(words)).then(
      (value) => !mine.signal.aborted && set({ state: "done", value }),
      (error: unknown) => !mine.signal.aborted && set({ state: "error", error }),
    );
    return () => mine.abort();
  }, [key]);
  const stop = (): void => {
    control.current?.abort();
    setQuery({ run: null });
  };
  return [state, text, stop];
}

// What a view is waiting for: loading, an answer, or an error; an answer that comes too late is dropped.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";

export type Loaded<T> =
  | { state: "idle" }
  | { state: "loading"; last?: T }
  | { state: "done"; value: T }
  | { state: "error"; error: unknown; last?: T };

/** Load again whenever `key` changes; null asks nothing. The last answer is kept while the next is on its way. */
export function useLoad<T>(key: string | null, load: () => Promise<T>): [Loaded<T>, () => void] {
  const [loaded, set] = useState<Loaded<T>>(key === null ? { state: "idle" } : { state: "loading" });
  const [turn, again] = useState(0);
  const last = useRef<T | undefined>(undefined);
  useEffect(() => {
    if (key === null) {
      set({ state: "idle" });
      return;
    }
    let mine = true;
    set({ state: "loading", last: last.current });
    load().then(
      (value) => {
        if (!mine) return;
        last.current = value;
        set({ state: "done", value });
      },
      (error: unknown) => mine && set({ state: "error", error, last: last.current }),
    );
    return () => {
      mine = false;
    };
  }, [key, turn]);
  return [loaded, useCallback(() => again((n) => n + 1), [])];
}

/** The answer, or the last one while a new one is on its way or failed. */
export function latest<T>(loaded: Loaded<T>): T | undefined {
  return loaded.state === "done" ? loaded.value : loaded.state === "idle" ? undefined : loaded.last;
}

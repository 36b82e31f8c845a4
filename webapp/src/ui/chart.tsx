// A Vega-Lite chart from a specification of the server, drawn without building functions from text (the content policy
// forbids that), so by Vega's interpreter. Vega is loaded when the first chart is shown.
import { useEffect, useRef, useState } from "preact/hooks";
import { Failed, Loading } from "./states";

export type Spec = Record<string, unknown>;

export function Chart({ spec, label, onPick }: { spec: Spec; label: string; onPick?: (datum: Record<string, unknown>) => void }) {
  const box = useRef<HTMLDivElement>(null);
  const pick = useRef(onPick);
  pick.current = onPick;
  const [state, setState] = useState<"loading" | "done" | Error>("loading");
  const key = JSON.stringify(spec);
  useEffect(() => {
    let gone = false;
    let finalize = (): void => undefined;
    void import("./vega").then(async ({ draw }) => {
      if (gone || !box.current) return;
      const view = await draw(box.current, JSON.parse(key) as Spec, (datum) => pick.current?.(datum));
      if (gone) view.finalize();
      else finalize = () => view.finalize();
      setState("done");
    }).catch((error: unknown) => setState(error instanceof Error ? error : new Error(String(error))));
    return () => {
      gone = true;
      finalize();
    };
  }, [key]);
  return (
    <figure class="chart" aria-label={label} role="img">
      {state === "loading" && <Loading />}
      {state instanceof Error && <Failed error={state} />}
      <div ref={box} />
    </figure>
  );
}

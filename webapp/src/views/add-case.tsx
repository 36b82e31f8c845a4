// A case of one's own: checked by the server, kept where it has no errors; else every finding is shown.
import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError, type Finding, forget, send } from "../api";
import { href } from "../router";
import { fill, s } from "../strings";
import { Field, Input } from "../ui/form";
import { Failed, worded } from "../ui/states";
import { TokenBox } from "./token";

interface Checked {
  id?: string;
  title?: string;
  errors: number;
  warnings: number;
  findings: Finding[];
  ignored: string[];
}
type State = "busy" | { done: Checked } | { error: unknown } | null;

export function AddCase() {
  const [state, set] = useState<State>(null);
  const [name, setName] = useState("");
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    if (state !== null && state !== "busy") form.current?.lastElementChild?.scrollIntoView({ block: "nearest" });
  }, [state]);
  const ask = (path: string): void => {
    const file = (form.current?.elements.namedItem("file") as HTMLInputElement | null)?.files?.[0];
    if (!file || !form.current?.reportValidity()) return;
    const body = new FormData();
    body.append("file", file);
    if (path === "/cases" && name) body.append("name", name);
    set("busy");
    send<Checked>(path, body).then(
      (done) => {
        set({ done });
        if (done.id) forget();
      },
      (error: unknown) => set({ error }),
    );
  };
  return (
    <details class="more">
      <summary>{s.data.addCase}</summary>
      <form
        class="form"
        ref={form}
        onSubmit={(e) => {
          e.preventDefault();
          ask("/cases");
        }}
      >
        <p class="quiet">{s.data.addCaseHelp}</p>
        <Field label={s.data.caseFile}>{(id) => <input id={id} name="file" type="file" accept=".zip,.gpkg" required />}</Field>
        <Input label={s.data.caseName} value={name} onChange={setName} help={s.data.caseNameHelp} />
        <TokenBox />
        <div class="chips">
          <button type="button" class="button" disabled={state === "busy"} onClick={() => ask("/cases/check")}>
            {s.data.checkOnly}
          </button>
          <button type="submit" class="button primary" disabled={state === "busy"}>
            {state === "busy" ? s.data.checking : s.data.addIt}
          </button>
        </div>
        {state !== null && state !== "busy" && ("error" in state ? <Refused error={state.error} /> : <Outcome of={state.done} />)}
      </form>
    </details>
  );
}

function Refused({ error }: { error: unknown }) {
  if (!(error instanceof ApiError) || error.findings.length === 0) return <Failed error={error} />;
  return (
    <div class="state failed" role="alert">
      <strong>{error.message}</strong>
      <Findings all={error.findings} />
    </div>
  );
}

function Outcome({ of: found }: { of: Checked }) {
  return (
    <div role="status" class="stack">
      <p>
        {found.id ? fill(s.data.caseAdded, found.title ?? found.id) : found.errors === 0 && found.warnings === 0 ? s.data.caseSound : fill(s.data.caseFaults, found.errors, found.warnings)}{" "}
        {/* Loaded anew (target), so that the list of cases has it. */ found.id && <a href={href("/data", { case: found.id })} target="_self">{s.data.openCase}</a>}
      </p>
      {found.ignored.length > 0 && <p class="quiet">{fill(s.data.ignored, found.ignored.join(", "))}</p>}
      <Findings all={found.findings} />
    </div>
  );
}

/** Every finding of the check, as `karavan check` gives them. */
function Findings({ all }: { all: (Finding | string)[] }) {
  if (all.length === 0) return null;
  return (
    <ul class="findings">
      {all.map((f, i) => (
        <li key={i} class={typeof f === "string" ? undefined : f.severity}>
          {worded(f)}
        </li>
      ))}
    </ul>
  );
}

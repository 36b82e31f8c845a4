// Loading, empty and error: every view shows the same three.
import type { ComponentChildren } from "preact";
import { ApiError, type Finding, token } from "../api";
import { s } from "../strings";
import { Field } from "./form";
import type { Loaded } from "./load";

export function Loading({ text = s.app.loading }: { text?: string }) {
  return (
    <div class="state" role="status">
      <span class="spinner" aria-hidden="true" />
      <span>{text}</span>
    </div>
  );
}

export function Empty({ title, children }: { title?: string; children?: ComponentChildren }) {
  return (
    <div class="state empty">
      <svg class="empty-mark" viewBox="0 0 64 32" aria-hidden="true">
        <path d="M4 26 22 8l12 12L46 6l14 20" />
        <circle cx="22" cy="8" r="4" />
        <circle cx="46" cy="6" r="4" />
      </svg>
      {title && <strong>{title}</strong>}
      {children && <div>{children}</div>}
    </div>
  );
}

export const worded = (f: Finding | string): string =>
  typeof f === "string" ? f : [[f.file, f.line, f.id, f.field].filter((x) => x != null && x !== "").join(" \u00b7 "), f.problem, f.remedy].filter(Boolean).join(": ");

export function Failed({ error, retry, pick }: { error: unknown; retry?: () => void; pick?: (suggestion: string) => void }) {
  const said = error instanceof Error ? error.message : String(error);
  const api = error instanceof ApiError ? error : null;
  return (
    <div class="state failed" role="alert">
      <strong>{s.error.title}</strong>
      <p class="said">{said}</p>
      {api && api.suggestions.length > 0 && (
        <p>
          {s.error.suggestions}{" "}
          {api.suggestions.slice(0, 6).map((name) => (
            <button type="button" class="chip" key={name} disabled={!pick} onClick={() => pick?.(name)}>
              {name}
            </button>
          ))}
        </p>
      )}
      {api && api.findings.length > 0 && (
        <ul>
          {api.findings.slice(0, 20).map((f, i) => (
            <li key={i}>{worded(f)}</li>
          ))}
        </ul>
      )}
      {api && api.reasons.length > 0 && (
        <ul>
          {api.reasons.map((reason, i) => (
            <li key={i}>{reason}</li>
          ))}
        </ul>
      )}
      {api?.type === "TokenNeeded" && retry ? (
        <form
          class="form"
          onSubmit={(e) => {
            e.preventDefault();
            token.set(String(new FormData(e.currentTarget).get("token") ?? "").trim());
            retry();
          }}
        >
          <Field label={s.app.token} help={s.app.tokenHelp}>
            {(id) => <input id={id} name="token" type="password" autocomplete="off" required />}
          </Field>
          <button type="submit" class="button primary">
            {s.app.tokenSet}
          </button>
        </form>
      ) : (
        retry && (
          <button type="button" class="button" onClick={retry}>
            {s.app.retry}
          </button>
        )
      )}
    </div>
  );
}

/** Show a loaded value, or the state it is in. While a new answer is on its way the last one stays, dimmed. */
export function Await<T>({
  of,
  retry,
  loading,
  children,
}: {
  of: Loaded<T>;
  retry?: () => void;
  loading?: string;
  children: (value: T) => ComponentChildren;
}) {
  if (of.state === "idle") return null;
  if (of.state === "error") return <Failed error={of.error} retry={retry} />;
  if (of.state === "done") return <>{children(of.value)}</>;
  if (of.last !== undefined)
    return (
      <div class="stale" aria-busy="true">
        {children(of.last)}
      </div>
    );
  return <Loading text={loading} />;
}

// View 4: promises, their history, both verdicts, and what would lift what stands in the way.
import { useEffect, useRef, useState } from "preact/hooks";
import { read, work } from "../api";
import { useHere } from "../case";
import { day, number, tonnes } from "../format";
import { href, setQuery, useAddress } from "../router";
import { fill, s } from "../strings";
import { Command } from "../ui/bits";
import { Chart } from "../ui/chart";
import { Field } from "../ui/form";
import { latest, type Loaded, useLoad } from "../ui/load";
import { Await, Empty, Failed } from "../ui/states";
import { CheckView, NetworkVerdict } from "./promise-check";
import type { Check, PromiseDetail, PromiseRow } from "./promise-types";

export default function Promises() {
  const here = useHere();
  const { query } = useAddress();
  const [loaded, retry] = useLoad(`promises ${here.id}`, () => read<{ promises: PromiseRow[] }>("/promises", { case: here.id }));
  const all = latest(loaded)?.promises ?? [];
  const id = query.get("promise");
  const text = query.get("text") ?? "";
  const [typed, setTyped] = useState(text);
  const [filter, setFilter] = useState("");
  useEffect(() => setTyped(text), [text]);
  const asked = query.get("check") === "1" ? (text ? { text } : id ? { promise: id } : null) : null;
  const check = useCheck(here.id, asked);
  const shown = all.filter((p) => `${p.title} ${p.areas.join(" ")} ${p.status} ${p.history.map((h) => h.quote).join(" ")}`.toLowerCase().includes(filter.toLowerCase()));
  return (
    <>
      <aside class="panel" aria-label={s.app.panel}>
        <h1>{s.promises.title}</h1>
        <form
          class="form"
          onSubmit={(e) => {
            e.preventDefault();
            if (typed.trim()) setQuery({ text: typed.trim(), promise: null, check: "1" }, { replace: false });
          }}
        >
          <Field label={s.promises.check}>{(field) => <textarea id={field} rows={2} value={typed} placeholder={s.promises.placeholder} onInput={(e) => setTyped(e.currentTarget.value)} />}</Field>
          <button type="submit" class="button primary" disabled={!typed.trim()}>
            {s.promises.run}
          </button>
        </form>
        {all.length > 5 && <Field label={s.promises.search}>{(field) => <input id={field} type="search" value={filter} onInput={(e) => setFilter(e.currentTarget.value)} />}</Field>}
        <Await of={loaded} retry={retry}>
          {() =>
            all.length === 0 ? (
              <Empty title={s.promises.empty}>{s.promises.emptyHelp}</Empty>
            ) : (
              <ol class="cards">
                {shown.map((p) => (
                  <PromiseCard key={p.id} of={p} chosen={p.id === id} />
                ))}
                {shown.length === 0 && <p class="quiet">{s.promises.emptyFilter}</p>}
              </ol>
            )
          }
        </Await>
      </aside>
      <div class="page">
        <div class="page-narrow">
          {text ? (
            <Typed text={text} check={check} />
          ) : id ? (
            <Detail key={id} id={id} check={check} />
          ) : (
            <Empty title={s.promises.choose}>{s.promises.chooseHelp}</Empty>
          )}
        </div>
      </div>
    </>
  );
}

export function Status({ of: status }: { of: string }) {
  return <span class={`status status-${status.replaceAll(" ", "-")}`}>{s.promises.statuses[status] ?? status}</span>;
}

function Progress({ of: p }: { of: PromiseRow }) {
  if (p.share_pct === null) return null;
  return (
    <span class="progress">
      <span class="bar" aria-hidden="true">
        <span style={{ inlineSize: `${Math.min(p.share_pct, 100)}%` }} />
      </span>
      <span class="num">{number(Math.round(p.share_pct))}%</span>
    </span>
  );
}

const due = (p: PromiseRow): string => (p.deadline ? fill(s.promises.due, day(p.deadline)) : s.promises.noDue);

function PromiseCard({ of: p, chosen }: { of: PromiseRow; chosen: boolean }) {
  return (
    <li class={`card ${chosen ? "chosen" : ""}`}>
      <a class="card-button" aria-current={chosen ? "true" : undefined} href={href("/promises", { promise: p.id })}>
        <span class="card-line">
          <span class="card-title">{p.title}</span>
          <Status of={p.status} />
        </span>
        <Progress of={p} />
        <span class="card-note">
          {p.target !== null && `${tonnes(p.target, p.unit ?? "")} \u00b7 `}
          {due(p)}
        </span>
      </a>
    </li>
  );
}

function Detail({ id, check }: { id: string; check: ReturnType<typeof useCheck> }) {
  const here = useHere();
  const [loaded, retry] = useLoad(`promise ${id}`, () => read<PromiseDetail>(`/promises/${encodeURIComponent(id)}`, { case: here.id }));
  return (
    <Await of={loaded} retry={retry}>
      {(p) => (
        <article class="stack">
          <header>
            <h1>{p.title}</h1>
            <p class="quiet">{[p.by.join(", "), p.areas.join(", "), p.modality, due(p)].filter(Boolean).join(" \u00b7 ")}</p>
          </header>
          <div class="verdicts">
            <section class="verdict">
              <h2>{s.promises.said}</h2>
              <Status of={p.status} />
              <p class="verdict-figure">{p.latest === null ? (p.target === null ? "" : tonnes(p.target, p.unit ?? "")) : fill(s.promises.of, tonnes(p.latest, p.unit ?? ""), p.target === null ? "\u2013" : tonnes(p.target, p.unit ?? ""))}</p>
              <Progress of={p} />
              <p class="note">
                {p.latest_period && `${p.latest_period}: `}
                {p.rule}
              </p>
            </section>
            <NetworkVerdict check={check} />
          </div>
          <section class="block">
            <h2>{s.promises.history}</h2>
            <p class="quiet">{s.promises.historyHelp}</p>
            {p.chart ? <Chart spec={p.chart} label={`${s.promises.history}: ${p.title}`} /> : <p class="quiet">{s.promises.noHistory}</p>}
          </section>
          <section class="block">
            <h2>{s.promises.quotes}</h2>
            {p.history.map((h) => (
              <figure class="quote" key={h.fact}>
                <blockquote>{h.quote}</blockquote>
                <figcaption>
                  {[h.speaker, h.published && day(h.published)].filter(Boolean).join(", ")} <a href={href("/evidence", { document: h.document, fact: h.fact })}>{h.document}</a>
                </figcaption>
              </figure>
            ))}
          </section>
          <CheckBody check={check} />
        </article>
      )}
    </Await>
  );
}

function Typed({ text, check }: { text: string; check: ReturnType<typeof useCheck> }) {
  return (
    <article class="stack">
      <h1>{text}</h1>
      <div class="verdicts">
        <NetworkVerdict check={check} />
      </div>
      <CheckBody check={check} />
    </article>
  );
}

function CheckBody({ check: [state] }: { check: ReturnType<typeof useCheck> }) {
  if (state.state === "error") return <Failed error={state.error} />;
  const found = latest(state);
  return found ? (
    <>
      <CheckView check={found} />
      <Command cli={found.cli} link />
    </>
  ) : null;
}

/** Check a promise when asked to; tells its progress and can be stopped. */
export function useCheck(id: string, asked: { text: string } | { promise: string } | null): [Loaded<Check>, string, () => void] {
  const [state, set] = useState<Loaded<Check>>({ state: "idle" });
  const [text, tell] = useState("");
  const control = useRef<AbortController | null>(null);
  const key = asked && JSON.stringify(asked);
  useEffect(() => {
    set(key ? { state: "loading" } : { state: "idle" });
    tell("");
    if (!key) return;
    const mine = new AbortController();
    control.current = mine;
    work<Check>("/promises/check", { ...(JSON.parse(key) as object), case: id }, { signal: mine.signal, progress: (words) => !mine.signal.aborted && tell(words) }).then(
      (value) => !mine.signal.aborted && set({ state: "done", value }),
      (error: unknown) => !mine.signal.aborted && set({ state: "error", error }),
    );
    return () => mine.abort();
  }, [key, id]);
  const stop = (): void => {
    control.current?.abort();
    setQuery({ check: null });
  };
  return [state, text, stop];
}

// An article with its facts, a fact with its decision, and conflicts.
import { useEffect, useState } from "preact/hooks";
import { ApiError, forget, read, send } from "../api";
import { useHere } from "../case";
import { cell, day, minute, tonnes, words } from "../format";
import { href, setQuery } from "../router";
import { fill, s } from "../strings";
import { Input } from "../ui/form";
import { useLoad } from "../ui/load";
import { Await, Empty, Failed } from "../ui/states";
import type { Conflict, DocumentRecord, Fact, FactHistory } from "./evidence-types";
import { TokenBox } from "./token";

const SHOWN = ["indicator", "value", "low", "high", "unit", "comparator", "change_pct", "rate", "period", "base_period", "areas", "direction", "product", "modality", "deadline", "horizon", "actors", "event_type", "date", "place", "object", "definition", "reporter", "speaker"];

export function FactStatus({ of: status }: { of: string }) {
  return <span class={`status fact-${status}`}>{s.evidence.statuses[status] ?? status}</span>;
}

/** An article: its text with every fact marked where it stands, and the chosen fact beside it. */
export function DocumentView({ id, fact, turn, decided }: { id: string; fact: string | null; turn: number; decided: () => void }) {
  const [loaded, retry] = useLoad(`${id} ${turn}`, () => read<DocumentRecord>(`/documents/${encodeURIComponent(id)}`, {}, { fresh: turn > 0 }));
  const shown = loaded.state === "done";
  useEffect(() => {
    if (shown && fact) document.querySelector(`[data-fact~="${CSS.escape(fact)}"]`)?.scrollIntoView({ block: "center" });
  }, [shown, fact]);
  return (
    <>
      <article class="article">
        <Await of={loaded} retry={retry}>
          {(d) => (
            <>
              <header>
                <h1>{d.title ?? d.name}</h1>
                <p class="quiet">
                  {[d.publisher, d.published ? day(d.published) : s.evidence.undated, d.name].filter(Boolean).join(" \u00b7 ")}{" "}
                  {/^https?:\/\//.test(d.address ?? "") && (
                    <a href={d.address!} target="_blank" rel="noopener noreferrer nofollow">
                      {s.evidence.original}
                    </a>
                  )}
                </p>
                <p class="quiet">{fill(s.evidence.highlights, d.facts.length)}</p>
              </header>
              <div class="article-text" lang="en">
                {d.parts.map((part, i) =>
                  part.facts.length ? (
                    <Marked key={i} part={part} facts={d.facts} chosen={fact} />
                  ) : (
                    <span key={i} class={part.css ? "aside" : undefined}>
                      {part.text}
                    </span>
                  ),
                )}
              </div>
            </>
          )}
        </Await>
      </article>
      <aside class="fact-side" aria-label={s.evidence.fact}>
        {fact ? <FactPanel key={fact} id={fact} turn={turn} decided={decided} /> : <Empty>{s.evidence.chooseFact}</Empty>}
      </aside>
    </>
  );
}

function Marked({ part, facts, chosen }: { part: DocumentRecord["parts"][number]; facts: Fact[]; chosen: string | null }) {
  const status = facts.find((f) => f.id === part.facts[0])?.status ?? "";
  const at = chosen ? part.facts.indexOf(chosen) : -1;
  const next = part.facts[(at + 1) % part.facts.length]!;
  return (
    <mark
      class={`mark-${status} ${at >= 0 ? "chosen" : ""}`}
      data-fact={part.facts.join(" ")}
      role="button"
      tabIndex={0}
      aria-pressed={at >= 0}
      title={part.title}
      onClick={() => setQuery({ fact: next })}
      onKeyDown={(e) => {
        if (e.key !== "Enter" && e.key !== " ") return;
        e.preventDefault();
        setQuery({ fact: next });
      }}
    >
      {part.text}
    </mark>
  );
}

/** One fact: what was read, what it lacks, its versions, and the decision of a person. */
export function FactPanel({ id, turn, decided, withQuote = false }: { id: string; turn: number; decided: () => void; withQuote?: boolean }) {
  const { about } = useHere();
  const [own, again] = useState(0);
  const [loaded, retry] = useLoad(`${id} ${turn} ${own}`, () => read<FactHistory>(`/facts/${encodeURIComponent(id)}`, {}, { fresh: turn + own > 0 }));
  return (
    <Await of={loaded} retry={retry}>
      {(f) => (
        <div class="stack fact">
          <div class="card-line">
            <h2>{[f.kind, f.indicator].filter(Boolean).join(": ").replaceAll("_", " ")}</h2>
            <FactStatus of={f.status} />
          </div>
          {withQuote && (
            <figure class="quote">
              <blockquote>{f.context || f.quote}</blockquote>
              <figcaption>
                {[f.title, f.publisher, f.published && day(f.published)].filter(Boolean).join(", ")}{" "}
                <a href={href("/evidence", { document: f.document, fact: f.id })}>{s.evidence.inArticle}</a>
              </figcaption>
            </figure>
          )}
          {f.reason && (
            <p class="note">
              <strong>{s.evidence.reason}:</strong> {f.reason}
            </p>
          )}
          {f.gaps.length > 0 && (
            <p class="note">
              <strong>{s.evidence.gaps}:</strong> {f.gaps.map((g) => words(g)).join(", ")}
            </p>
          )}
          <dl class="fields">
            {SHOWN.filter((k) => filled(f[k])).map((k) => (
              <div class="field-row" key={k}>
                <dt>{words(k)}</dt>
                <dd>{typeof f[k] === "number" && k !== "change_pct" && k !== "rate" ? tonnes(f[k], f.unit ?? "") : cell(f[k])}</dd>
              </div>
            ))}
          </dl>
          {about.read_only ? (
            <p class="quiet">{s.evidence.readOnly}</p>
          ) : (
            <Decide
              key={`${f.id} ${f.version}`}
              fact={f}
              done={() => {
                forget();
                decided();
                again(own + 1);
              }}
            />
          )}
          {f.history.length > 1 && (
            <section class="block">
              <h3>{s.evidence.history}</h3>
              <ul class="lines">
                {f.history.map((v) => (
                  <li key={v.version}>
                    {fill(s.evidence.version, v.version)}: <FactStatus of={v.status} /> {fill(s.evidence.recordedBy, v.recorded_by)}, {minute(v.recorded)}
                  </li>
                ))}
              </ul>
            </section>
          )}
          <code class="quiet">{f.id}</code>
        </div>
      )}
    </Await>
  );
}

const filled = (value: unknown): boolean => value !== null && value !== undefined && value !== "" && !(Array.isArray(value) && value.length === 0);

function Decide({ fact, done }: { fact: FactHistory; done: () => void }) {
  const [slots, setSlots] = useState<Record<string, string>>({});
  const [who, setWho] = useState(sessionStorage.getItem("karavan-who") ?? "");
  const [note, setNote] = useState("");
  const [state, set] = useState<"busy" | { error: unknown } | { text: string } | null>(null);
  const gaps = fact.gaps.map((g) => g.split(/[ :(]/)[0]!).filter((g) => fact.slots.includes(g));
  const others = fact.slots.filter((x) => !gaps.includes(x));
  const filledIn = Object.entries(slots).filter(([, v]) => v.trim() !== "");
  const decide = (decision: "accept" | "correct" | "reject"): void => {
    set("busy");
    sessionStorage.setItem("karavan-who", who);
    const fields = Object.fromEntries(filledIn.map(([k, v]) => [k, valueOf(v, fact[k])]));
    send<FactHistory>(`/facts/${encodeURIComponent(fact.id)}/decision`, { decision, expected_version: fact.version, who, note, ...(decision === "correct" && { fields }) }).then(
      () => {
        set({ text: fill(s.evidence.decided, s.evidence[decision].toLowerCase()) });
        done();
      },
      (error: unknown) => {
        set({ error });
        if (error instanceof ApiError && error.status === 409) done();
      },
    );
  };
  const slot = (name: string) => <Input key={name} label={words(name)} value={slots[name] ?? ""} placeholder={filled(fact[name]) ? cell(fact[name]) : ""} onChange={(v) => setSlots({ ...slots, [name]: v })} />;
  return (
    <form class="decide form" onSubmit={(e) => e.preventDefault()}>
      <h3>{s.evidence.decide}</h3>
      {gaps.length > 0 && <div class="row">{gaps.map(slot)}</div>}
      <details class="more">
        <summary>{gaps.length ? s.evidence.moreSlots : s.evidence.fillIn}</summary>
        <p class="quiet">{s.evidence.fillHelp}</p>
        <div class="slots">{others.map(slot)}</div>
      </details>
      <div class="row">
        <Input label={s.evidence.who} value={who} onChange={setWho} required />
        <Input label={s.evidence.note} value={note} onChange={setNote} />
      </div>
      <TokenBox />
      <div class="chips">
        <button type="button" class="button" disabled={!who.trim() || state === "busy" || filledIn.length > 0} onClick={() => decide("accept")}>
          {s.evidence.accept}
        </button>
        <button type="button" class="button primary" disabled={!who.trim() || state === "busy" || filledIn.length === 0} onClick={() => decide("correct")}>
          {s.evidence.correct}
        </button>
        <button type="button" class="button" disabled={!who.trim() || state === "busy"} onClick={() => decide("reject")}>
          {s.evidence.reject}
        </button>
      </div>
      {state !== null && state !== "busy" && ("error" in state ? <Failed error={state.error} /> : <p role="status">{state.text}</p>)}
    </form>
  );
}

/** A number where the slot holds one, a list where it holds a list; else the words as typed. */
function valueOf(typed: string, now: unknown): string | number | string[] {
  const text = typed.trim();
  if (Array.isArray(now)) return text.split(/[;,]\s*/).filter(Boolean);
  return /^-?\d+(\.\d+)?(e\d+)?$/i.test(text) ? Number(text) : text;
}

export function Conflicts({ all, chosen }: { all: Conflict[]; chosen: number }) {
  const c = all[chosen] ?? all[0];
  if (!c) return <Empty title={s.evidence.noConflicts} />;
  return (
    <article class="page-narrow stack">
      <header>
        <h1>
          {c.series}, {c.period}
        </h1>
        <p class="quiet">
          {c.verdict}: {c.check}
        </p>
      </header>
      <section class="verdict">
        <h2>{s.evidence.arithmetic}</h2>
        <p class="arithmetic">{c.arithmetic}</p>
      </section>
      <div class="verdicts">
        {c.quotes.map((f) => (
          <section class="verdict" key={f.id}>
            <div class="card-line">
              <p class="verdict-figure">{tonnes(f.value, f.unit ?? "")}</p>
              <FactStatus of={f.status} />
            </div>
            <figure class="quote">
              <blockquote>{f.quote}</blockquote>
              <figcaption>
                {[f.publisher, f.published && day(f.published)].filter(Boolean).join(", ")} <a href={href("/evidence", { document: f.document, fact: f.id })}>{s.evidence.inArticle}</a>
              </figcaption>
            </figure>
          </section>
        ))}
      </div>
    </article>
  );
}

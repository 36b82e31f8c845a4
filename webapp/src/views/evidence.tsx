// View 5: articles with their facts, conflicts with their arithmetic, and the review of what is partial.
import { useState } from "preact/hooks";
import { read, send } from "../api";
import { useHere } from "../case";
import { day, number } from "../format";
import { href, setQuery, useAddress } from "../router";
import { fill, s } from "../strings";
import { Field, Input } from "../ui/form";
import { latest, useLoad } from "../ui/load";
import { Await, Empty, Failed } from "../ui/states";
import { Conflicts, DocumentView, FactPanel, FactStatus } from "./evidence-parts";
import type { Conflict, DocumentInfo, Fact } from "./evidence-types";
import { TokenBox } from "./token";

const TABS = ["documents", "conflicts", "review"] as const;

export default function Evidence() {
  const { query } = useAddress();
  const tab = TABS.find((t) => t === query.get("show")) ?? "documents";
  const [turn, again] = useState(0);
  const [documents, retry] = useLoad(`documents ${turn}`, () => read<{ documents: DocumentInfo[] }>("/documents", {}, { fresh: turn > 0 }));
  const [conflicts, retryConflicts] = useLoad(`conflicts ${turn}`, () => read<{ conflicts: Conflict[] }>("/conflicts", {}, { fresh: turn > 0 }));
  const [review, retryReview] = useLoad(`review ${turn}`, () => read<{ total: number; facts: Fact[] }>("/facts", { status: "partial", limit: 200 }, { fresh: turn > 0 }));
  const counts = { documents: latest(documents)?.documents.length, conflicts: latest(conflicts)?.conflicts.length, review: latest(review)?.total };
  const decided = (): void => again(turn + 1);
  const fact = query.get("fact");
  return (
    <>
      <aside class="panel" aria-label={s.app.panel}>
        <h1>{s.evidence.title}</h1>
        <nav class="segments" aria-label={s.evidence.tabs}>
          {TABS.map((t) => (
            <a key={t} class={`chip ${t === tab ? "on" : ""}`} aria-current={t === tab ? "page" : undefined} href={href("/evidence", { show: t })}>
              {s.evidence[t]} {counts[t] !== undefined && <span class="count">{number(counts[t])}</span>}
            </a>
          ))}
        </nav>
        {tab === "documents" && <Await of={documents} retry={retry}>{(d) => <Articles all={d.documents} chosen={query.get("document")} added={decided} />}</Await>}
        {tab === "conflicts" && (
          <Await of={conflicts} retry={retryConflicts}>
            {(c) =>
              c.conflicts.length ? (
                <ol class="cards">
                  {c.conflicts.map((x, i) => (
                    <li key={i} class={`card ${query.get("n") === String(i) ? "chosen" : ""}`}>
                      <button type="button" class="card-button" onClick={() => setQuery({ n: String(i) })}>
                        <span class="card-title">
                          {x.series}, {x.period}
                        </span>
                        <span class="card-note">
                          {x.verdict}: {x.check}
                        </span>
                      </button>
                    </li>
                  ))}
                </ol>
              ) : (
                <Empty title={s.evidence.noConflicts} />
              )
            }
          </Await>
        )}
        {tab === "review" && (
          <Await of={review} retry={retryReview}>
            {(r) =>
              r.facts.length ? (
                <ol class="cards">
                  {r.facts.map((f) => (
                    <li key={f.id} class={`card ${fact === f.id ? "chosen" : ""}`}>
                      <a class="card-button" aria-current={fact === f.id ? "true" : undefined} href={href("/evidence", { show: "review", fact: f.id })}>
                        <span class="card-line">
                          <span class="card-title">{[f.kind, f.indicator].filter(Boolean).join(": ").replaceAll("_", " ")}</span>
                          <FactStatus of={f.status} />
                        </span>
                        <span class="card-quote">{f.quote}</span>
                        <span class="card-note">{f.reason}</span>
                      </a>
                    </li>
                  ))}
                </ol>
              ) : (
                <Empty title={s.evidence.noReview} />
              )
            }
          </Await>
        )}
      </aside>
      <div class="page page-split">
        {tab === "documents" &&
          (query.get("document") ? <DocumentView id={query.get("document")!} fact={fact} turn={turn} decided={decided} /> : <Empty title={s.evidence.choose}>{s.evidence.chooseHelp}</Empty>)}
        {tab === "conflicts" && <Await of={conflicts}>{(c) => <Conflicts all={c.conflicts} chosen={Number(query.get("n") ?? 0)} />}</Await>}
        {tab === "review" && (fact ? <FactPanel key={fact} id={fact} turn={turn} decided={decided} withQuote /> : counts.review ? <Empty title={s.evidence.review}>{s.evidence.gaps}</Empty> : null)}
      </div>
    </>
  );
}

function Articles({ all, chosen, added }: { all: DocumentInfo[]; chosen: string | null; added: () => void }) {
  const { about } = useHere();
  const [typed, setTyped] = useState("");
  const shown = all.filter((d) => `${d.title ?? ""} ${d.name} ${d.publisher ?? ""}`.toLowerCase().includes(typed.toLowerCase()));
  return (
    <>
      {all.length > 6 && <Field label={s.evidence.find}>{(id) => <input id={id} type="search" value={typed} onInput={(e) => setTyped(e.currentTarget.value)} />}</Field>}
      {all.length === 0 && <Empty title={s.evidence.none}>{s.evidence.noneHelp}</Empty>}
      <ul class="list">
        {shown.map((d) => (
          <li key={d.id}>
            <a class="document" href={href("/evidence", { document: d.name })} aria-current={d.name === chosen || d.id === chosen ? "true" : undefined}>
              <span>
                {d.title ?? d.name}
                <small>{[d.publisher, d.published ? day(d.published) : s.evidence.undated].filter(Boolean).join(", ")}</small>
              </span>
              <span class="count">{number(Object.values(d.facts).reduce((a, b) => a + b, 0))}</span>
            </a>
          </li>
        ))}
      </ul>
      {!about.read_only && <AddArticle added={added} />}
    </>
  );
}

function AddArticle({ added }: { added: () => void }) {
  const [state, set] = useState<{ text: string } | { error: unknown } | "busy" | null>(null);
  const [published, setPublished] = useState("");
  const [publisher, setPublisher] = useState("");
  const [address, setAddress] = useState("");
  return (
    <details class="more">
      <summary>{s.evidence.add}</summary>
      <form
        class="form"
        onSubmit={(e) => {
          e.preventDefault();
          const file = (e.currentTarget.elements.namedItem("file") as HTMLInputElement).files?.[0];
          if (!file) return;
          const body = new FormData();
          body.append("file", file);
          for (const [k, v] of Object.entries({ published, publisher, address })) if (v) body.append(k, v);
          set("busy");
          send<{ facts?: unknown[] | number }>("/documents", body).then(
            (r) => {
              set({ text: fill(s.evidence.added, Array.isArray(r.facts) ? r.facts.length : (r.facts ?? 0)) });
              added();
            },
            (error: unknown) => set({ error }),
          );
        }}
      >
        <p class="quiet">{s.evidence.addHelp}</p>
        <Field label={s.evidence.file}>{(id) => <input id={id} name="file" type="file" accept=".txt,.html,.htm,.pdf" required />}</Field>
        <div class="row">
          <Input label={s.evidence.published} type="date" value={published} onChange={setPublished} />
          <Input label={s.evidence.publisher} value={publisher} onChange={setPublisher} />
        </div>
        <Input label={s.evidence.address} type="url" value={address} onChange={setAddress} />
        <TokenBox />
        <button type="submit" class="button primary" disabled={state === "busy"}>
          {state === "busy" ? s.evidence.adding : s.evidence.send}
        </button>
        {state !== null && state !== "busy" && ("error" in state ? <Failed error={state.error} /> : <p role="status">{state.text}</p>)}
      </form>
    </details>
  );
}

// One record of the case: every field with its unit, how sure it is, what it rests on, and the facts that speak of it.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { read } from "../api";
import { of, useHere } from "../case";
import { cell, day, words } from "../format";
import { href } from "../router";
import { fill, s } from "../strings";
import type { Ref } from "../types";
import { Command, Confidence, Source, type SourceRef } from "../ui/bits";
import { useLoad } from "../ui/load";
import { Await } from "../ui/states";

interface Fact {
  id?: string;
  quote?: string;
  document?: string | null;
  title?: string | null;
  published?: string | null;
  status?: string;
}
interface FieldValue {
  name: string;
  value: unknown;
  unit?: string | null;
  text?: string | null;
  type?: string;
  sourced?: boolean;
}
export interface RecordAnswer extends Ref {
  title?: string | null;
  name?: string | null;
  fields: FieldValue[];
  confidence?: string | null;
  note?: string | null;
  sources?: SourceRef[];
  point?: [number, number] | null;
}

const HOUSEKEEPING = new Set(["id", "name", "source", "confidence", "note", "geometry"]);

export const recordOf = (here: ReturnType<typeof useHere>, at: Ref): Promise<RecordAnswer> =>
  read<RecordAnswer>(of(here, `/records/${encodeURIComponent(at.table)}/${encodeURIComponent(at.id)}`));

export function RecordView({ at, actions }: { at: Ref; actions?: (record: RecordAnswer) => ComponentChildren }) {
  const here = useHere();
  const [loaded, retry] = useLoad(`${here.id}/${at.table}/${at.id}`, () => recordOf(here, at));
  const [traced, setTraced] = useState<string | null>(null);
  return (
    <Await of={loaded} retry={retry}>
      {(record) => {
        const filled = record.fields.filter((f) => f.value !== null && f.value !== "" && !HOUSEKEEPING.has(f.name));
        const missing = record.fields.filter((f) => (f.value === null || f.value === "") && !HOUSEKEEPING.has(f.name)).length;
        return (
          <div class="record">
            <div class="record-kind">
              {words(record.table)} <code>{record.id}</code> <Confidence of={record.confidence} />
            </div>
            {actions && <div class="record-actions">{actions(record)}</div>}
            <dl class="fields">
              {filled.map((f) => (
                <div key={f.name} class="field-row">
                  <dt title={f.text ?? undefined}>
                    <button type="button" class="trace-button" aria-expanded={traced === f.name} title={fill(s.record.traceOf, words(f.name))} onClick={() => setTraced(traced === f.name ? null : f.name)}>
                      {words(f.name, f.unit)}
                    </button>
                  </dt>
                  <dd>
                    <span class="value">{cell(f.value, f.name)}</span>
                    {f.unit && <span class="unit"> {f.unit}</span>}
                    {traced === f.name && <TraceOf at={at} field={f} />}
                  </dd>
                </div>
              ))}
            </dl>
            {filled.length === 0 && <p class="quiet">{s.record.empty}</p>}
            {missing > 0 && <p class="quiet">{fill(s.record.missing, missing)}</p>}
            {record.note && (
              <p class="note">
                <strong>{s.record.note}:</strong> {record.note}
              </p>
            )}
            <Sources list={record.sources} />
          </div>
        );
      }}
    </Await>
  );
}

function Sources({ list = [] }: { list?: SourceRef[] }) {
  if (!list.length) return null;
  return (
    <p class="sources">
      <strong>{list.length > 1 ? s.app.sources : s.app.source}:</strong>{" "}
      {list.map((one, i) => (
        <span key={one.id}>
          {i > 0 && "; "}
          <Source of={one} />
        </span>
      ))}
    </p>
  );
}

/** Facts as quotes, each linked to its article in the Evidence view. */
export function Quotes({ facts }: { facts: Fact[] }) {
  return (
    <>
      {facts.map((f, i) => (
        <figure class="quote" key={f.id ?? i}>
          <blockquote>{f.quote}</blockquote>
          <figcaption>
            {f.document ? <a href={href("/evidence", { document: f.document, fact: f.id })}>{f.title ?? f.document}</a> : f.title}
            {f.published && `, ${day(f.published)}`} <code>{f.id}</code>
          </figcaption>
        </figure>
      ))}
    </>
  );
}

interface Step {
  kind: string;
  text: string;
  table?: string | null;
  id?: string | null;
  file?: string | null;
  line?: number | null;
}
interface TraceAnswer {
  confidence?: string | null;
  note?: string | null;
  other_values?: unknown;
  steps: Step[];
  facts: Fact[];
  cli: string;
}

function TraceOf({ at, field }: { at: Ref; field: FieldValue }) {
  const here = useHere();
  const [loaded, retry] = useLoad(`${at.table}/${at.id}/${field.name}`, () =>
    read<TraceAnswer>(of(here, `/trace/${encodeURIComponent(at.table)}/${encodeURIComponent(field.name)}`), { id: at.id }),
  );
  return (
    <div class="trace">
      {field.text && <p class="quiet">{field.text}</p>}
      <Await of={loaded} retry={retry}>
        {(answer) => (
          <>
            <ol>
              {answer.steps.map((step, i) => (
                <li key={i}>
                  <span class="step-kind">{words(step.kind)}</span> {step.text}
                  {step.file && (
                    <small>
                      {" "}
                      <code>{[step.file, step.line].filter((x) => x != null).join(":")}</code>
                    </small>
                  )}
                </li>
              ))}
            </ol>
            {answer.note && (
              <p class="note">
                <Confidence of={answer.confidence} /> {answer.note}
              </p>
            )}
            {answer.other_values ? <p class="note">{cell(answer.other_values)}</p> : null}
            <Quotes facts={answer.facts} />
            <Command cli={answer.cli} />
          </>
        )}
      </Await>
    </div>
  );
}

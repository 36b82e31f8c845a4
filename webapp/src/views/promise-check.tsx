// What the network says of a promise: its verdict, the tonnes it means, what stands in the way and what would lift it.
import type { ComponentChildren } from "preact";
import { cell, number, percent, tonnes, words } from "../format";
import { setQuery } from "../router";
import { fill, s } from "../strings";
import { Confidence, Section } from "../ui/bits";
import { latest, type Loaded } from "../ui/load";
import { type Column, Table } from "../ui/table";
import type { Check } from "./promise-types";

const tone = (verdict: string): string => (/with room/.test(verdict) ? "good" : /limit/.test(verdict) ? "mid" : /not carried/.test(verdict) ? "bad" : "");

export function NetworkVerdict({ check: [state, text, stop] }: { check: [Loaded<Check>, string, () => void] }) {
  const found = latest(state);
  return (
    <>
      <section class="verdict">
        <h2>{s.promises.network}</h2>
        {state.state === "loading" ? (
          <>
            <p role="status" class="card-line">
              <span class="spinner" aria-hidden="true" /> <span class="grow">{text || s.promises.running}</span>
            </p>
            <div>
              <button type="button" class="button small" onClick={stop}>
                {s.promises.cancel}
              </button>
            </div>
          </>
        ) : found ? (
          <>
            <p class={`verdict-figure tone-${tone(found.verdict)}`}>
              <span aria-hidden="true">{s.promises.verdicts[found.verdict] ?? ""}</span> {found.verdict}
            </p>
            {found.label && <p class="quiet">{found.label}</p>}
            <p class="note">{found.why}</p>
          </>
        ) : (
          <>
            <p class="quiet">{s.promises.notAsked}</p>
            <div>
              <button type="button" class="button primary" onClick={() => setQuery({ check: "1" }, { replace: false })}>
                {s.promises.askNetwork}
              </button>
            </div>
          </>
        )}
      </section>
      {found?.pace.verdict && (
        <section class="verdict">
          <h2>{s.promises.pace}</h2>
          <p class="verdict-figure">{found.pace.verdict}</p>
          <p class="note">{found.pace.why}</p>
          {found.pace.base_rate && <p class="note">{found.pace.base_rate}</p>}
        </section>
      )}
    </>
  );
}

export function CheckView({ check: c }: { check: Check }) {
  return (
    <>
      {c.needs.length > 0 && <Lines title={s.promises.needs} lines={c.needs} />}
      {c.not_network && <p class="banner">{c.not_network}</p>}
      {c.tonnes && <Tonnes of={c} />}
      {c.bottlenecks.length > 0 && (
        <section class="block">
          <h2>{s.promises.bottlenecks}</h2>
          <Bottlenecks of={c} />
        </section>
      )}
      {c.least_change && (
        <section class="block">
          <h2>{s.promises.lifts}</h2>
          <p>{c.least_change.text}</p>
          {c.least_change.capacity.length > 0 && <Plain label={s.promises.lifts} rows={c.least_change.capacity} />}
          {c.least_change.causes.length > 0 && (
            <>
              <h3>{s.promises.causes}</h3>
              <Plain label={s.promises.causes} rows={c.least_change.causes as unknown as Record<string, unknown>[]} />
            </>
          )}
          {c.largest?.scale != null && <p>{fill(s.promises.largest, number(c.largest.scale), tonnes(c.largest.tonnes))}</p>}
        </section>
      )}
      {(c.draws || c.shippers) && (
        <div class="verdicts">
          {c.draws && (
            <section class="verdict">
              <h3>{s.promises.draws}</h3>
              <p class="verdict-figure">{percent(c.draws.share)}</p>
              <p class="note">{c.draws.text}</p>
            </section>
          )}
          {c.shippers && (
            <section class="verdict">
              <h3>{s.promises.shippers}</h3>
              <p class={`verdict-figure tone-${tone(c.shippers.verdict)}`}>
                <span aria-hidden="true">{s.promises.verdicts[c.shippers.verdict] ?? ""}</span> {c.shippers.verdict}
              </p>
              <p class="note">{fill(s.promises.of, tonnes(c.shippers.served), tonnes(c.shippers.wanted))}</p>
            </section>
          )}
        </div>
      )}
      {c.settings.length > 0 && <Settings of={c} />}
      {c.capacity?.map((x) => (
        <section class="block" key={`${x.projects}${x.capacity}`}>
          <h3>
            {s.promises.words[x.projects] ?? x.projects}, {s.promises.words[x.capacity] ?? x.capacity}: {x.verdict}
          </h3>
          {x.rows.length > 0 && <Plain label={x.verdict} rows={x.rows} />}
        </section>
      ))}
      {c.restricted.length > 0 && <Lines title={s.promises.restricted} lines={c.restricted.map((r) => `${r.name} (${r.regime})`)} />}
      {c.notes.length > 0 && <Lines title={s.promises.notes} lines={c.notes} />}
      {c.projects?.left_out && Object.keys(c.projects.left_out).length > 0 && (
        <Section title={s.promises.leftOut} count={Object.keys(c.projects.left_out).length} open={false}>
          <ul class="lines">
            {Object.entries(c.projects.left_out).map(([id, why]) => (
              <li key={id}>
                <code>{id}</code> {why}
              </li>
            ))}
          </ul>
        </Section>
      )}
    </>
  );
}

function Tonnes({ of: c }: { of: Check }) {
  const t = c.tonnes!;
  type D = (typeof t.directions)[number];
  const columns: Column<D>[] = [
    { key: "exporter", title: s.promises.exporter },
    { key: "importer", title: s.promises.importer },
    { key: "today", title: s.promises.today, numeric: true, show: (d) => tonnes(d.today) },
    { key: "tonnes", title: s.promises.target, numeric: true, show: (d) => <b>{tonnes(d.tonnes)}</b> },
    { key: "low", title: s.promises.spread, numeric: true, show: (d) => `${tonnes(d.low)} \u2026 ${tonnes(d.high)}` },
    { key: "usd", title: s.units.usd, numeric: true, show: (d) => (d.usd === null ? "\u2013" : tonnes(d.usd, s.units.usd)) },
  ];
  return (
    <section class="block">
      <h2>
        {s.promises.tonnes}, {c.year}
      </h2>
      {c.year_note && <p class="quiet">{c.year_note}</p>}
      <Table columns={columns} rows={t.directions} label={s.promises.tonnes} />
      {t.base && (
        <p class="note">
          {s.promises.today}: {t.base.name}
        </p>
      )}
    </section>
  );
}

function Bottlenecks({ of: c }: { of: Check }) {
  type B = Check["bottlenecks"][number];
  const columns: Column<B>[] = [
    { key: "name", title: s.promises.facility },
    { key: "direction", title: s.promises.direction },
    { key: "capacity", title: s.promises.capacity, numeric: true, show: (b) => `${number(b.capacity)} ${b.unit}` },
    { key: "used", title: s.promises.used, numeric: true, show: (b) => number(b.used) },
    { key: "share", title: s.promises.share, numeric: true, sortable: false, show: (b) => (b.capacity ? percent(b.used / b.capacity) : "\u2013") },
    { key: "tonnes_lost", title: s.promises.lost, numeric: true, show: (b) => number(b.tonnes_lost) },
    {
      key: "rests_on",
      title: s.promises.restsOn,
      show: (b) => (
        <>
          {b.rests_on} <Confidence of={b.confidence} />
        </>
      ),
    },
  ];
  return <Table columns={columns} rows={c.bottlenecks} label={s.promises.bottlenecks} />;
}

/** All settings as a grid: a mark and words for each verdict, never colour alone. */
function Settings({ of: c }: { of: Check }) {
  const uniq = (key: "others" | "projects" | "period" | "capacity"): string[] => [...new Set(c.settings.map((x) => x[key]))];
  const word = (w: string): string => s.promises.words[w] ?? w;
  const rows = uniq("others").flatMap((others) => uniq("period").map((period) => ({ others, period })));
  const columns = uniq("projects").flatMap((projects) => uniq("capacity").map((capacity) => ({ projects, capacity })));
  const head = c.headline_setting;
  return (
    <section class="block">
      <h2>{s.promises.settings}</h2>
      <p class="quiet">{s.promises.settingsHelp}</p>
      <div class="table-box" tabIndex={0} role="region" aria-label={s.promises.settings}>
        <table class="grid">
          <thead>
            <tr>
              <td />
              {columns.map((k) => (
                <th key={`${k.projects}${k.capacity}`} scope="col">
                  {word(k.projects)}
                  <span class="unit">{word(k.capacity)}</span>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((r) => (
              <tr key={`${r.others}${r.period}`}>
                <th scope="row">
                  {word(r.others)}, {word(r.period)}
                </th>
                {columns.map((k) => {
                  const found = c.settings.find((x) => x.others === r.others && x.period === r.period && x.projects === k.projects && x.capacity === k.capacity);
                  const mine = head && head.others === r.others && head.period === r.period && head.projects === k.projects && head.capacity === k.capacity;
                  return (
                    <td key={`${k.projects}${k.capacity}`} class={`tone-${found ? tone(found.verdict) : ""} ${mine ? "headline" : ""}`} title={found?.first_bottleneck ?? undefined}>
                      {found ? (
                        <>
                          <span aria-hidden="true">{s.promises.verdicts[found.verdict] ?? ""}</span> {found.verdict}
                          {found.unserved > 0.5 && <small>{tonnes(-found.unserved)}</small>}
                        </>
                      ) : (
                        "\u2013"
                      )}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

/** Rows of the server as they come, columns in their order. */
function Plain({ rows, label }: { rows: Record<string, unknown>[]; label: string }) {
  const keys = [...new Set(rows.flatMap((r) => Object.keys(r)))];
  const columns: Column<Record<string, unknown>>[] = keys.map((k) => ({ key: k, title: words(k), numeric: rows.every((r) => r[k] === null || typeof r[k] === "number"), show: (r) => (typeof r[k] === "number" ? number(r[k]) : cell(r[k])) }));
  return <Table label={label} rows={rows} columns={columns} />;
}

function Lines({ title, lines }: { title: string; lines: ComponentChildren[] }) {
  return (
    <section class="block">
      <h3>{title}</h3>
      <ul class="lines bulleted">
        {lines.map((line, i) => (
          <li key={i}>{line}</li>
        ))}
      </ul>
    </section>
  );
}

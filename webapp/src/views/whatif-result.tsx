// The difference a scenario makes: on the map, and in tables beside the base.
import { useMemo } from "preact/hooks";
import { cell, change, number, tonnes, tonnesChange, words } from "../format";
import { drawn, flowPx, linkLayers, rgba } from "../map/layers";
import { LineMark } from "../map/legend";
import { around, MapPane } from "../map/pane";
import type { Bounds } from "../map/stage";
import { setQuery, useAddress } from "../router";
import { fill, s } from "../strings";
import type { MapAnswer } from "../types";
import { Command, Tile } from "../ui/bits";
import { type Column, Table } from "../ui/table";
import { Tabs } from "../ui/tabs";
import type { DiffLink, Row, RunRecord } from "./whatif-types";

const changed = (f: { properties: DiffLink }): boolean => Math.abs(f.properties.change) > 0.5;

export function DiffMap({ network, run, busy }: { network: MapAnswer | undefined; run: RunRecord | undefined; busy: string | null }) {
  const layers = useMemo(() => {
    if (!network) return [];
    const ground = linkLayers("ground", drawn(network.layers[0].features, network.styles, { width: () => 1.1, colour: () => rgba("#7b8791", 0.5) }), { pickable: false });
    if (!run) return ground;
    const { flow, more, less } = run.map.styles;
    const links = run.map.layers[0].features.filter(changed);
    const style = { width: (p: DiffLink) => flowPx(flow, Math.abs(p.change)), colour: (p: DiffLink) => rgba(p.change > 0 ? more : less, 0.9) };
    return [...ground, ...linkLayers("diff", drawn(links, network.styles, style as never))];
  }, [network, run]);
  const focus = useMemo((): { bounds: Bounds } | null => {
    const box = run ? around(run.map.layers[0].features.filter(changed).flatMap((f) => f.geometry.coordinates)) : null;
    return box ? { bounds: box } : null;
  }, [run]);
  const nodes = useMemo(() => network?.layers[1].features ?? [], [network]);
  const marks = useMemo(() => run?.map.layers.find((l) => l.id === "bottlenecks_b")?.features as never ?? [], [run]);
  return (
    <MapPane
      answer={network}
      layers={layers}
      nodes={nodes}
      marks={marks}
      focus={focus}
      busy={busy}
      tip={(p) => {
        if (p.kind === "node") return <strong>{p.node.name}</strong>;
        if (p.kind === "mark")
          return (
            <>
              <strong>{p.mark.name}</strong>
              <div>
                {number(p.mark.usd_per_tonne)} {s.map.perTonne}
              </div>
            </>
          );
        const l = p.link.properties as DiffLink;
        return (
          <>
            <strong>{l.name}</strong>
            <div>
              {tonnes(l.tonnes_a)} {"\u2192"} {tonnes(l.tonnes_b)}
            </div>
            <div>{tonnesChange(l.change)}</div>
          </>
        );
      }}
    >
      {run && (
        <div class="legend">
          <strong>{s.whatif.legend}</strong>
          <ul class="legend-part">
            <li>
              <LineMark colour={run.map.styles.more} width={5} />
              {s.whatif.flowsMore}
            </li>
            <li>
              <LineMark colour={run.map.styles.less} width={5} />
              {s.whatif.flowsLess}
            </li>
            {run.map.styles.flow.domain[1] > 1 &&
              [run.map.styles.flow.legend[0]!, run.map.styles.flow.legend[2]!].map((t) => (
                <li key={t}>
                  <LineMark colour="#5b6770" width={flowPx(run.map.styles.flow, t)} />
                  {tonnes(t)}
                </li>
              ))}
          </ul>
        </div>
      )}
    </MapPane>
  );
}

export function Difference({ run }: { run: RunRecord }) {
  const { query } = useAddress();
  const tables = Object.entries(run.tables).filter(([, rows]) => rows.length > 0);
  const same = !run.map.layers[0].features.some(changed);
  const headline = ["served", "unserved", "t_km", "t_co2e"].flatMap((m) => run.totals.find((t) => t.measure === m) ?? []);
  return (
    <Tabs
      label={s.whatif.difference}
      now={query.get("show") ?? "totals"}
      onChange={(show) => setQuery({ show })}
      tabs={[
        {
          key: "totals",
          title: s.whatif.totals,
          show: () => (
            <>
              <h2>
                {run.title}, {run.year}
              </h2>
              {same && <p class="banner">{fill(s.whatif.same, run.year)}</p>}
              <div class="tiles">
                {headline.map((t) => (
                  <Tile key={t.measure} value={tonnesChange(t.change ?? 0, t.unit)} label={`${s.whatif.measures[t.measure] ?? words(t.measure)}: ${tonnes(t.b, t.unit)}`} />
                ))}
              </div>
              <Totals run={run} />
              {run.assumptions.length > 0 && <Lines title={s.whatif.assumptions} lines={run.assumptions} />}
              {run.unknowns.length > 0 && <Lines title={s.whatif.unknowns} lines={run.unknowns.map((u) => (typeof u === "string" ? u : Object.values(u).map((v) => cell(v)).join(", ")))} />}
              <Command cli={run.cli} link />
            </>
          ),
        },
        ...tables.map(([name, rows]) => ({ key: name, title: s.whatif.tables[name] ?? words(name), show: () => <Compared name={name} rows={rows} run={run.run} /> })),
        { key: "diff", title: s.whatif.diff, show: () => <Cells run={run} /> },
        {
          key: "file",
          title: s.whatif.file,
          show: () => (
            <>
              <p class="quiet">{s.whatif.fileHelp}</p>
              <pre class="file" tabIndex={0}>
                {run.toml}
              </pre>
              <div class="row">
                <a class="button" download href={`/api/v1/runs/${encodeURIComponent(run.run)}/scenario.toml`}>
                  {s.whatif.download}
                </a>
              </div>
            </>
          ),
        },
      ]}
    />
  );
}

function Totals({ run }: { run: RunRecord }) {
  type T = RunRecord["totals"][number];
  const columns: Column<T>[] = [
    { key: "measure", title: s.whatif.measure, show: (t) => s.whatif.measures[t.measure] ?? words(t.measure) },
    { key: "a", title: s.whatif.base, numeric: true, show: (t) => tonnes(t.a, t.unit) },
    { key: "b", title: s.whatif.scenario, numeric: true, show: (t) => tonnes(t.b, t.unit) },
    { key: "change", title: s.whatif.difference, numeric: true, show: (t) => tonnesChange(t.change ?? 0, t.unit) },
    { key: "percent", title: "%", numeric: true, show: (t) => (t.percent === null ? "\u2013" : change(t.percent)) },
  ];
  return <Table columns={columns} rows={run.totals} label={s.whatif.totals} />;
}

/** A table of the comparison: what names the row, then base, with and change of every measure. */
function Compared({ name, rows, run }: { name: string; rows: Row[]; run: string }) {
  const keys = Object.keys(rows[0] ?? {});
  const measures = keys.filter((k) => k.endsWith("_change")).map((k) => k.slice(0, -"_change".length));
  const own = keys.filter((k) => !measures.some((m) => k === `${m}_a` || k === `${m}_b` || k === `${m}_change` || k === `${m}_percent`));
  const named = own.includes("name") ? own.filter((k) => k === "name" || typeof rows[0]![k] === "string") : own;
  const columns: Column<Row>[] = [
    ...named.sort((a, b) => Number(b === "name") - Number(a === "name")).map((k) => ({ key: k, title: words(k), numeric: typeof rows[0]![k] === "number" })),
    ...measures.flatMap((m) => [
      { key: `${m}_a`, title: words(m), unit: s.whatif.baseShort, numeric: true, show: (r: Row) => figure(r[`${m}_a`]) },
      { key: `${m}_b`, title: words(m), unit: s.whatif.withShort, numeric: true, show: (r: Row) => figure(r[`${m}_b`]) },
      { key: `${m}_change`, title: words(m), unit: s.whatif.changeShort, numeric: true, show: (r: Row) => (typeof r[`${m}_change`] === "number" ? <b>{change(r[`${m}_change`] as number)}</b> : "\u2013") },
    ]),
  ];
  return (
    <>
      <Table columns={columns} rows={rows} label={s.whatif.tables[name] ?? name} empty={s.whatif.noneHere} />
      <div class="row downloads">
        {(["csv", "parquet"] as const).map((f) => (
          <a key={f} class="button small" download href={`/api/v1/runs/${encodeURIComponent(run)}/tables/${name}?format=${f}`}>
            {s.whatif.download} {f.toUpperCase()}
          </a>
        ))}
      </div>
    </>
  );
}

const figure = (value: unknown): string => (typeof value === "number" ? number(value) : cell(value));

function Cells({ run }: { run: RunRecord }) {
  return (
    <Table
      label={s.whatif.diff}
      rows={run.diff}
      columns={[
        { key: "table", title: s.data.tables },
        { key: "id", title: "id" },
        { key: "field", title: s.record.field, show: (r) => words(r.field) },
        { key: "before", title: s.whatif.base },
        { key: "after", title: s.whatif.scenario },
        { key: "how", title: s.whatif.changeShort },
        { key: "because", title: s.app.source },
      ]}
    />
  );
}

function Lines({ title, lines }: { title: string; lines: string[] }) {
  return (
    <section class="block">
      <h3>{title}</h3>
      <ul class="lines">
        {lines.map((line, i) => (
          <li key={i}>{line}</li>
        ))}
      </ul>
    </section>
  );
}

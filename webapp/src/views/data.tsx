// View 6: every table, filtered and sorted by the server, and taken away as a file.
import { useEffect, useMemo, useState } from "preact/hooks";
import { address, read } from "../api";
import { of, useHere } from "../case";
import { cell, number, words } from "../format";
import { href, setQuery, useAddress } from "../router";
import { fill, s } from "../strings";
import type { Ref } from "../types";
import { Command, Confidence, Dialog } from "../ui/bits";
import { Field, Select } from "../ui/form";
import { latest, useLoad } from "../ui/load";
import { Await, Empty } from "../ui/states";
import { type Column as TableColumn, type Sort, Table } from "../ui/table";
import { AddCase } from "./add-case";
import { RecordView } from "./record";

interface TableInfo {
  name: string;
  title: string;
  text: string;
  rows: number;
}
interface Column {
  name: string;
  type: string;
  unit: string;
  text: string;
  allowed?: string[];
  refers_to?: string;
}
type Row = Record<string, unknown> & { _id: string };
interface Page {
  table: string;
  title: string;
  text: string;
  key: string[];
  total: number;
  offset: number;
  columns: Column[];
  rows: Row[];
  cli: string;
}

const SIZE = 50;
const NO_VALUE = new Set(["empty", "full"]);

export default function Data() {
  const here = useHere();
  const { query } = useAddress();
  const name = query.get("table");
  const [loaded, retry] = useLoad(`tables ${here.id}`, () => read<{ tables: TableInfo[]; cli: string }>(of(here, "/tables")));
  const [typed, setTyped] = useState("");
  const shown = (latest(loaded)?.tables ?? []).filter((t) => `${t.name} ${t.title} ${t.text}`.toLowerCase().includes(typed.toLowerCase()));
  return (
    <>
      <aside class="panel" aria-label={s.data.tables}>
        <h1>{s.data.title}</h1>
        <Field label={s.data.findTable}>{(id) => <input id={id} type="search" value={typed} onInput={(e) => setTyped(e.currentTarget.value)} />}</Field>
        <Await of={loaded} retry={retry}>
          {({ cli }) => (
            <>
              <ul class="list">
                {shown.map((t) => (
                  <li key={t.name}>
                    <a href={href("/data", { table: t.name })} aria-current={t.name === name ? "true" : undefined} title={t.text}>
                      <span>{t.title}</span>
                      <span class="count">{number(t.rows)}</span>
                    </a>
                  </li>
                ))}
              </ul>
              {!name && <Command cli={cli} />}
            </>
          )}
        </Await>
        {!here.about.read_only && <AddCase />}
      </aside>
      <div class="page">{name ? <TablePage key={name} name={name} /> : <Start />}</div>
    </>
  );
}

function Start() {
  const { overview } = useHere();
  return (
    <div class="page-narrow stack">
      <Empty title={s.data.choose}>{s.data.chooseHelp}</Empty>
      <section class="block">
        <h2>{overview.title}</h2>
        <p>{overview.text}</p>
      </section>
      {overview.outside && overview.outside.length > 0 && (
        <section class="block">
          <h2>{s.data.outside}</h2>
          <ul class="lines bulleted">
            {overview.outside.map((line) => (
              <li key={line}>{line}</li>
            ))}
          </ul>
        </section>
      )}
    </div>
  );
}

function TablePage({ name }: { name: string }) {
  const here = useHere();
  const { query } = useAddress();
  const filters = query.getAll("filter");
  const q = query.get("q") ?? "";
  const sort = query.get("sort") ?? "";
  const offset = Number(query.get("offset") ?? 0);
  const asked = { filter: filters, q, sort };
  const base = of(here, `/tables/${encodeURIComponent(name)}`);
  const [loaded, retry] = useLoad(JSON.stringify([here.id, name, asked, offset]), () => read<Page>(base, { ...asked, offset, limit: SIZE }));
  const [typed, setTyped] = useState(q);
  const [all, setAll] = useState(false);
  useEffect(() => setTyped(q), [q]);
  const chosen = query.get("row");
  return (
    <Await of={loaded} retry={retry}>
      {(page) => (
        <>
          <header class="table-head">
            <div>
              <h1>{page.title}</h1>
              <p class="quiet">{page.text}</p>
            </div>
            <div class="downloads" role="group" aria-label={s.data.download} title={s.data.downloadHelp}>
              {["csv", "gpkg", "parquet"].map((f) => (
                <a key={f} class="button small" download href={address(`${base}/download`, { ...asked, format: f })}>
                  {s.data.formats[f]}
                </a>
              ))}
            </div>
          </header>
          <div class="filter-row">
            <form
              onSubmit={(e) => {
                e.preventDefault();
                setQuery({ q: typed, offset: null }, { replace: false });
              }}
            >
              <Field label={s.data.search}>{(id) => <input id={id} type="search" value={typed} onInput={(e) => setTyped(e.currentTarget.value)} onBlur={() => typed !== q && setQuery({ q: typed, offset: null }, { replace: false })} />}</Field>
            </form>
            <AddFilter columns={page.columns} add={(f) => setFilters([...filters, f])} />
          </div>
          {filters.length > 0 && (
            <div class="chips">
              {filters.map((f) => (
                <button key={f} type="button" class="chip on" aria-label={fill(s.data.dropFilter, said(f))} onClick={() => setFilters(filters.filter((x) => x !== f))}>
                  {said(f)} {"\u2715"}
                </button>
              ))}
            </div>
          )}
          <Rows page={page} all={all} setAll={setAll} sort={sort} chosen={chosen} />
          <nav class="pager" aria-label={s.data.rows}>
            <span role="status">{fill(s.data.page, page.total ? number(offset + 1) : 0, number(Math.min(offset + SIZE, page.total)), number(page.total))}</span>
            <button type="button" class="button small" disabled={offset === 0} onClick={() => setQuery({ offset: String(Math.max(0, offset - SIZE) || "") }, { replace: false })}>
              {s.data.previous}
            </button>
            <button type="button" class="button small" disabled={offset + SIZE >= page.total} onClick={() => setQuery({ offset: String(offset + SIZE) }, { replace: false })}>
              {s.data.next}
            </button>
          </nav>
          <Command cli={page.cli} link />
          {chosen && (
            <Dialog title={nameOf(page, chosen)} close={() => setQuery({ row: null })}>
              <RecordView at={{ table: name, id: chosen } satisfies Ref} />
            </Dialog>
          )}
        </>
      )}
    </Await>
  );
}

const nameOf = (page: Page, id: string): string => String(page.rows.find((r) => r._id === id)?.["name"] ?? id);

/** Repeated values of the query cannot be set by `setQuery`, which holds one value a name. */
function setFilters(filters: string[]): void {
  const next = new URLSearchParams(location.search);
  next.delete("filter");
  next.delete("offset");
  for (const f of filters) next.append("filter", f);
  history.pushState(null, "", `${location.pathname}?${next.toString()}`);
  dispatchEvent(new PopStateEvent("popstate"));
}

function said(filter: string): string {
  const [field = "", operation = "", ...value] = filter.split(":");
  return [words(field), s.data.operations[operation] ?? operation, value.join(":")].filter(Boolean).join(" ");
}

function AddFilter({ columns, add }: { columns: Column[]; add: (filter: string) => void }) {
  const [field, setField] = useState(columns.find((c) => c.name !== "id")?.name ?? "");
  const [operation, setOperation] = useState("has");
  const [value, setValue] = useState("");
  const column = columns.find((c) => c.name === field);
  return (
    <form
      class="add-filter"
      onSubmit={(e) => {
        e.preventDefault();
        if (field && (value || NO_VALUE.has(operation))) add(NO_VALUE.has(operation) ? `${field}:${operation}:` : `${field}:${operation}:${value}`);
        setValue("");
      }}
    >
      <Select label={s.data.column} value={field} options={columns.map((c) => ({ value: c.name, label: words(c.name) }))} onChange={setField} />
      <Select label={s.data.operation} value={operation} options={Object.entries(s.data.operations).map(([v, label]) => ({ value: v, label }))} onChange={setOperation} />
      {!NO_VALUE.has(operation) && (
        <Field label={`${s.data.value}${column?.unit ? `, ${column.unit}` : ""}`}>
          {(id) => (
            <>
              <input id={id} type="text" value={value} list={column?.allowed?.length ? `${id}-allowed` : undefined} onInput={(e) => setValue(e.currentTarget.value)} />
              {column?.allowed && column.allowed.length > 0 && (
                <datalist id={`${id}-allowed`}>
                  {column.allowed.map((a) => (
                    <option key={a} value={a} />
                  ))}
                </datalist>
              )}
            </>
          )}
        </Field>
      )}
      <button type="submit" class="button">
        {s.data.addFilter}
      </button>
    </form>
  );
}

function Rows({ page, all, setAll, sort, chosen }: { page: Page; all: boolean; setAll: (all: boolean) => void; sort: string; chosen: string | null }) {
  const filled = useMemo(() => new Set(page.columns.filter((c) => page.rows.some((r) => r[c.name] !== null && r[c.name] !== "")).map((c) => c.name)), [page]);
  const hidden = page.columns.length - filled.size;
  const columns: TableColumn<Row>[] = page.columns
    .filter((c) => all || filled.has(c.name) || page.rows.length === 0)
    .map((c) => ({
      key: c.name,
      title: words(c.name, c.unit),
      unit: c.unit,
      help: c.text,
      numeric: c.type === "number" || c.type === "integer",
      show: (r) =>
        c.name === page.key[0] ? (
          <button type="button" class="link" title={s.data.open} onClick={() => setQuery({ row: r._id }, { replace: false })}>
            {cell(r[c.name])}
          </button>
        ) : c.name === "confidence" ? (
          <Confidence of={r[c.name] as string} />
        ) : c.type === "text" ? (
          <span class="text-cell">{cell(r[c.name])}</span>
        ) : (
          cell(r[c.name], c.name)
        ),
    }));
  const now: Sort | null = sort ? { key: sort.replace(/^-/, ""), down: sort.startsWith("-") } : null;
  return (
    <>
      <Table columns={columns} rows={page.rows} label={page.title} keyOf={(r) => r._id} sort={now} onSort={({ key, down }) => setQuery({ sort: `${down ? "-" : ""}${key}`, offset: null })} chosen={(r) => r._id === chosen} />
      {hidden > 0 && page.rows.length > 0 && (
        <p class="quiet">
          {fill(s.data.emptyColumns, hidden)}{" "}
          <button type="button" class="link" onClick={() => setAll(!all)}>
            {all ? s.data.hideColumns : s.data.showColumns}
          </button>
        </p>
      )}
    </>
  );
}

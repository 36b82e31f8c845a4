// A table of plain rows: sorted by its headings, scrolled inside its own box, numbers to the end of the line.
import type { ComponentChildren } from "preact";
import { useMemo, useState } from "preact/hooks";
import { cell } from "../format";
import { fill, s } from "../strings";

export interface Column<R> {
  key: string;
  title: string;
  unit?: string | null;
  help?: string | null;
  numeric?: boolean;
  show?: (row: R) => ComponentChildren;
  sortable?: boolean;
}

export interface Sort {
  key: string;
  down: boolean;
}

interface Props<R> {
  columns: Column<R>[];
  rows: R[];
  label: string;
  keyOf?: (row: R, i: number) => string | number;
  onRow?: (row: R) => void;
  chosen?: (row: R) => boolean;
  /** Where the server sorts; without it the rows are sorted here. */
  sort?: Sort | null;
  onSort?: (sort: Sort) => void;
  empty?: ComponentChildren;
}

const valueOf = (row: unknown, key: string): unknown => (row as Record<string, unknown>)[key];

function compared(a: unknown, b: unknown): number {
  if (a === b) return 0;
  if (a === null || a === undefined) return 1;
  if (b === null || b === undefined) return -1;
  return typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
}

export function Table<R>({ columns, rows, label, keyOf, onRow, chosen, sort, onSort, empty }: Props<R>) {
  const [own, setOwn] = useState<Sort | null>(null);
  const now = onSort ? (sort ?? null) : own;
  const shown = useMemo(() => {
    if (onSort || !own) return rows;
    const sign = own.down ? -1 : 1;
    return [...rows].sort((a, b) => sign * compared(valueOf(a, own.key), valueOf(b, own.key)));
  }, [rows, own, onSort]);
  const order = (key: string): void => (onSort ?? setOwn)({ key, down: now?.key === key ? !now.down : false });
  return (
    <div class="table-box" tabIndex={0} role="region" aria-label={label}>
      <table>
        <caption class="visually-hidden">{label}</caption>
        <thead>
          <tr>
            {columns.map((c) => (
              <th
                key={c.key}
                scope="col"
                class={c.numeric ? "num" : ""}
                title={c.help ?? undefined}
                aria-sort={now?.key === c.key ? (now.down ? "descending" : "ascending") : undefined}
              >
                {c.sortable === false ? (
                  c.title
                ) : (
                  <button type="button" class="sort" aria-label={fill(s.data.sortBy, c.title)} onClick={() => order(c.key)}>
                    {c.title}
                    <span class="arrow" aria-hidden="true">
                      {now?.key === c.key ? (now.down ? "\u25be" : "\u25b4") : ""}
                    </span>
                  </button>
                )}
                {c.unit && <span class="unit">{c.unit}</span>}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.map((row, i) => (
            <tr key={keyOf?.(row, i) ?? i} class={`${onRow ? "clickable" : ""} ${chosen?.(row) ? "chosen" : ""}`} onClick={onRow && (() => onRow(row))}>
              {columns.map((c) => (
                <td key={c.key} class={c.numeric ? "num" : ""}>
                  {c.show ? c.show(row) : cell(valueOf(row, c.key))}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length === 0 && <div class="table-empty">{empty ?? s.data.empty}</div>}
    </div>
  );
}

// The switches and sliders of a case.
import { useState } from "preact/hooks";
import { decimals, short, tonnes, words } from "../format";
import { fill, s } from "../strings";
import { Confidence, Section } from "../ui/bits";
import { Combobox, Field, Select, Slider, Switch } from "../ui/form";
import { type Board, type Choice, type Level, type Project, split } from "./whatif-types";

interface Props {
  board: Board;
  choice: Choice;
  set: (choice: Choice) => void;
  year: number;
}

const toggled = (all: string[], one: string, on: boolean): string[] => (on ? [...all, one] : all.filter((x) => x !== one));

export function Switches({ board, choice, set, year }: Props) {
  const now = Number(choice.year) || year;
  return (
    <>
      {board.years.length > 1 && (
        <Slider label={s.whatif.year} value={now} min={board.years[0]!} max={board.years.at(-1)!} step={1} show={String} onChange={(y) => set({ ...choice, year: y === year ? "" : String(y) })} />
      )}
      <Section fold title={s.whatif.shipped} count={counted(choice.scenarios.length, board.scenarios.length)}>
        <div class="switches one-column">
          {board.scenarios.map((x) => (
            <Switch
              key={x.name}
              label={<span title={x.text}>{x.title}</span>}
              note={x.from_year ? fill(s.whatif.fromYear, x.from_year) : undefined}
              on={choice.scenarios.includes(x.name)}
              onChange={(on) => {
                const later = on && x.from_year !== null && x.from_year > now ? String(x.from_year) : choice.year;
                set({ ...choice, scenarios: toggled(choice.scenarios, x.name, on), year: later });
              }}
            />
          ))}
        </div>
      </Section>
      <Levels levels={board.levels} choice={choice} set={set} year={now} />
      <Section fold title={s.whatif.demand} count={choice.demand.length || undefined}>
        <Demand board={board} choice={choice} set={set} />
      </Section>
      <Section fold title={s.whatif.closures} count={choice.closed.length || undefined}>
        <Closures board={board} choice={choice} set={set} />
      </Section>
      <Projects projects={board.projects} choice={choice} set={set} now={now} />
    </>
  );
}

const counted = (on: number, all: number): string => (on ? `${on} ${s.app.of} ${all}` : String(all));

function Levels({ levels, choice, set, year }: { levels: Level[]; choice: Choice; set: Props["set"]; year: number }) {
  const bodies = [...new Set(levels.map((l) => l.body))];
  if (!bodies.length) return null;
  return (
    <Section fold title={s.whatif.levels} count={choice.levels.length || undefined}>
      {bodies.map((body) => {
        const mine = choice.levels.find((l) => split(l, "=")[0] === body);
        const chosen = levels.find((l) => l.body === body && mine === `${body}=${l.scenario}`);
        const point = chosen && nearest(chosen, year);
        return (
          <div key={body}>
            <Select
              label={fill(s.whatif.levelOf, body)}
              value={mine ? split(mine, "=")[1] : ""}
              options={[{ value: "", label: s.whatif.levelCase }, ...levels.filter((l) => l.body === body && !l.observed).map((l) => ({ value: l.scenario, label: l.scenario }))]}
              onChange={(v) => set({ ...choice, levels: [...choice.levels.filter((l) => l !== mine), ...(v ? [`${body}=${v}`] : [])] })}
              help={point ? `${fill(s.whatif.levelIn, decimals(point.level_m, 2), point.year)}${point.low_m !== null && point.high_m !== null ? ` (${decimals(point.low_m, 2)} \u2026 ${decimals(point.high_m, 2)})` : ""}` : undefined}
            />
          </div>
        );
      })}
    </Section>
  );
}

const nearest = (level: Level, year: number) => level.points.reduce((best, p) => (Math.abs(p.year - year) < Math.abs(best.year - year) ? p : best), level.points[0]!);

function Demand({ board, choice, set }: { board: Board; choice: Choice; set: Props["set"] }) {
  const factors = new Map(choice.demand.map((d) => split(d, ":")));
  const put = (goods: string, by: number | null): void => {
    const next = new Map(factors);
    if (by === null || by === 1) next.delete(goods);
    else next.set(goods, String(by));
    set({ ...choice, demand: [...next].map(([g, b]) => `${g}:${b}`) });
  };
  const [more, setMore] = useState<string[]>([]);
  const shown = [...new Set(["*", ...factors.keys(), ...more])];
  const name = (goods: string): string => (goods === "*" ? s.whatif.demandAll : (board.demand.commodities.find((c) => c.id === goods)?.name ?? goods));
  return (
    <>
      {shown.map((goods) => (
        <Slider key={goods} label={name(goods)} value={Number(factors.get(goods) ?? 1)} min={0} max={3} step={0.05} show={(v) => `\u00d7 ${decimals(v, 2)}`} onChange={(v) => put(goods, v)} />
      ))}
      <Select
        label={s.whatif.demandAdd}
        value=""
        options={[{ value: "", label: "\u2013" }, ...board.demand.commodities.filter((c) => !shown.includes(c.id)).map((c) => ({ value: c.id, label: c.name }))]}
        onChange={(v) => v && setMore([...more, v])}
      />
    </>
  );
}

function Closures({ board, choice, set }: { board: Board; choice: Choice; set: Props["set"] }) {
  const all = Object.entries(board.closures).flatMap(([table, rows]) => rows.map((r) => ({ ...r, table, value: `${table}:${r.id}` })));
  const name = (value: string): string => all.find((r) => r.value === value)?.name ?? value;
  return (
    <>
      <Combobox
        label={s.whatif.closureFind}
        text=""
        clearOnPick
        placeholder={s.map.findHint}
        search={(typed) => {
          const words = typed.toLowerCase().split(/\s+/);
          const found = all.filter((r) => words.every((w) => `${r.name} ${r.id} ${r.kind}`.toLowerCase().includes(w)));
          return Promise.resolve(found.slice(0, 12).map((r) => ({ value: r.value, label: r.name, note: `${r.table.replace(/s$/, "")}, ${r.kind.replaceAll("_", " ")}` })));
        }}
        onPick={(c) => set({ ...choice, closed: toggled(choice.closed.filter((x) => x !== c.value), c.value, true) })}
      />
      {choice.closed.length === 0 && <p class="quiet">{s.whatif.closuresHelp}</p>}
      <div class="chips">
        {choice.closed.map((value) => (
          <button key={value} type="button" class="chip on" aria-label={fill(s.whatif.closureDrop, name(value))} onClick={() => set({ ...choice, closed: toggled(choice.closed, value, false) })}>
            {name(value)} {"\u2715"}
          </button>
        ))}
      </div>
    </>
  );
}

function Projects({ projects, choice, set, now }: { projects: Project[]; choice: Choice; set: Props["set"]; now: number }) {
  const [typed, setTyped] = useState("");
  const shown = projects.filter((p) => `${p.name} ${p.effect} ${p.status} ${p.note ?? ""}`.toLowerCase().includes(typed.toLowerCase()));
  return (
    <Section fold title={s.whatif.projects} count={counted(choice.projects.length, projects.length)}>
      <p class="quiet">{s.whatif.projectsHelp}</p>
      <Field label={s.whatif.search}>{(id) => <input id={id} type="search" value={typed} onInput={(e) => setTyped(e.currentTarget.value)} />}</Field>
      <div class="switches one-column">
        {shown.map((p) => (
          <Switch
            key={p.id}
            label={<span title={p.note ?? undefined}>{p.name}</span>}
            note={
              <>
                {[words(p.effect), p.year, s.whatif.statuses[p.status] ?? words(p.status), p.capacity_after !== null ? (p.capacity_unit === "tonnes" ? tonnes(p.capacity_after) : `${short(p.capacity_after)} ${p.capacity_unit ?? ""}`) : null, p.cost_usd !== null ? `${short(p.cost_usd)} ${s.units.usd}` : null]
                  .filter((x) => x !== null && x !== "")
                  .join(" \u00b7 ")}{" "}
                <Confidence of={p.confidence} />
              </>
            }
            on={choice.projects.includes(p.id)}
            onChange={(on) => set({ ...choice, projects: toggled(choice.projects, p.id, on), year: on && p.year !== null && p.year > now ? String(p.year) : choice.year })}
          />
        ))}
      </div>
      {shown.length === 0 && <p class="quiet">{s.data.empty}</p>}
    </Section>
  );
}

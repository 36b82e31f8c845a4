// View 2: how goods get from A to B.
import { useEffect, useMemo, useState } from "preact/hooks";
import { read, send } from "../api";
import { of, useHere } from "../case";
import { decimals, duration, number, percent } from "../format";
import { bandLayer, drawn, flowStyle, linkLayers, rgba } from "../map/layers";
import { around, MapPane } from "../map/pane";
import type { Bounds, Picked } from "../map/stage";
import { setQuery, useAddress } from "../router";
import { fill, s } from "../strings";
import type { MapAnswer, NodeProps, Point } from "../types";
import { Command } from "../ui/bits";
import { Chart } from "../ui/chart";
import { Combobox, Input, Select } from "../ui/form";
import { Icon } from "../ui/icon";
import { latest, useLoad } from "../ui/load";
import { Await, Empty, Failed } from "../ui/states";
import { Tabs } from "../ui/tabs";
import { type NameChoice, searchNames } from "./names";
import { Costs, Legs } from "./route-parts";
import { features, type RouteAnswer, type RouteRecord } from "./route-types";

interface Ask {
  from: string;
  to: string;
  goods: string;
  tonnes: string;
  ready: string;
  window: string;
  deadline: string;
  n: string;
  incoterm: string;
  place: string;
}
const KEYS = ["from", "to", "goods", "tonnes", "ready", "window", "deadline", "n", "incoterm", "place"] as const;
const INCOTERMS = ["EXW", "FCA", "FAS", "FOB", "CFR", "CIF", "CPT", "CIP", "DAP", "DPU", "DDP"];
const list = (text: string | null): string[] => (text ? text.split(",").filter(Boolean) : []);

export default function RouteView() {
  const here = useHere();
  const { query } = useAddress();
  const asked = useMemo(() => Object.fromEntries(KEYS.map((k) => [k, query.get(k) ?? ""])) as unknown as Ask, [query.toString()]);
  const [ask, setAsk] = useState(asked);
  useEffect(() => setAsk(asked), [asked]);
  const avoid = list(query.get("avoid"));
  const complete = asked.from && asked.to && asked.goods;
  const body = {
    origin: asked.from,
    destination: asked.to,
    commodity: asked.goods,
    tonnes: Number(asked.tonnes || 20),
    alternatives: Number(asked.n || 3),
    ...(asked.ready && { ready: asked.ready }),
    ...(asked.window && { window_days: Number(asked.window) }),
    ...(asked.deadline && { deadline: asked.deadline }),
    ...(asked.incoterm && { incoterm: asked.incoterm, ...(asked.place && { incoterm_place: asked.place }) }),
    ...(avoid.length && { avoid }),
  };
  const key = complete ? `${here.id}|${JSON.stringify(body)}` : null;
  const [loaded, retry] = useLoad(key, () => send<RouteAnswer>(of(here, "/routes"), body));
  const answer = complete ? latest(loaded) : undefined;
  const [network] = useLoad(here.id, () => read<MapAnswer>(of(here, "/map")));
  const base = latest(network);
  const chosen = answer?.routes.find((r) => String(r.number) === query.get("route")) ?? answer?.routes[0];
  const [picking, setPicking] = useState<"from" | "to" | null>(null);
  const [menu, setMenu] = useState<{ node: NodeProps; at: [number, number] } | null>(null);
  const set = (values: Partial<Ask>): void => setAsk((old) => ({ ...old, ...values }));
  const nameOf = (value: string): string =>
    (answer?.routes[0] && value === asked.from && answer.routes[0].origin_name) ||
    (answer?.routes[0] && value === asked.to && answer.routes[0].destination_name) ||
    base?.layers[1].features.find((f) => f.properties.id === value)?.properties.name ||
    value;

  const submit = (values: Partial<Ask> = {}): void => {
    const next = { ...ask, ...values, goods: values.goods ?? (ask.goods || here.overview.commodities[0]?.id || "") };
    setAsk(next);
    setQuery({ ...next, route: null }, { replace: false });
  };
  const setAvoid = (id: string, on: boolean): void => {
    setMenu(null);
    setQuery({ avoid: (on ? [...avoid, id] : avoid.filter((x) => x !== id)).join(","), route: null }, { replace: false });
  };

  const network0 = useMemo(() => (base ? linkLayers("ground", drawn(base.layers[0].features, base.styles, flowStyle(base.styles, { flows: false, dim: true })), { pickable: false, scale: 0.7 }) : []), [base]);
  const lines = useMemo(() => (answer && base ? routeLayers(answer.routes, chosen, base) : []), [answer, chosen, base]);
  const layers = useMemo(() => [...network0, ...lines], [network0, lines]);
  const nodes = useMemo(() => nodesOf(base, chosen, avoid), [base, chosen, avoid.join()]);
  const focus = useMemo((): { bounds: Bounds } | null => {
    const box = answer ? around(answer.routes.flatMap((r) => features(r.lines ?? r.geometry)).flatMap((f) => f.geometry.coordinates)) : null;
    return box ? { bounds: box } : null;
  }, [answer]);

  const click = (picked: Picked | null): void => {
    setMenu(null);
    if (picked?.kind !== "node") return;
    if (picking) {
      setPicking(null);
      submit({ [picking]: picked.node.id });
    } else setMenu({ node: picked.node, at: picked.at });
  };
  const goods = here.overview.commodities.find((c) => c.id === ask.goods)?.name ?? ask.goods;
  return (
    <>
      <aside class="panel" aria-label={s.app.panel}>
        <h1>{s.route.title}</h1>
        <form
          class="form"
          onSubmit={(e) => {
            e.preventDefault();
            submit();
          }}
        >
          {(["from", "to"] as const).map((end) => (
            <Combobox
              key={end}
              label={s.route[end]}
              text={nameOf(ask[end])}
              placeholder={s.map.findHint}
              search={(typed) => searchNames(here, typed)}
              onPick={(c) => set({ [end]: c.value })}
              onText={(typed) => set({ [end]: typed })}
              action={
                <button type="button" class="icon-button" aria-label={`${s.route[end]}: ${s.route.pick}`} title={s.route.pick} aria-pressed={picking === end} onClick={() => setPicking(picking === end ? null : end)}>
                  <Icon name="pin" />
                </button>
              }
            />
          ))}
          <div class="row">
            <Combobox label={s.route.commodity} text={goods} placeholder={s.map.findHint} search={(typed) => searchNames(here, typed, "commodity")} onPick={(c) => set({ goods: (c as NameChoice).value })} onText={(typed) => set({ goods: typed })} />
            <div class="narrow">
              <Input label={s.route.tonnes} type="number" min={0.1} step="any" value={ask.tonnes} placeholder="20" onChange={(tonnes) => set({ tonnes })} />
            </div>
          </div>
          <div class="row">
            <Input label={s.route.ready} type="date" value={ask.ready} onChange={(ready) => set({ ready })} />
            <Input label={s.route.deadline} type="date" value={ask.deadline} onChange={(deadline) => set({ deadline })} />
          </div>
          <details class="more">
            <summary>{s.route.more}</summary>
            <div class="row">
              <Input label={s.route.window} type="number" min={0} max={60} value={ask.window} placeholder="0" onChange={(window) => set({ window })} help={s.route.windowHelp} />
              <Select label={s.route.alternatives} value={ask.n || "3"} options={["1", "2", "3", "4", "5"].map((v) => ({ value: v, label: v }))} onChange={(n) => set({ n })} />
            </div>
            <div class="row">
              <Select label={s.route.incoterm} value={ask.incoterm} options={[{ value: "", label: "\u2013" }, ...INCOTERMS.map((v) => ({ value: v, label: v }))]} onChange={(incoterm) => set({ incoterm })} />
              <Input label={s.route.incotermPlace} value={ask.place} onChange={(place) => set({ place })} />
            </div>
          </details>
          {avoid.length > 0 && (
            <div class="chips" aria-label={s.route.avoided}>
              <span class="quiet">{s.route.avoided}:</span>
              {avoid.map((id) => (
                <button key={id} type="button" class="chip" aria-label={fill(s.route.unavoid, nameOf(id))} title={fill(s.route.unavoid, nameOf(id))} onClick={() => setAvoid(id, false)}>
                  {nameOf(id)} {"\u2715"}
                </button>
              ))}
            </div>
          )}
          <button type="submit" class="button primary" disabled={!ask.from || !ask.to}>
            {loaded.state === "loading" ? s.route.finding : s.route.find}
          </button>
        </form>
        {!complete && (
          <Empty>
            <p>{s.route.empty}</p>
            <Examples here={here} submit={submit} />
          </Empty>
        )}
        {complete && loaded.state === "error" ? (
          <Failed error={loaded.error} retry={retry} pick={(name) => submit(String((loaded.error as Error).message).includes(asked.to) ? { to: name } : { from: name })} />
        ) : (
          <Await of={loaded}>
            {(a) => (
              <>
                <p class="quiet" role="status">
                  {a.routes.length === 1 ? fill(s.route.one, number(Math.round((a.seconds ?? 0) * 1000))) : fill(s.route.answered, a.routes.length, number(Math.round((a.seconds ?? 0) * 1000)))}
                  {!asked.ready && <> {s.route.undated}</>}
                </p>
                <ol class="cards">
                  {a.routes.map((r) => (
                    <Card key={r.number} route={r} chosen={r === chosen} choose={() => setQuery({ route: String(r.number) })} />
                  ))}
                </ol>
                <Command cli={a.cli} link />
              </>
            )}
          </Await>
        )}
      </aside>
      <div class="workspace">
        <MapPane
          answer={base}
          layers={layers}
          nodes={nodes}
          marks={[]}
          focus={focus}
          click={click}
          tip={(p) => (p.kind === "node" ? <strong>{p.node.name}</strong> : null)}
          busy={picking ? s.route.picking : loaded.state === "loading" && complete ? s.route.finding : null}
        >
          {menu && (
            <div class="menu" style={{ left: `${menu.at[0]}px`, top: `${menu.at[1]}px` }}>
              <strong>{menu.node.name}</strong>
              <button type="button" class="button small" onClick={() => (setMenu(null), submit({ from: menu.node.id }))}>
                {s.route.from1}
              </button>
              <button type="button" class="button small" onClick={() => (setMenu(null), submit({ to: menu.node.id }))}>
                {s.route.to1}
              </button>
              <button type="button" class="button small" onClick={() => setAvoid(menu.node.id, !avoid.includes(menu.node.id))}>
                {avoid.includes(menu.node.id) ? fill(s.route.unavoid, "") : s.route.avoid}
              </button>
            </div>
          )}
        </MapPane>
        {answer && chosen && (
          <div class="dock">
            <Tabs
              label={s.route.tabs}
              now={query.get("show") ?? "distance"}
              onChange={(show) => setQuery({ show })}
              tabs={[
                { key: "distance", title: s.route.tabDistance, show: () => <Distance answer={answer} measure={query.get("y") === "cost" ? "cost" : "time"} /> },
                ...(answer.charts.pareto
                  ? [{ key: "pareto", title: s.route.tabPareto, show: () => <Chart spec={answer.charts.pareto!} label={s.route.tabPareto} onPick={(d) => d["number"] != null && setQuery({ route: String(d["number"]) })} /> }]
                  : []),
                { key: "legs", title: s.route.tabLegs, show: () => <Legs route={chosen} avoid={avoid} setAvoid={setAvoid} /> },
                { key: "costs", title: s.route.tabCosts, show: () => <Costs route={chosen} /> },
              ]}
            />
          </div>
        )}
      </div>
    </>
  );
}

function Distance({ answer, measure }: { answer: RouteAnswer; measure: "time" | "cost" }) {
  const spec = answer.charts[measure];
  return (
    <>
      <div class="segments" role="group" aria-label={s.route.measure}>
        {(["time", "cost"] as const).map((m) => (
          <button key={m} type="button" class="chip" aria-pressed={m === measure} onClick={() => setQuery({ y: m })}>
            {m === "time" ? s.route.byTime : s.route.byCost}
          </button>
        ))}
      </div>
      {spec && <Chart spec={spec} label={s.route.tabDistance} />}
    </>
  );
}

function Card({ route: r, chosen, choose }: { route: RouteRecord; chosen: boolean; choose: () => void }) {
  const reasons = r.reasons?.length ? r.reasons : [r.reason];
  return (
    <li class={`card ${chosen ? "chosen" : ""}`}>
      <button type="button" class="card-button" aria-pressed={chosen} onClick={choose}>
        <span class="card-title">
          <span class="card-number">{r.number}</span> {reasons.filter(Boolean).join(", ")}
        </span>
        <span class="figures">
          <span>
            <b>{number(r.usd_per_tonne["money"])}</b> <span class="unit">{s.route.cost}</span>
          </span>
          <span>
            <b>{decimals(r.days, 1)}</b> <span class="unit">{s.route.days}</span>
          </span>
          <span>
            <b>{number(r.km)}</b> <span class="unit">{s.route.km}</span>
          </span>
          <span>
            <b>{number(r.kg_co2e_per_tonne.well_to_wheel)}</b> <span class="unit">{s.route.co2e}</span>
          </span>
        </span>
        <span class="card-note">
          {s.route.borders} {r.borders.length} {"\u00b7"} {s.route.handlings} {r.handlings}
          {r.odds?.p90_hours != null && ` \u00b7 ${s.route.p90} ${duration(r.odds.p90_hours)}`}
          {r.odds?.on_time != null && ` \u00b7 ${percent(r.odds.on_time)} ${s.route.onTime}`}
        </span>
        {r.ports.length > 0 && <span class="card-note">{r.ports.map((p) => p.name).join(" \u2192 ")}</span>}
      </button>
    </li>
  );
}

/** Questions of the case itself: its headline corridors from end to end. */
function Examples({ here, submit }: { here: ReturnType<typeof useHere>; submit: (values: Partial<Ask>) => void }) {
  const [rows] = useLoad(`examples ${here.id}`, () => read<{ rows: { corridor: string; seq: number; from_node: string; to_node: string }[] }>(of(here, "/tables/corridors"), { limit: 1000 }));
  const answer = latest(rows);
  const goods = here.overview.commodities.find((c) => /container|general/i.test(c.name))?.id ?? here.overview.commodities[0]?.id ?? "";
  if (!answer) return null;
  const ends = here.overview.corridors
    .filter((c) => c.headline)
    .slice(0, 5)
    .flatMap((c) => {
      const legs = answer.rows.filter((r) => r.corridor === c.id).sort((a, b) => a.seq - b.seq);
      return legs.length ? [{ name: c.name, from: legs[0]!.from_node, to: legs.at(-1)!.to_node }] : [];
    });
  return (
    <>
      <h4>{s.route.examples}</h4>
      <ul class="examples">
        {ends.map((e) => (
          <li key={e.name}>
            <button type="button" class="link" onClick={() => submit({ from: e.from, to: e.to, goods })}>
              {e.name}
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}

/** Other routes in grey, the chosen one in the colours of its modes over a white casing. */
function routeLayers(routes: RouteRecord[], chosen: RouteRecord | undefined, base: MapAnswer) {
  const of = (r: RouteRecord) => features(r.lines ?? r.geometry);
  const others = routes.filter((r) => r !== chosen).flatMap(of);
  const mine = chosen ? of(chosen) : [];
  return [
    bandLayer("others-casing", others.map((f) => ({ path: f.geometry.coordinates, colour: rgba("#ffffff", 0.9), width: 6 })), { above: true }),
    bandLayer("others", others.map((f) => ({ path: f.geometry.coordinates, colour: rgba("#6b7781"), width: 3 })), { above: true }),
    bandLayer("chosen-casing", mine.map((f) => ({ path: f.geometry.coordinates, colour: rgba("#ffffff"), width: 9 })), { above: true }),
    bandLayer("chosen", mine.map((f) => ({ path: f.geometry.coordinates, colour: rgba(base.styles.modes[f.properties.mode] ?? "#10283e"), width: 5.5 })), { above: true }),
  ];
}

/** All places can be clicked; those of the chosen route carry the most weight for a label. */
function nodesOf(base: MapAnswer | undefined, chosen: RouteRecord | undefined, avoid: string[]): Point<NodeProps>[] {
  if (!base) return [];
  const on = new Set([...features(chosen?.stops).map((f) => f.properties.id), ...avoid]);
  return base.layers[1].features.map((f) => ({ ...f, properties: { ...f.properties, weight: on.has(f.properties.id) ? 7 : Math.min(f.properties.weight, 1) } }));
}

// A route's legs and what it costs, as tables.
import { cell, decimals, duration, minute, number, percent } from "../format";
import { fill, s } from "../strings";
import { Confidence, Tile } from "../ui/bits";
import { type Column, Table } from "../ui/table";
import type { Charge, Leg, RouteRecord } from "./route-types";

export function Legs({ route, avoid, setAvoid }: { route: RouteRecord; avoid: string[]; setAvoid: (id: string, on: boolean) => void }) {
  const dated = route.legs.some((l) => l.depart || l.arrive);
  const waits = (l: Leg): number | null | undefined => l.dwell_hours ?? l.wait_hours;
  const columns: Column<Leg & { n: number }>[] = [
    { key: "n", title: "#", numeric: true },
    { key: "from_name", title: s.route.from, show: (l) => l.from_name ?? l.from },
    {
      key: "to_name",
      title: s.route.to,
      show: (l) => (
        <>
          {l.to_name ?? l.to}{" "}
          {l.what === "movement" && l.to !== route.destination && !avoid.includes(l.to) && (
            <button type="button" class="button small" title={fill(s.route.avoidThis, l.to_name ?? l.to)} aria-label={fill(s.route.avoidThis, l.to_name ?? l.to)} onClick={() => setAvoid(l.to, true)}>
              {s.route.avoid}
            </button>
          )}
        </>
      ),
    },
    { key: "mode", title: s.route.mode, show: (l) => [l.what === "movement" ? l.mode : l.what, l.unit].filter(Boolean).join(", ").replaceAll("_", " ") },
    { key: "service", title: s.route.service },
    ...(dated
      ? ([
          { key: "depart", title: s.route.depart, show: (l) => minute(l.depart) },
          { key: "arrive", title: s.route.arrive, show: (l) => minute(l.arrive) },
        ] as Column<Leg & { n: number }>[])
      : []),
    { key: "wait", title: s.route.wait, numeric: true, show: (l) => duration(waits(l)) },
    { key: "hours", title: s.route.time, numeric: true, show: (l) => duration(l.hours) },
    { key: "km", title: s.route.km, numeric: true, show: (l) => number(l.km) },
    { key: "usd_money_per_tonne", title: s.route.cost, numeric: true, show: (l) => decimals(l.usd_money_per_tonne, 1) },
  ];
  return (
    <>
      <Table columns={columns} rows={route.legs.map((l, i) => ({ ...l, n: i + 1 }))} label={s.route.legs} />
      {route.restrictions.length > 0 && (
        <section class="block">
          <h3>{s.route.restrictions}</h3>
          <ul class="lines">
            {route.restrictions.map((r) => (
              <li key={r.id}>
                <strong>{r.name ?? r.id}</strong> <Confidence of={r.confidence} /> {[r.regime, r.effect].filter(Boolean).join(", ")} {r.text && <span class="note">{r.text}</span>}
              </li>
            ))}
          </ul>
        </section>
      )}
      {route.unknowns.length > 0 && (
        <section class="block">
          <h3>{s.route.unknowns}</h3>
          <ul class="lines">
            {route.unknowns.map((u) => (
              <li key={u.facility}>
                <strong>{u.name ?? u.facility}</strong> <span class="note">{u.what}</span>
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

export function Costs({ route }: { route: RouteRecord }) {
  const shown = Object.entries(route.usd_per_tonne).filter(([k, v]) => v != null && k !== "money" && k !== "generalized" && v !== 0);
  const odds = route.odds;
  return (
    <>
      <div class="tiles">
        <Tile value={number(route.usd_for_shipment["money"])} unit="USD" label={`${s.route.forShipment}, ${cell(route.tonnes)} t`} />
        <Tile value={number(route.usd_per_tonne["money"])} unit={s.route.cost} label={s.route.componentNames["money"]!} />
        {route.usd_per_teu != null && <Tile value={number(route.usd_per_teu)} unit="USD/TEU" label={s.route.componentNames["money"]!} />}
        {odds?.p50_hours != null && <Tile value={duration(odds.p50_hours)} label={s.route.p50} />}
        {odds?.p90_hours != null && <Tile value={duration(odds.p90_hours)} label={s.route.p90} />}
        {odds?.on_time != null && <Tile value={percent(odds.on_time)} label={s.route.onTime} />}
      </div>
      <section class="block">
        <h3>{s.route.components}</h3>
        <ul class="bars">
          {shown.map(([k, v]) => (
            <li key={k}>
              <span>{s.route.componentNames[k] ?? k.replaceAll("_", " ")}</span>
              <span class="bar" aria-hidden="true">
                <span style={{ inlineSize: `${Math.min(100, Math.max(0.5, Math.round((100 * v!) / (route.usd_per_tonne["generalized"] || 1))))}%` }} />
              </span>
              <span class="num">{decimals(v, 1)}</span>
            </li>
          ))}
        </ul>
      </section>
      {route.charges && route.charges.length > 0 && (
        <section class="block">
          <h3>{s.route.charges}</h3>
          <Table<Charge>
            label={s.route.charges}
            rows={route.charges}
            columns={[
              { key: "component", title: s.route.component, show: (c) => c.component.replaceAll("_", " ") },
              { key: "basis", title: s.route.basis },
              { key: "payer", title: s.route.payer },
              { key: "usd", title: s.route.amount, numeric: true, show: (c) => number(c.usd) },
              { key: "price_year", title: s.map.year, show: (c) => (c.price_year == null ? "\u2013" : String(c.price_year)) },
              { key: "source", title: s.app.source },
              { key: "confidence", title: s.app.confidence, show: (c) => <Confidence of={c.confidence} /> },
            ]}
          />
        </section>
      )}
    </>
  );
}

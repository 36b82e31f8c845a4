// View 1: the network, its flows and where it binds.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { read } from "../api";
import { of, useHere } from "../case";
import { number, percent, tonnes } from "../format";
import { bandLayer, drawn, flowStyle, linkLayers, rgba } from "../map/layers";
import { Legend, LineMark } from "../map/legend";
import { around, MapPane } from "../map/pane";
import type { Bounds, Picked } from "../map/stage";
import { href, setQuery, useAddress } from "../router";
import { fill, s } from "../strings";
import type { MapAnswer, MarkProps, Ref } from "../types";
import { Command, Section, Tile } from "../ui/bits";
import { Combobox, Select, Slider, Switch } from "../ui/form";
import { latest, useLoad } from "../ui/load";
import { Failed, Loading } from "../ui/states";
import { type NameChoice, searchNames } from "./names";
import { RecordView } from "./record";

const BANDS = ["#f2b544", "#7fc4e8", "#8fd6b4", "#e3a6cf", "#c9c36b", "#b9b3e6"];
const list = (text: string | null): string[] => (text ? text.split(",").filter(Boolean) : []);
const toggled = (all: string[], one: string, on: boolean): string => (on ? [...all, one] : all.filter((x) => x !== one)).join(",");

export default function MapView() {
  const here = useHere();
  const { query } = useAddress();
  const year = query.get("year") ?? "";
  const commodity = query.get("goods") ?? "";
  const [loaded, retry] = useLoad(`${here.id}|${year}|${commodity}`, () => read<MapAnswer>(of(here, "/map"), { year, commodity }));
  const answer = latest(loaded);
  const hidden = query.get("hide") ?? "";
  const hide = useMemo(() => new Set(list(hidden)), [hidden]);
  const shownCorridors = query.get("corridors") ?? "";
  const corridors = useMemo(() => list(shownCorridors), [shownCorridors]);
  const chosen = useMemo(() => refOf(query.get("at")), [query.get("at")]);
  const [hot, setHot] = useState<string | null>(null);
  const [focus, setFocus] = useState<{ bounds?: Bounds; at?: [number, number] } | null>(null);
  const flows = !hide.has("flows");

  const links = useMemo(
    () => answer?.layers[0].features.filter((f) => !hide.has(`mode:${f.properties.mode}`) && !hide.has(`state:${f.properties.status}`)) ?? [],
    [answer, hide],
  );
  const scale = useScale();
  const base = useMemo(() => (answer ? linkLayers("network", drawn(links, answer.styles, flowStyle(answer.styles, { flows, dim: false })), { scale }) : []), [answer, links, flows, scale]);
  const byId = useMemo(() => new Map(answer?.layers[0].features.map((f) => [f.properties.id, f])), [answer]);
  const bands = useMemo(
    () =>
      corridors.map((id, i) => {
        const lines = answer?.corridors?.find((c) => c.id === id)?.features ?? [];
        return bandLayer(`corridor-${id}`, lines.map((f) => ({ path: f.geometry.coordinates, colour: rgba(BANDS[i % BANDS.length]!, 0.8), width: 13 * scale })));
      }),
    [answer, corridors, scale],
  );
  const marked = useMemo(() => {
    const paths = [hot, chosen?.table === "links" ? chosen.id : null].flatMap((id, i) => {
      const line = id ? byId.get(id) : undefined;
      return line ? [{ path: line.geometry.coordinates, colour: rgba("#10283e", i ? 0.5 : 0.25), width: 11 }] : [];
    });
    return paths.length ? [bandLayer("marked", paths)] : [];
  }, [hot, chosen, byId]);
  const layers = useMemo(() => [...bands, ...marked, ...base], [bands, marked, base]);
  const nodes = useMemo(() => (hide.has("nodes") ? [] : (answer?.layers[1].features ?? [])), [answer, hide]);
  const marks = useMemo(() => (hide.has("bottlenecks") ? [] : (answer?.layers[2].features ?? [])), [answer, hide]);

  const open = (at: Ref | null): void => setQuery({ at: at ? `${at.table}/${at.id}` : null }, { replace: false });
  const click = (picked: Picked | null): void => open(refPicked(picked));
  const binding = answer?.layers[2].features ?? [];
  const showMark = (mark: MarkProps, at: [number, number]): void => {
    setFocus({ at });
    open({ table: "facilities", id: mark.facility });
  };

  return (
    <>
      <aside class="panel" aria-label={s.app.panel}>
        <h1>{here.overview.title ?? here.id}</h1>
        {loaded.state === "error" && <Failed error={loaded.error} retry={retry} />}
        {!answer && loaded.state === "loading" && <Loading />}
        {answer && (
          <div class={loaded.state === "loading" ? "stale" : ""}>
            <Summary of={answer.summary} all={commodity !== ""} />
            <div class="row">
              <YearSlider years={here.overview.years} year={Number(year) || here.overview.year} base={here.overview.year} />
              <Select
                label={s.map.commodity}
                value={commodity}
                options={[{ value: "", label: s.map.allGoods }, ...here.overview.commodities.map((c) => ({ value: c.id, label: c.name }))]}
                onChange={(value) => setQuery({ goods: value }, { replace: false })}
              />
            </div>
            <Combobox
              label={s.map.find}
              text=""
              placeholder={s.map.findHint}
              clearOnPick
              search={(typed) => searchNames(here, typed)}
              onPick={(choice) => {
                const { it } = choice as NameChoice;
                if (it.kind === "node") open({ table: "nodes", id: it.value });
                if (it.longitude != null && it.latitude != null) setFocus({ at: [it.longitude, it.latitude] });
              }}
            />
            <Section title={s.map.bindsAt} count={binding.length}>
              <p class="quiet">{s.map.bindsHelp}</p>
              <ol class="binding">
                {binding.slice(0, 12).map((f) => (
                  <li key={f.properties.facility}>
                    <button type="button" onClick={() => showMark(f.properties, f.geometry.coordinates)} class={chosen?.id === f.properties.facility ? "chosen" : ""}>
                      <span class="rank">{f.properties.number}</span>
                      <span class="binding-name">
                        {f.properties.name}
                        {f.properties.scarcity && (
                          <small class="scarcity" title={s.map.scarcityHelp}>
                            {s.map.scarcity}
                          </small>
                        )}
                      </span>
                      <span class="binding-value">
                        {number(f.properties.usd_per_tonne)} <span class="unit">{s.map.perTonne}</span>
                      </span>
                    </button>
                  </li>
                ))}
              </ol>
              {binding.length === 0 && <p class="quiet">{s.map.nothingBinds}</p>}
            </Section>
            <Section title={s.map.modes}>
              <div class="switches">
                {answer.legend[0]!.entries.map((e) => {
                  const mode = Object.entries(answer.styles.modes).find(([, c]) => c === e.colour)?.[0] ?? String(e.label);
                  return <Switch key={mode} label={e.label} mark={<LineMark colour={e.colour} />} on={!hide.has(`mode:${mode}`)} onChange={(on) => setQuery({ hide: toggled([...hide], `mode:${mode}`, !on) })} />;
                })}
              </div>
            </Section>
            <Section title={s.map.states}>
              <div class="switches">
                {Object.entries(answer.styles.statuses)
                  .filter(([k]) => answer.layers[0].features.some((f) => f.properties.status === k))
                  .map(([k, v]) => (
                    <Switch key={k} label={v.label} mark={<LineMark colour="#1f2933" width={1.8} dash={v.dash} />} on={!hide.has(`state:${k}`)} onChange={(on) => setQuery({ hide: toggled([...hide], `state:${k}`, !on) })} />
                  ))}
              </div>
            </Section>
            <Section title={s.map.show}>
              <div class="switches">
                {(["flows", "nodes", "bottlenecks"] as const).map((k) => (
                  <Switch key={k} label={s.map[k]} on={!hide.has(k)} onChange={(on) => setQuery({ hide: toggled([...hide], k, !on) })} />
                ))}
              </div>
            </Section>
            {answer.corridors && answer.corridors.length > 0 && (
              <Section title={s.map.corridors} count={corridors.length ? `${corridors.length} ${s.app.of} ${answer.corridors.length}` : answer.corridors.length}>
                <div class="switches one-column">
                  {answer.corridors.map((c) => (
                    <Switch
                      key={c.id}
                      label={c.name}
                      mark={corridors.includes(c.id) ? <LineMark colour={BANDS[corridors.indexOf(c.id) % BANDS.length]!} width={9} /> : undefined}
                      on={corridors.includes(c.id)}
                      onChange={(on) => {
                        setQuery({ corridors: toggled(corridors, c.id, on) });
                        const bounds = on ? around(c.features.flatMap((f) => f.geometry.coordinates)) : null;
                        if (bounds) setFocus({ bounds });
                      }}
                    />
                  ))}
                </div>
              </Section>
            )}
            <Command cli={answer.cli} link />
          </div>
        )}
      </aside>
      <MapPane
        answer={answer}
        layers={layers}
        nodes={nodes}
        marks={marks}
        focus={focus}
        click={click}
        hover={(picked) => setHot(picked?.kind === "link" ? picked.link.properties.id : null)}
        tip={(picked) => <Tip of={picked} answer={answer!} />}
        busy={answer && loaded.state === "loading" ? s.map.working : null}
      >
        {answer && <Legend styles={answer.styles} flows={flows} marks={!hide.has("bottlenecks")} nodes={!hide.has("nodes")} scale={scale} />}
        {answer && links.length === 0 && <div class="map-busy">{s.map.empty}</div>}
        {chosen && (
          <section class="drawer" aria-label={s.record.title}>
            <header>
              <h2>{nameOf(chosen, answer) ?? chosen.id}</h2>
              <button type="button" class="icon-button" aria-label={s.app.close} onClick={() => open(null)}>
                {"\u2715"}
              </button>
            </header>
            <Flow of={chosen} answer={answer} />
            <RecordView
              at={chosen}
              actions={() =>
                chosen.table === "nodes" ? (
                  <>
                    <a class="button small" href={href("/route", { from: chosen.id })}>
                      {s.record.routeFrom}
                    </a>
                    <a class="button small" href={href("/route", { to: chosen.id })}>
                      {s.record.routeTo}
                    </a>
                  </>
                ) : null
              }
            />
          </section>
        )}
      </MapPane>
    </>
  );
}

function Summary({ of: summary, all }: { of: MapAnswer["summary"]; all: boolean }) {
  if (!summary) return null;
  const [demand, served, unserved] = (["demand", "served", "unserved"] as const).map((k) => summary[k] as number | null | undefined);
  const share = demand && served != null ? ` \u00b7 ${percent(served / demand)}` : "";
  const work = summary["t_km"] as number | null | undefined;
  const label = (words: string): string => (all ? fill(s.map.ofAllGoods, words) : words);
  return (
    <div class="tiles">
      {demand != null && <Tile value={tonnes(demand)} label={label(s.map.demand)} />}
      {served != null && <Tile value={tonnes(served)} label={label(s.map.served) + share} />}
      {unserved != null && <Tile value={tonnes(unserved)} label={label(s.map.unserved)} tone="warn" />}
      {work != null && <Tile value={tonnes(work, "t-km")} label={label(s.map.work)} />}
    </div>
  );
}

function YearSlider({ years, year, base }: { years: number[]; year: number; base: number }) {
  if (years.length < 2) return null;
  return (
    <Slider
      label={s.map.year}
      value={year}
      min={years[0]!}
      max={years.at(-1)!}
      step={1}
      show={String}
      onChange={(value) => setQuery({ year: value === base ? null : String(value) }, { replace: false })}
    />
  );
}

function Tip({ of: picked, answer }: { of: Picked; answer: MapAnswer }) {
  if (picked.kind === "node")
    return (
      <>
        <strong>{picked.node.name}</strong>
        <div>{picked.node.kind.replaceAll("_", " ")}</div>
        {picked.node.tonnes > 0 && <div>{tonnes(picked.node.tonnes)}</div>}
      </>
    );
  if (picked.kind === "mark")
    return (
      <>
        <strong>{picked.mark.name}</strong>
        <div>
          {number(picked.mark.usd_per_tonne)} {s.map.perTonne}
        </div>
      </>
    );
  const p = picked.link.properties;
  const mode = answer.legend[0]!.entries.find((e) => e.colour === answer.styles.modes[p.mode])?.label ?? p.mode;
  return (
    <>
      <strong>{p.name}</strong>
      <div>
        {mode}, {answer.styles.statuses[p.status]?.label ?? p.status}
      </div>
      <div>{p.tonnes > 0 ? `${tonnes(p.forward)} ${s.map.ahead}, ${tonnes(p.backward)} ${s.map.back}` : s.map.idle}</div>
    </>
  );
}

function Flow({ of: at, answer }: { of: Ref; answer: MapAnswer | undefined }) {
  const link = at.table === "links" ? answer?.layers[0].features.find((f) => f.properties.id === at.id)?.properties : undefined;
  if (!link || link.tonnes <= 0) return null;
  return (
    <div class="tiles">
      <Tile value={tonnes(link.forward)} label={s.map.ahead} />
      <Tile value={tonnes(link.backward)} label={s.map.back} />
    </div>
  );
}

function refOf(text: string | null): Ref | null {
  const [table, ...id] = (text ?? "").split("/");
  return table && id.length ? { table, id: id.join("/") } : null;
}

function refPicked(picked: Picked | null): Ref | null {
  if (!picked) return null;
  if (picked.kind === "link") return { table: "links", id: picked.link.properties.id };
  if (picked.kind === "node") return { table: "nodes", id: picked.node.id };
  return { table: "facilities", id: picked.mark.facility };
}

function nameOf(at: Ref, answer: MapAnswer | undefined): string | undefined {
  if (at.table === "links") return answer?.layers[0].features.find((f) => f.properties.id === at.id)?.properties.name;
  if (at.table === "nodes") return answer?.layers[1].features.find((f) => f.properties.id === at.id)?.properties.name;
  return answer?.layers[2].features.find((f) => f.properties.facility === at.id)?.properties.name;
}

/** Lines are drawn thinner on a small screen; the legend follows. */
function useScale(): number {
  const small = useRef(matchMedia("(max-width: 760px)"));
  const [scale, set] = useState(small.current.matches ? 0.6 : 1);
  useEffect(() => {
    const change = (): void => set(small.current.matches ? 0.6 : 1);
    small.current.addEventListener("change", change);
    return () => small.current.removeEventListener("change", change);
  }, []);
  return scale;
}

// The map as a piece of a view: a view gives layers and points, and hears of hovers and clicks.
import type { ComponentChildren } from "preact";
import type { Layer } from "@deck.gl/core";
import { useEffect, useRef, useState } from "preact/hooks";
import { s } from "../strings";
import { useHere } from "../case";
import type { MapAnswer, MarkProps, NodeProps, Point } from "../types";
import { Failed, Loading } from "../ui/states";
import type { Bounds, Picked, Stage } from "./stage";

const loading = import("./stage"); // begun at once: it is the largest part of the page
loading.catch(() => undefined);
let stage: Stage | null = null;

export interface PaneProps {
  answer: MapAnswer | undefined;
  layers: Layer[];
  nodes: Point<NodeProps>[];
  marks: Point<MarkProps>[];
  /** Where to go when this changes; the first view is that of the answer. */
  focus?: { bounds?: Bounds; at?: [number, number] } | null;
  hover?: (picked: Picked | null) => void;
  click?: (picked: Picked | null) => void;
  tip?: (picked: Picked) => ComponentChildren;
  busy?: string | null;
  children?: ComponentChildren;
}

const WORLD: Bounds = [-20, -10, 130, 65];

export function MapPane({ answer, layers, nodes, marks, focus, hover, click, tip, busy, children }: PaneProps) {
  const { about, overview } = useHere();
  const bounds = overview.view ?? overview.bbox ?? WORLD;
  const box = useRef<HTMLDivElement>(null);
  const [here, setHere] = useState<Stage | null>(null);
  const [failed, setFailed] = useState<unknown>(null);
  const [over, setOver] = useState<Picked | null>(null);
  const hands = useRef({ hover, click });
  hands.current = { hover, click };

  useEffect(() => {
    let gone = false;
    const parent = box.current!;
    void loading.then(async ({ Stage }) => {
      try {
        stage ??= new Stage(parent, about.tiles, bounds);
      } catch {
        setFailed(new Error(s.error.webgl));
        return;
      }
      parent.prepend(stage.element);
      stage.map.resize();
      stage.map.getCanvas().setAttribute("aria-label", s.map.label);
      await stage.ready;
      if (gone) return;
      stage.setHands({
        hover: (picked) => {
          setOver(picked);
          hands.current.hover?.(picked);
        },
        click: (picked) => hands.current.click?.(picked),
      });
      setHere(stage);
    }, setFailed);
    return () => {
      gone = true;
      stage?.setHands({ hover: () => undefined, click: () => undefined });
    };
  }, []);

  useEffect(() => {
    if (!here || !box.current) return;
    const watcher = new ResizeObserver(() => here.map.resize());
    watcher.observe(box.current);
    return () => watcher.disconnect();
  }, [here]);

  const styles = answer?.styles;
  useEffect(() => void (here && styles && here.setStyles(styles)), [here, styles]);
  useEffect(() => here?.setLayers(layers), [here, layers]);
  useEffect(() => here?.setPoints(nodes, marks), [here, nodes, marks]);
  useEffect(() => {
    if (!here || !focus) return;
    if (focus.bounds) here.fit(focus.bounds);
    else if (focus.at) here.fly(focus.at);
  }, [here, focus]);

  const zoom = (by: number) => () => here?.map.zoomTo(here.map.getZoom() + by, { duration: 200 });
  return (
    <div class="map-pane" ref={box}>
      {failed ? <Failed error={failed} /> : !here && <Loading />}
      {here && (
        <div class="map-buttons">
          <button type="button" class="icon-button" aria-label={s.map.zoomIn} title={s.map.zoomIn} onClick={zoom(1)}>
            +
          </button>
          <button type="button" class="icon-button" aria-label={s.map.zoomOut} title={s.map.zoomOut} onClick={zoom(-1)}>
            {"\u2212"}
          </button>
          <button type="button" class="icon-button" aria-label={s.map.fit} title={s.map.fit} onClick={() => here.fit(bounds)}>
            {"\u2922"}
          </button>
        </div>
      )}
      {busy && (
        <div class="map-busy" role="status">
          <span class="spinner" aria-hidden="true" />
          {busy}
        </div>
      )}
      {over && tip && (
        <div class="map-tip" style={{ left: `${over.at[0]}px`, top: `${over.at[1]}px` }} data-side={over.at[0] > (box.current?.clientWidth ?? 0) / 2 ? "before" : "after"}>
          {tip(over)}
        </div>
      )}
      {children}
      <details class="map-note">
        <summary>
          <span class="note-key">{s.map.boundaries}</span> {s.map.basemap}
        </summary>
        <p>{overview.boundaries}</p>
      </details>
    </div>
  );
}

/** The box around some points, or null for none. */
export function around(points: [number, number][]): Bounds | null {
  if (!points.length) return null;
  const xs = points.map((p) => p[0]);
  const ys = points.map((p) => p[1]);
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

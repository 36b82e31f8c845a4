// The one map of the page. It is kept when views change, so that WebGL starts once; each view says what it shows.
import "maplibre-gl/dist/maplibre-gl.css";
import { MapboxOverlay } from "@deck.gl/mapbox";
import type { Layer } from "@deck.gl/core";
import maplibregl, { type ExpressionSpecification, type GeoJSONSource, type Map as GlMap, type MapGeoJSONFeature } from "maplibre-gl/dist/maplibre-gl-csp";
import workerUrl from "maplibre-gl/dist/maplibre-gl-csp-worker.js?url";
import { s } from "../strings";
import type { MapAnswer, MarkProps, NodeProps, Point } from "../types";
import { COLOURS, emptyStyle, FONT, FONT_STRONG, readAtlas } from "./basemap";
import { type Drawn, rgba } from "./layers";
import { addIcons, MARK_FILL, NODE_ICON } from "./icons";

maplibregl.setWorkerUrl(workerUrl);

export type Picked =
  | { kind: "link"; link: Drawn["link"]; at: [number, number] }
  | { kind: "node"; node: NodeProps; at: [number, number]; place: [number, number] }
  | { kind: "mark"; mark: MarkProps; at: [number, number] };

export interface Hands {
  hover: (picked: Picked | null) => void;
  click: (picked: Picked | null) => void;
}

export const MARKS_SHOWN = 12;
export type Bounds = [number, number, number, number];

export class Stage {
  readonly element = document.createElement("div");
  readonly map: GlMap;
  readonly ready: Promise<void>;
  private readonly overlay: MapboxOverlay;
  private hands: Hands = { hover: () => undefined, click: () => undefined };
  private asked = 0;
  private filled = false;
  private shown = false;

  constructor(parent: HTMLElement, tiles: string | null | undefined, bounds: Bounds) {
    this.element.className = "stage";
    parent.prepend(this.element);
    this.map = new maplibregl.Map({
      container: this.element,
      style: emptyStyle(COLOURS, tiles),
      bounds,
      fitBoundsOptions: { padding: 24 },
      attributionControl: false,
      dragRotate: false,
      pitchWithRotate: false,
      touchPitch: false,
      renderWorldCopies: false,
      fadeDuration: 0,
      maxZoom: 12,
      minZoom: 1,
      locale: { "Map.Title": s.map.label },
    });
    this.map.touchZoomRotate.disableRotation();
    this.map.keyboard.disableRotation();
    this.overlay = new MapboxOverlay({ interleaved: true, layers: [], pickingRadius: 5, onAfterRender: () => this.drew() } as never);
    this.ready = this.start();
    this.element.dataset["state"] = "busy"; // tests and benchmarks wait for "idle"
    this.map.on("idle", () => (this.element.dataset["state"] = "idle"));
    for (const begins of ["movestart", "dataloading"] as const) this.map.on(begins, () => (this.element.dataset["state"] = "busy"));
    this.map.on("mousemove", (e) => {
      if (e.originalEvent.buttons === 0) this.look(e.point, false);
    });
    this.map.on("mouseout", () => this.hands.hover(null));
    this.map.on("click", (e) => this.look(e.point, true));
  }

  private async start(): Promise<void> {
    const atlas = readAtlas();
    await new Promise<void>((done) => void this.map.once("style.load", () => done()));
    await document.fonts.load("600 14px Inter").catch(() => undefined);
    addIcons(this.map, MARK_FILL);
    this.addPointLayers();
    this.map.addControl(this.overlay as never);
    // deck.gl would read pixels back on every move of the pointer, while dragging too; `look` asks only when it should.
    const { _handleMouseEvent: listener } = this.overlay as unknown as { _handleMouseEvent?: () => void };
    const heard = ["mousedown", "dragstart", "drag", "dragend", "mousemove", "mouseout", "click", "dblclick"] as const;
    if (listener) for (const event of heard) this.map.off(event, listener);
    void atlas.then((data) => {
      for (const [id, value] of Object.entries(data)) this.source(id).setData(value);
    });
  }

  private addPointLayers(): void {
    const halo = { "text-halo-color": "#ffffff", "text-halo-width": 1.6 };
    this.map.addLayer({ id: "band-slot", type: "background", layout: { visibility: "none" }, paint: {} });
    this.map.addLayer({
      id: "node-marks",
      type: "symbol",
      source: "nodes",
      filter: ["<=", ["get", "order"], ["step", ["zoom"], 800, 5, 1600, 7, 4000, 9, 100000]],
      layout: { "icon-image": NODE_ICON as never, "icon-allow-overlap": true, "icon-ignore-placement": true, "icon-size": ["interpolate", ["linear"], ["zoom"], 2, 0.55, 5, 0.85, 8, 1.15] },
    });
    this.map.addLayer({
      id: "node-labels",
      type: "symbol",
      source: "nodes",
      minzoom: 2.5,
      // Placing names is the most script of a frame in a large network, so few of many are tried from afar.
      filter: ["<=", ["get", "order"], ["step", ["zoom"], 200, 5, 400, 7, 1000, 9, 100000]],
      layout: {
        "text-field": ["get", "label"],
        "text-font": ["case", [">=", ["get", "weight"], 3], ["literal", FONT_STRONG], ["literal", FONT]],
        "text-size": ["interpolate", ["linear"], ["zoom"], 3, ["interpolate", ["linear"], ["get", "weight"], 0, 10, 6, 12], 8, ["interpolate", ["linear"], ["get", "weight"], 0, 12, 6, 15]],
        "text-variable-anchor": ["left", "right", "top", "bottom", "top-left", "bottom-right"],
        "text-radial-offset": 0.65,
        "text-justify": "auto",
        "text-padding": 3,
        "text-max-width": 9,
        "symbol-sort-key": ["get", "order"],
      },
      paint: { "text-color": "#1f2933", ...halo },
    });
    const number: ExpressionSpecification = ["to-string", ["get", "number"]];
    this.map.addLayer({
      id: "mark-discs",
      type: "symbol",
      source: "marks",
      layout: {
        "icon-image": ["case", ["<=", ["get", "number"], MARKS_SHOWN], "mark", "mark-small"],
        "text-field": ["case", ["<=", ["get", "number"], MARKS_SHOWN], number, ""],
        "text-font": FONT_STRONG,
        "text-size": 11,
        "icon-allow-overlap": true,
        "icon-ignore-placement": true,
        "text-allow-overlap": true,
        "text-ignore-placement": true,
        "symbol-z-order": "source",
      },
      paint: { "text-color": "#ffffff" },
    });
  }

  private source(id: string): GeoJSONSource {
    return this.map.getSource(id) as GeoJSONSource;
  }

  setHands(hands: Hands): void {
    this.hands = hands;
  }

  /** Take the colours of the server, where they are others than those the map began with. */
  setStyles({ map, mark }: MapAnswer["styles"]): void {
    const paint: [string, "background-color" | "fill-color" | "line-color" | "text-color", string][] = [
      ["water", "background-color", map.water],
      ["land", "fill-color", map.land],
      ["coast", "line-color", map.coast],
      ["borders", "line-color", map.border],
      ["countries", "text-color", map.country],
    ];
    for (const [layer, property, value] of paint) if (this.map.getPaintProperty(layer, property) !== value) this.map.setPaintProperty(layer, property, value);
    if (mark.fill !== MARK_FILL) addIcons(this.map, mark.fill);
  }

  /** Mark the first picture of the network, for benchmarks/bench_page.py. */
  private drew(): void {
    if (this.shown || !this.filled) return;
    this.shown = true;
    performance.mark("network-drawn");
  }

  setLayers(layers: Layer[]): void {
    this.overlay.setProps({ layers });
    this.filled ||= layers.length > 0;
  }

  setPoints(nodes: Point<NodeProps>[], marks: Point<MarkProps>[]): void {
    const heaviest = [...nodes].sort((a, b) => b.properties.weight - a.properties.weight);
    const features = heaviest.map((f, order) => ({ ...f, properties: { ...f.properties, order } }));
    this.source("nodes").setData({ type: "FeatureCollection", features });
    this.source("marks").setData({ type: "FeatureCollection", features: [...marks].reverse() }); // the first on top
  }

  fit(bounds: Bounds, { animate = true, maxZoom = 8 } = {}): void {
    this.map.fitBounds(bounds, { padding: 48, maxZoom, duration: animate && !matchMedia("(prefers-reduced-motion: reduce)").matches ? 500 : 0 });
  }

  fly(to: [number, number], zoom = 6): void {
    this.map.easeTo({ center: to, zoom: Math.max(this.map.getZoom(), zoom), duration: matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 500 });
  }

  /** Find what is under the pointer: marks and places first, then links. Hovering is looked up once a frame, never while the map moves. */
  private look(point: { x: number; y: number }, click: boolean): void {
    if (!click && this.map.isMoving()) return;
    const mine = ++this.asked;
    const search = (): void => {
      if (mine !== this.asked && !click) return;
      const picked = this.pick(point);
      this.map.getCanvas().style.cursor = picked ? "pointer" : "";
      (click ? this.hands.click : this.hands.hover)(picked);
    };
    if (click) search();
    else requestAnimationFrame(search);
  }

  private pick({ x, y }: { x: number; y: number }): Picked | null {
    const at: [number, number] = [x, y];
    const layers = ["mark-discs", "node-marks"].filter((id) => this.map.getLayer(id));
    const box: [[number, number], [number, number]] = [[x - 4, y - 4], [x + 4, y + 4]];
    const found: MapGeoJSONFeature[] = layers.length ? this.map.queryRenderedFeatures(box, { layers }) : [];
    const first = found.find((f) => f.layer.id === "mark-discs") ?? found[0];
    if (first?.layer.id === "mark-discs") return { kind: "mark", mark: first.properties as MarkProps, at };
    if (first) return { kind: "node", node: first.properties as NodeProps, at, place: (first.geometry as GeoJSON.Point).coordinates as [number, number] };
    const line = this.overlay.pickObject({ x, y, radius: 6 })?.object as Drawn | undefined;
    return line ? { kind: "link", link: line.link, at } : null;
  }
}

export const HOVER = rgba("#111827", 0.35);
export const CHOSEN = rgba("#111827", 0.55);

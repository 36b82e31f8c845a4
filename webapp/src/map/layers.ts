// The network as deck.gl layers, from the styles and scales of the server (karavan.report.layers).
import type { Layer } from "@deck.gl/core";
import { PathStyleExtension } from "@deck.gl/extensions";
import { PathLayer } from "@deck.gl/layers";
import type { Line, LinkProps, Styles } from "../types";

export type Rgba = [number, number, number, number];
export const BELOW = "node-marks";

export function rgba(hex: string, opacity = 1): Rgba {
  const n = Number.parseInt(hex.slice(1), 16);
  return [(n >> 16) & 255, (n >> 8) & 255, n & 255, Math.round(opacity * 255)];
}

export interface Drawn {
  link: Line;
  path: [number, number][];
  width: number;
  colour: Rgba;
  dash: [number, number];
  offset: number;
}

/** The width of a flow in pixels, as `karavan.report.layers.flow_px`. */
export function flowPx(flow: Styles["flow"], tonnes: number): number {
  return Math.max((tonnes / flow.domain[1]) * flow.range[1], flow.minimum_px);
}

export interface LinkStyle {
  width: (p: LinkProps) => number;
  colour: (p: LinkProps) => Rgba;
}

export function flowStyle(styles: Styles, { flows, dim }: { flows: boolean; dim: boolean }): LinkStyle {
  return {
    width: (p) => (flows && p.tonnes > 0 ? flowPx(styles.flow, p.tonnes) : flows ? styles.idle_px + 0.3 : 1.6),
    colour: (p) =>
      rgba(styles.modes[p.mode] ?? "#5b6770", (styles.statuses[p.status]?.opacity ?? 1) * (dim ? 0.28 : flows && p.tonnes <= 0 ? 0.55 : 0.92)),
  };
}

/** Links ready to draw; links between the same two nodes lie side by side. */
export function drawn(links: Line[], styles: Styles, style: LinkStyle): Drawn[] {
  const lanes = new Map<string, Drawn[]>();
  const all = links.map((link) => {
    const p = link.properties;
    const width = style.width(p);
    const dash = styles.statuses[p.status]?.dash ?? [];
    const ready: Drawn = {
      link,
      path: link.geometry.coordinates,
      width,
      colour: style.colour(p),
      dash: dash.length ? [dash[0]! / Math.max(width, 1.2), dash[1]! / Math.max(width, 1.2)] : [0, 0],
      offset: 0,
    };
    const key = p.from < p.to ? `${p.from}|${p.to}` : `${p.to}|${p.from}`;
    const lane = lanes.get(key);
    if (lane) lane.push(ready);
    else lanes.set(key, [ready]);
    return ready;
  });
  for (const lane of lanes.values()) {
    if (lane.length < 2) continue;
    let at = -(lane.reduce((sum, d) => sum + d.width, 0) + 1.2 * (lane.length - 1)) / 2;
    const first = lane[0]!.link.properties.from;
    for (const d of lane) {
      const middle = at + d.width / 2;
      d.offset = ((d.link.properties.from === first ? 1 : -1) * middle) / d.width;
      at += d.width + 1.2;
    }
  }
  return all;
}

// One extension with the same options for every layer of lines: one shader to compile, which is most of the time to the
// first picture where there is no GPU.
const lines = new PathStyleExtension({ dash: true, offset: true, highPrecisionDash: true });
const common = {
  widthUnits: "pixels" as const,
  jointRounded: true,
  extensions: [lines],
  parameters: { depthCompare: "always" as const, depthWriteEnabled: false },
};

/** A layer of links: solid, or dashed for those that are not open all year. */
export function linkLayers(id: string, links: Drawn[], { scale = 1, pickable = true } = {}): Layer[] {
  return [
    new PathLayer<Drawn>({
      ...common,
      id,
      data: links,
      getPath: (d) => d.path,
      getWidth: (d) => d.width,
      getColor: (d) => d.colour,
      widthScale: scale,
      widthMinPixels: 0.7,
      pickable,
      ...({ getOffset: (d: Drawn) => d.offset, getDashArray: (d: Drawn) => d.dash, beforeId: BELOW } as object),
    }),
  ];
}

interface Band {
  path: [number, number][];
  colour: Rgba;
  width: number;
}

/** A band under some links, or above them: a corridor, a route, what is hovered or chosen. */
export function bandLayer(id: string, paths: Band[], { above = false } = {}): Layer {
  return new PathLayer<Band>({
    ...common,
    id,
    data: paths,
    getPath: (d) => d.path,
    getColor: (d) => d.colour,
    getWidth: (d) => d.width,
    capRounded: true,
    pickable: false,
    ...({ getOffset: 0, getDashArray: [0, 0], beforeId: above ? BELOW : "band-slot" } as object),
  });
}

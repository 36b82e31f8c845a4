// Land, coasts and borders from Natural Earth (world-atlas), held by the page itself: no tile is asked of anyone unless
// the user of the server set an address of tiles.
import atlasUrl from "world-atlas/countries-50m.json?url";
import type { StyleSpecification } from "maplibre-gl";
import { feature, mesh } from "topojson-client";
import type { GeometryCollection, Topology } from "topojson-specification";
import type { Styles } from "../types";

/** The colours of karavan.report.layers, for the moment before the server has said its own. */
export const COLOURS: Styles["map"] = { water: "#dbe8f0", land: "#faf8f3", coast: "#9fb3bf", border: "#b9afa0", country: "#6b645c" };

type Atlas = Topology<{ countries: GeometryCollection<{ name: string }>; land: GeometryCollection }>;

export const FONT = ["Inter"];
export const FONT_STRONG = ["Inter Semi Bold"];
const NOTHING = { type: "FeatureCollection" as const, features: [] };

export function emptyStyle(colours: Styles["map"], tiles: string | null | undefined): StyleSpecification {
  const source = (maxzoom = 6) => ({ type: "geojson" as const, data: NOTHING, maxzoom, tolerance: 0.6, buffer: 32 });
  return {
    version: 8,
    sources: {
      land: source(),
      borders: source(),
      countries: source(),
      nodes: source(14),
      marks: source(14),
      ...(tiles ? { tiles: { type: "raster" as const, tiles: [tiles], tileSize: 256 } } : {}),
    },
    layers: [
      { id: "water", type: "background", paint: { "background-color": colours.water } },
      { id: "land", type: "fill", source: "land", paint: { "fill-color": colours.land, "fill-antialias": false } },
      { id: "coast", type: "line", source: "land", paint: { "line-color": colours.coast, "line-width": 0.8 } },
      ...(tiles ? [{ id: "tiles", type: "raster" as const, source: "tiles" }] : []),
      { id: "borders", type: "line", source: "borders", paint: { "line-color": colours.border, "line-width": 1 } },
      {
        id: "countries",
        type: "symbol",
        source: "countries",
        layout: { "text-field": ["get", "name"], "text-font": FONT, "text-size": ["interpolate", ["linear"], ["zoom"], 2, 9, 6, 13], "text-letter-spacing": 0.14, "text-transform": "uppercase", "text-max-width": 7, "text-padding": 6 },
        paint: { "text-color": colours.country, "text-halo-color": colours.land, "text-halo-width": 1.2 },
      },
    ],
  };
}

/** Read the atlas and return what the sources of the style hold. */
export async function readAtlas(): Promise<Record<"land" | "borders" | "countries", GeoJSON.GeoJSON>> {
  const atlas = (await (await fetch(atlasUrl)).json()) as Atlas;
  const countries = feature(atlas, atlas.objects.countries);
  return {
    land: { type: "MultiPolygon", coordinates: feature(atlas, atlas.objects.land).features.flatMap((f) => partsOf(f.geometry)).flatMap(unwrapped) },
    borders: mesh(atlas, atlas.objects.countries as never, (a, b) => a !== b),
    countries: {
      type: "FeatureCollection",
      features: countries.features.flatMap((f) => {
        const at = f.id === undefined ? null : middle(f.geometry); // names of those with a code of ISO 3166 only
        return at ? [{ type: "Feature" as const, properties: f.properties, geometry: { type: "Point" as const, coordinates: at } }] : [];
      }),
    },
  };
}

/** Where a country's name stands: the middle of the longest stretch of land half way up its largest part. */
function middle(geometry: GeoJSON.Geometry): [number, number] | null {
  const parts = partsOf(geometry);
  let largest: GeoJSON.Position[] | null = null;
  let most = 0;
  for (const part of parts) {
    const ring = part[0];
    const size = ring ? Math.abs(area(ring)) : 0;
    if (ring && size > most) [largest, most] = [ring, size];
  }
  if (!largest || most < 0.3) return null;
  const ys = largest.map((p) => p[1]!);
  const y = (Math.min(...ys) + Math.max(...ys)) / 2;
  const xs: number[] = [];
  for (let i = 1; i < largest.length; i++) {
    const [x0, y0] = largest[i - 1] as [number, number];
    const [x1, y1] = largest[i] as [number, number];
    if (y0 > y !== y1 > y) xs.push(x0 + ((y - y0) / (y1 - y0)) * (x1 - x0));
  }
  xs.sort((a, b) => a - b);
  let best: [number, number] | null = null;
  let widest = 0;
  for (let i = 0; i + 1 < xs.length; i += 2) {
    const wide = xs[i + 1]! - xs[i]!;
    if (wide > widest) [best, widest] = [[(xs[i]! + xs[i + 1]!) / 2, y], wide];
  }
  return best;
}

function partsOf(geometry: GeoJSON.Geometry): GeoJSON.Position[][][] {
  return geometry.type === "Polygon" ? [geometry.coordinates] : geometry.type === "MultiPolygon" ? geometry.coordinates : [];
}

/** Rings that jump from 180 east to 180 west go on past 180 instead; the ring around the pole, which cannot, is left out. */
function unwrapped(part: GeoJSON.Position[][]): GeoJSON.Position[][][] {
  const rings = part.map((ring) => {
    let turn = 0;
    return ring.map((p, i) => {
      const step = i ? p[0]! - ring[i - 1]![0]! : 0;
      if (step > 180) turn -= 360;
      if (step < -180) turn += 360;
      return [p[0]! + turn, p[1]!];
    });
  });
  const outer = rings[0]!;
  return Math.abs(outer[0]![0]! - outer.at(-1)![0]!) > 180 ? [] : [rings];
}

function area(ring: GeoJSON.Position[]): number {
  let sum = 0;
  for (let i = 1; i < ring.length; i++) sum += ring[i - 1]![0]! * ring[i]![1]! - ring[i]![0]! * ring[i - 1]![1]!;
  return sum / 2;
}

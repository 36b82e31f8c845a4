// Marks of nodes, drawn once on a canvas: squares for ports, diamonds for borders, rings for dry ports, dots for the rest.
import type { ExpressionSpecification, Map as GlMap } from "maplibre-gl";

const INK = "#1f2933";
export const MARK_FILL = "#C04E00"; // as karavan.report.layers
const SIZE = 16;
const RATIO = 2;

type Draw = (c: CanvasRenderingContext2D) => void;

const square = (half: number): Draw => (c) => c.rect(SIZE / 2 - half, SIZE / 2 - half, 2 * half, 2 * half);
const diamond = (half: number): Draw => (c) => {
  const m = SIZE / 2;
  c.moveTo(m, m - half);
  c.lineTo(m + half, m);
  c.lineTo(m, m + half);
  c.lineTo(m - half, m);
  c.closePath();
};
const dot = (radius: number): Draw => (c) => c.arc(SIZE / 2, SIZE / 2, radius, 0, 7);

const MARKS: Record<string, { draw: Draw; fill: string }> = {
  port: { draw: square(4), fill: "#ffffff" },
  border: { draw: diamond(4.6), fill: "#ffffff" },
  dry_port: { draw: dot(3.8), fill: "#ffffff" },
  place: { draw: dot(2.6), fill: INK },
  small: { draw: dot(1.7), fill: INK },
};

export const NODE_ICON: ExpressionSpecification = [
  "match",
  ["get", "kind"],
  ["port", "rail_ferry"], "port",
  ["border_rail", "border_road", "border_multi", "border"], "border",
  ["dry_port"], "dry_port",
  ["city", "airport"], "place",
  "small",
];

export function drawMark(c: CanvasRenderingContext2D, name: string): void {
  const mark = MARKS[name]!;
  c.beginPath();
  mark.draw(c);
  c.fillStyle = mark.fill;
  c.strokeStyle = INK;
  c.lineWidth = 1.3;
  c.fill();
  c.stroke();
}

function addIcon(map: GlMap, name: string, size: number, draw: Draw): void {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = size * RATIO;
  const c = canvas.getContext("2d", { willReadFrequently: true })!; // read back at once: not on the GPU
  c.scale(RATIO, RATIO);
  draw(c);
  if (map.hasImage(name)) map.removeImage(name);
  map.addImage(name, c.getImageData(0, 0, canvas.width, canvas.height), { pixelRatio: RATIO });
}

export function addIcons(map: GlMap, fill: string): void {
  for (const name of Object.keys(MARKS)) addIcon(map, name, SIZE, (c) => drawMark(c, name));
  for (const [name, radius] of [["mark", 9.5], ["mark-small", 5.5]] as const)
    addIcon(map, name, 24, (c) => {
      c.beginPath();
      c.arc(12, 12, radius, 0, 7);
      c.fillStyle = fill;
      c.strokeStyle = "#ffffff";
      c.lineWidth = 1.6;
      c.fill();
      c.stroke();
    });
}

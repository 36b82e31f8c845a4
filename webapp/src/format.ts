// Numbers, dates and units for people.
import { s } from "./strings";

const lang = s._.lang === "en" ? "en-GB" : s._.lang; // day before month
const plain = [0, 1, 2, 3].map((d) => new Intl.NumberFormat(lang, { maximumFractionDigits: d }));
const signed = new Intl.NumberFormat(lang, { maximumSignificantDigits: 3, signDisplay: "exceptZero" });
const compact = new Intl.NumberFormat(lang, { notation: "compact", maximumSignificantDigits: 3 });
const million = new Intl.NumberFormat(lang, { maximumSignificantDigits: 3 });
const share = new Intl.NumberFormat(lang, { style: "percent", maximumFractionDigits: 0 });
const dayFormat = new Intl.DateTimeFormat(lang, { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
const minuteFormat = new Intl.DateTimeFormat(lang, {
  day: "numeric",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
  timeZone: "UTC",
});

/** A number with as many digits as its size is worth: 1,240 · 43.2 · 0.85. */
export function number(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "\u2013";
  const size = Math.abs(value);
  return plain[size >= 100 || Number.isInteger(value) ? 0 : size >= 10 ? 1 : size >= 0.1 ? 2 : 3]!.format(value);
}

/** A number to a fixed most of decimals, so that a column reads evenly. */
export function decimals(value: number | null | undefined, digits: 0 | 1 | 2 | 3): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "\u2013";
  return value.toLocaleString(lang, { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** Tonnes and the like in words: 93.1 million t, 12,400 t. */
export function tonnes(value: number | null | undefined, unit = "t"): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "\u2013";
  const size = Math.abs(value);
  if (size >= 1e9) return `${million.format(value / 1e9)} billion ${unit}`;
  if (size >= 1e6) return `${million.format(value / 1e6)} million ${unit}`;
  return `${plain[0]!.format(size >= 1000 ? Number(value.toPrecision(3)) : value)} ${unit}`;
}

export const short = (value: number): string => compact.format(value);
export const percent = (value: number): string => share.format(value);
export const change = (value: number): string => (Math.abs(value) >= 1000 ? signedWhole.format(value) : signed.format(value));
const signedWhole = new Intl.NumberFormat(lang, { maximumFractionDigits: 0, signDisplay: "exceptZero" });

/** Tonnes of a difference, with its sign. */
export function tonnesChange(value: number, unit = "t"): string {
  return value > 0 ? `+${tonnes(value, unit)}` : value < 0 ? `\u2212${tonnes(-value, unit)}` : `0 ${unit}`;
}

/** Hours as people say them: 14 h, 3.5 d. */
export function duration(hours: number | null | undefined): string {
  if (hours === null || hours === undefined || !Number.isFinite(hours)) return "\u2013";
  return hours < 48 ? `${decimals(hours, hours < 10 ? 1 : 0)} ${s.units.hours}` : `${decimals(hours / 24, 1)} ${s.units.days}`;
}

export function day(iso: string | null | undefined): string {
  const at = iso ? Date.parse(iso.length === 10 ? `${iso}T00:00Z` : iso) : Number.NaN;
  return Number.isNaN(at) ? (iso ?? "\u2013") : dayFormat.format(at);
}

export function minute(iso: string | null | undefined): string {
  if (!iso) return "\u2013";
  const at = Date.parse(/Z|[+-]\d\d:\d\d$/.test(iso) ? iso : `${iso}Z`);
  return Number.isNaN(at) ? iso : minuteFormat.format(at);
}

const exact = new Intl.NumberFormat(lang, { maximumFractionDigits: 5 });
const tiny = new Intl.NumberFormat(lang, { maximumSignificantDigits: 4 });

/** Any cell of a table, as exact as it was given; a year is no quantity. */
export function cell(value: unknown, name = ""): string {
  if (typeof value === "number" && /(^|_)years?$/.test(name)) return String(value);
  if (value === null || value === undefined || value === "") return "\u2013";
  if (typeof value === "number") return (Math.abs(value) < 0.01 ? tiny : exact).format(value);
  if (typeof value === "boolean") return value ? s.app.yes : s.app.no;
  if (Array.isArray(value)) return value.map((v) => cell(v)).join(", ");
  if (typeof value === "object") return JSON.stringify(value);
  return String(value);
}

/** A name of the data as people read it; a unit at its end is left out where the unit is shown beside it. */
export function words(name: string, unit?: string | null): string {
  const bare = unit ? name.replace(new RegExp(`_${unit.replace(/\W+/g, "_per_")}$`, "i"), "") : name;
  return bare.replaceAll("_", " ");
}

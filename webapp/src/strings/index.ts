// The words of the chosen language. A key is looked up in the type, so a missing word is an error of the build.
import { en, type Strings } from "./en";

const LANGUAGES: Record<string, Strings> = { en };

export const languages = Object.values(LANGUAGES).map((s) => s._);
export const s: Strings = LANGUAGES[new URLSearchParams(location.search).get("lang") ?? "en"] ?? en;

document.documentElement.lang = s._.lang;
document.documentElement.dir = s._.dir;

/** Put values into the places {0}, {1} of a text. */
export function fill(text: string, ...values: (string | number)[]): string {
  return text.replace(/\{(\d)\}/g, (whole, i: string) => String(values[Number(i)] ?? whole));
}

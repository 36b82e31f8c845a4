// Each view has a path; what is asked in it is the query string. Nothing else holds state worth sharing.
import { useEffect, useState } from "preact/hooks";

export type Query = Record<string, string | null | undefined>;

const listeners = new Set<() => void>();
const tell = (): void => listeners.forEach((listener) => listener());
addEventListener("popstate", tell);

/** The path without its last slash. */
export const path = (): string => location.pathname.replace(/\/+$/, "") || "/";

export function query(): URLSearchParams {
  return new URLSearchParams(location.search);
}

/** The address of a view with a query; empty values are left out, `case` and `lang` are kept. */
export function href(to: string, values: Query = {}): string {
  const now = query();
  const next = new URLSearchParams();
  for (const [k, v] of Object.entries({ case: now.get("case"), lang: now.get("lang"), ...values })) if (v) next.set(k, v);
  const text = next.toString();
  return text ? `${to}?${text}` : to;
}

export function go(address: string, { replace = false } = {}): void {
  if (address === location.pathname + location.search) return;
  history[replace ? "replaceState" : "pushState"](null, "", address);
  tell();
}

/** Set some values of the query, keeping the others. */
export function setQuery(values: Query, { replace = true } = {}): void {
  const next = query();
  for (const [k, v] of Object.entries(values)) if (v) next.set(k, v);
  else next.delete(k);
  const text = next.toString();
  go(text ? `${location.pathname}?${text}` : location.pathname, { replace });
}

/** Re-render on every change of address. */
export function useAddress(): { path: string; query: URLSearchParams } {
  const [, again] = useState(0);
  useEffect(() => {
    const listener = (): void => again((n) => n + 1);
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }, []);
  return { path: path(), query: query() };
}

/** Follow links inside the page without loading it again. */
export function followLinks(event: MouseEvent): void {
  if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = (event.target as Element | null)?.closest?.("a[href]");
  if (!(link instanceof HTMLAnchorElement) || link.target || link.hasAttribute("download")) return;
  const to = new URL(link.href);
  if (to.origin !== location.origin || to.pathname.startsWith("/api/") || to.pathname.startsWith("/assets/")) return;
  if (to.hash && to.pathname === location.pathname && to.search === location.search) return;
  event.preventDefault();
  go(to.pathname + to.search);
  scrollTo(0, 0);
}

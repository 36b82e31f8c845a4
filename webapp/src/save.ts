// Files of a server that asks everybody for the token: a link cannot carry it, so the file is fetched with it first.
import { useEffect, useState } from "preact/hooks";
import { token } from "./api";

async function fetched(url: string): Promise<string | null> {
  const response = await fetch(url, { headers: { Authorization: `Bearer ${token.get()}` } });
  return response.ok ? URL.createObjectURL(await response.blob()) : null;
}

/** Save what a download link of the server names, with the token where there is one; other links are left alone. */
export function saveLinks(event: MouseEvent): void {
  const link = (event.target as Element | null)?.closest?.("a[href][download]");
  if (!(link instanceof HTMLAnchorElement) || event.defaultPrevented || !token.get()) return;
  const url = new URL(link.href);
  if (url.origin !== location.origin || !url.pathname.startsWith("/api/")) return;
  event.preventDefault();
  void fetched(link.href).then((held) => {
    if (!held) return;
    const copy = Object.assign(document.createElement("a"), { href: held, download: named(url) });
    copy.click();
    setTimeout(() => URL.revokeObjectURL(held), 60_000);
  });
}

/** The name a file is saved under: `links.csv` of `/tables/links/download?format=csv`, else the last part of the path. */
function named(url: URL): string {
  const parts = url.pathname.split("/").filter(Boolean).map(decodeURIComponent);
  const last = parts.at(-1) ?? "file";
  const form = url.searchParams.get("format");
  return last === "download" ? `${parts.at(-2)}.${form ?? "csv"}` : form && !last.includes(".") ? `${last}.${form}` : last;
}

/** An address that a frame can show: the server's own, or what was fetched from it with the token. */
export function useShown(url: string): string | undefined {
  const [held, set] = useState<{ url: string; as: string } | null>(null);
  useEffect(() => {
    if (!token.get()) return;
    let made: string | null = null;
    let mine = true;
    void fetched(url).then((as) => {
      made = as;
      if (as && mine) set({ url, as });
      else if (as) URL.revokeObjectURL(as);
    });
    return () => {
      mine = false;
      if (made) URL.revokeObjectURL(made);
    };
  }, [url]);
  return token.get() ? (held?.url === url ? held.as : undefined) : url;
}

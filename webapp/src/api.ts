// The only place that speaks with the server.
import { s } from "./strings";

const ROOT = "/api/v1";

export interface Finding {
  severity?: string;
  file?: string;
  line?: number | null;
  id?: string | null;
  field?: string | null;
  problem?: string;
  remedy?: string | null;
}

/** What the server says is wrong, in plain words, with findings and suggestions where there are any. */
export class ApiError extends Error {
  constructor(
    message: string,
    readonly status: number,
    readonly type = "",
    readonly findings: (Finding | string)[] = [],
    readonly suggestions: string[] = [],
    readonly reasons: string[] = [],
  ) {
    super(message);
  }
}

export const token = {
  get: (): string => sessionStorage.getItem("karavan-token") ?? "",
  set: (value: string): void => sessionStorage.setItem("karavan-token", value),
};

/** `karavan serve` prints an address ending in #token=...; it is taken into this tab and out of the address. */
export function takeToken(): void {
  const found = /^#token=(.+)$/.exec(location.hash);
  if (!found) return;
  token.set(decodeURIComponent(found[1]!));
  history.replaceState(null, "", location.pathname + location.search);
}

export type Params = Record<string, string | number | boolean | string[] | null | undefined>;

export function address(path: string, params: Params = {}): string {
  const search = new URLSearchParams();
  for (const [k, v] of Object.entries(params)) {
    if (v === null || v === undefined || v === "") continue;
    for (const one of Array.isArray(v) ? v : [v]) search.append(k, String(one));
  }
  const text = search.toString();
  return ROOT + path + (text ? `?${text}` : "");
}

async function ask<T>(method: string, url: string, init: RequestInit = {}): Promise<T> {
  const headers = new Headers(init.headers);
  headers.set("Accept", "application/json");
  if (token.get()) headers.set("Authorization", `Bearer ${token.get()}`);
  let response: Response;
  try {
    response = await fetch(url, { ...init, method, headers });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError(s.error.offline, 0, "offline");
  }
  const body: unknown = response.headers.get("content-type")?.includes("json")
    ? await response.json()
    : await response.text();
  if (response.ok) return body as T;
  const said = typeof body === "object" && body !== null ? (body as Record<string, unknown>) : { error: body };
  const detail = said["error"] ?? said["detail"] ?? response.statusText;
  throw new ApiError(
    typeof detail === "string" ? detail : JSON.stringify(detail),
    response.status,
    String(said["type"] ?? ""),
    (said["findings"] as Finding[] | undefined) ?? [],
    [...((said["suggestions"] as string[] | undefined) ?? []), ...((said["candidates"] as string[] | undefined) ?? [])],
    (said["reasons"] as string[] | undefined) ?? [],
  );
}

const kept = new Map<string, Promise<unknown>>();

/** Read something; the same address is asked once while the page is open, for what is asked changes by its address. */
export function read<T>(path: string, params: Params = {}, { fresh = false } = {}): Promise<T> {
  const url = address(path, params);
  let answer = kept.get(url);
  if (!answer || fresh) {
    answer = ask<T>("GET", url);
    kept.set(url, answer);
    answer.catch(() => kept.delete(url));
  }
  return answer as Promise<T>;
}

/** Forget what was read, after something was written. */
export const forget = (): void => kept.clear();

export function send<T>(path: string, body: unknown, { method = "POST", signal }: { method?: string; signal?: AbortSignal } = {}): Promise<T> {
  const form = body instanceof FormData;
  return ask<T>(method, address(path), {
    body: form ? body : JSON.stringify(body),
    headers: form ? {} : { "Content-Type": "application/json" },
    signal: signal ?? null,
  });
}

export interface Job<T> {
  job: string;
  state: "queued" | "running" | "done" | "failed" | "cancelled";
  text?: string;
  result?: T;
  error?: unknown;
}

interface Follow {
  /** Told in words how far the work is. */
  progress?: (text: string) => void;
  /** Aborting cancels the job on the server. */
  signal?: AbortSignal;
}

/** Start long work and wait for its result; the server answers at once, or by the events of a job. */
export async function work<T>(path: string, body: unknown, { progress, signal }: Follow = {}): Promise<T> {
  let job = await ask<Job<T>>("POST", address(path, { wait: 1 }), {
    body: JSON.stringify(body),
    headers: { "Content-Type": "application/json" },
    signal: signal ?? null,
  });
  const cancel = (): void => void ask("DELETE", address(`/jobs/${job.job}`)).catch(() => undefined);
  signal?.addEventListener("abort", cancel);
  try {
    while (job.state === "queued" || job.state === "running") {
      if (job.text) progress?.(job.text);
      job = await events<T>(job, progress, signal);
    }
  } finally {
    signal?.removeEventListener("abort", cancel);
  }
  if (job.state === "done") return job.result as T;
  if (job.state === "cancelled") throw new DOMException("cancelled", "AbortError");
  throw jobError(job.error ?? job.text);
}

/** Read the events of a job until it ends. EventSource cannot send a token, so the stream is read here. */
async function events<T>(job: Job<T>, progress: Follow["progress"], signal: AbortSignal | undefined): Promise<Job<T>> {
  const response = await fetch(address(`/jobs/${job.job}/events`), {
    headers: { Accept: "text/event-stream", ...(token.get() ? { Authorization: `Bearer ${token.get()}` } : {}) },
    signal: signal ?? null,
  });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (reader) {
    const { done, value } = await reader.read();
    if (done) break;
    text += value.replaceAll("\r\n", "\n");
    for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
      const data = text.slice(0, end).split("\n").filter((l) => l.startsWith("data:")).map((l) => l.slice(5)).join("\n");
      text = text.slice(end + 2);
      if (!data) continue;
      const told = JSON.parse(data) as Job<T>;
      if (told.text) progress?.(told.text);
      if (told.state && told.state !== "queued" && told.state !== "running") {
        void reader.cancel();
        return told.state === "done" && told.result === undefined ? ask<Job<T>>("GET", address(`/jobs/${job.job}`)) : told;
      }
    }
  }
  return ask<Job<T>>("GET", address(`/jobs/${job.job}`));
}

function jobError(error: unknown): ApiError {
  if (error && typeof error === "object") {
    const e = error as { error?: string; type?: string; findings?: Finding[]; suggestions?: string[] };
    return new ApiError(e.error ?? JSON.stringify(error), 422, e.type, e.findings, e.suggestions);
  }
  return new ApiError(String(error ?? s.error.title), 500);
}

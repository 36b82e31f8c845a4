// The frame around every view: name, views, case; and the view itself, loaded when first asked for.
import { Component, type ComponentChildren, type ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { read, takeToken } from "./api";
import { type Here, HereContext } from "./case";
import { followLinks, go, href, query, useAddress } from "./router";
import { saveLinks } from "./save";
import { s } from "./strings";
import type { About, CaseInfo, Overview } from "./types";
import { Icon } from "./ui/icon";
import { useLoad } from "./ui/load";
import { Await, Empty, Failed, Loading } from "./ui/states";

type View = () => Promise<{ default: ComponentType }>;

const VIEWS: { path: string; key: keyof typeof s.nav; load: View }[] = [
  { path: "/map", key: "map", load: () => import("./views/map") },
  { path: "/route", key: "route", load: () => import("./views/route") },
  { path: "/what-if", key: "whatif", load: () => import("./views/whatif") },
  { path: "/promises", key: "promises", load: () => import("./views/promises") },
  { path: "/evidence", key: "evidence", load: () => import("./views/evidence") },
  { path: "/data", key: "data", load: () => import("./views/data") },
  { path: "/brief", key: "brief", load: () => import("./views/brief") },
];

takeToken();

/** Ask for what comes next before it is needed: the overview and, where a map will be shown, its network. */
function ahead(id: string): void {
  const base = `/cases/${encodeURIComponent(id)}`;
  void read(base).catch(() => undefined);
  const now = query();
  if (["/", "/map"].includes(location.pathname)) void read(`${base}/map`, { year: now.get("year"), commodity: now.get("goods") }).catch(() => undefined);
}

const start = async (): Promise<[About, CaseInfo[]]> => {
  const found = await asked();
  ahead(caseOf(found, query()));
  return found;
};

const asked = (): Promise<[About, CaseInfo[]]> =>
  Promise.all([read<About>("/about"), read<{ cases: CaseInfo[] }>("/cases").then((c) => c.cases)]);

export function App() {
  const { path, query: search } = useAddress();
  const now = path === "/" ? "/map" : path;
  const view = VIEWS.find((v) => v.path === now);
  const [first, retry] = useLoad("start", start);
  useEffect(() => {
    const follow = (event: MouseEvent): void => [saveLinks, followLinks].forEach((f) => f(event));
    document.addEventListener("click", follow);
    return () => document.removeEventListener("click", follow);
  }, []);
  useEffect(() => {
    document.title = view ? `${s.nav[view.key]} \u00b7 ${s.app.name}` : s.app.name;
  }, [view]);
  return (
    <>
      <a class="skip" href="#content" onClick={() => document.getElementById("content")?.focus()}>
        {s.app.skip}
      </a>
      <header class="top">
        <a class="brand" href={href("/map")}>
          <Icon name="brand" />
          <span>{s.app.name}</span>
        </a>
        <nav aria-label={s.app.views}>
          {VIEWS.map((v) => (
            <a key={v.path} href={href(v.path)} aria-current={v.path === now ? "page" : undefined}>
              <Icon name={v.key} />
              <span>{s.nav[v.key]}</span>
            </a>
          ))}
        </nav>
        {first.state === "done" && <CaseChoice cases={first.value[1]} now={caseOf(first.value, search)} />}
      </header>
      <main id="content" tabIndex={-1} class={`view view-${view?.key ?? "none"}`}>
        <Await of={first} retry={retry}>
          {(value) => (
            <Opened about={value[0]} cases={value[1]} id={caseOf(value, search)}>
              {view ? <Lazy key={view.path} load={view.load} /> : <Empty title={s.error.notFound} />}
            </Opened>
          )}
        </Await>
      </main>
    </>
  );
}

function caseOf([about, cases]: [About, CaseInfo[]], query: URLSearchParams): string {
  return query.get("case") ?? about.default_case ?? cases[0]?.id ?? "";
}

function CaseChoice({ cases, now }: { cases: CaseInfo[]; now: string }) {
  const title = cases.find((c) => c.id === now)?.title ?? now;
  if (cases.length < 2)
    return (
      <div class="case-name" title={title}>
        {title}
      </div>
    );
  return (
    <label class="case-choice">
      <span class="visually-hidden">{s.app.case}</span>
      <select value={now} onChange={(e) => go(href(location.pathname, { case: e.currentTarget.value }))}>
        {cases.map((c) => (
          <option key={c.id} value={c.id}>
            {c.title ?? c.id}
          </option>
        ))}
      </select>
    </label>
  );
}

function Opened({ about, cases, id, children }: { about: About; cases: CaseInfo[]; id: string; children: ComponentChildren }) {
  const [overview, retry] = useLoad(id, () => read<Overview>(`/cases/${encodeURIComponent(id)}`));
  return (
    <Await of={overview} retry={retry}>
      {(value) => {
        const here: Here = { about, cases, id, overview: value };
        return (
          <Guard>
            <HereContext.Provider value={here} key={id}>
              {children}
            </HereContext.Provider>
          </Guard>
        );
      }}
    </Await>
  );
}

function Lazy({ load }: { load: View }) {
  const [view, setView] = useState<{ it: ComponentType } | null>(null);
  const [failed, setFailed] = useState<unknown>(null);
  useEffect(() => {
    load().then((m) => setView({ it: m.default }), setFailed);
  }, []);
  if (failed) return <Failed error={failed} retry={() => location.reload()} />;
  return view ? <view.it /> : <Loading />;
}

/** An error of the page's own shows words instead of nothing. */
class Guard extends Component<{ children: ComponentChildren }, { error: unknown }> {
  override state = { error: null as unknown };
  override componentDidCatch(error: unknown): void {
    console.error(error);
    this.setState({ error });
  }
  render() {
    if (this.state.error) return <Failed error={new Error(`${s.error.crashed} (${String(this.state.error)})`)} retry={() => location.reload()} />;
    return this.props.children;
  }
}


// The brief: made, shown and saved from the page.
import { useRef, useState } from "preact/hooks";
import { address, read, work } from "../api";
import { useHere } from "../case";
import { minute, number } from "../format";
import { setQuery, useAddress } from "../router";
import { useShown } from "../save";
import { fill, s } from "../strings";
import { Command, Section } from "../ui/bits";
import { Switch } from "../ui/form";
import { latest, useLoad } from "../ui/load";
import { Await, Empty, Failed } from "../ui/states";

interface Made {
  run: string;
  title?: string;
  case?: string;
  made?: string;
  files: { name: string; bytes: number }[];
  cli?: string;
}

export default function BriefView() {
  const here = useHere();
  const { query } = useAddress();
  const [loaded, again] = useLoad(`briefs ${here.id}`, () => read<{ briefs: Made[] }>("/briefs", {}, { fresh: true }));
  const [said, setSaid] = useState(here.about.ledger !== "none");
  const [state, set] = useState<{ text: string } | { error: unknown } | null>(null);
  const control = useRef<AbortController | null>(null);
  const briefs = (latest(loaded)?.briefs ?? []).filter((b) => !b.case || b.case === here.id);
  const chosen = briefs.find((b) => b.run === query.get("run")) ?? briefs[0];
  const busy = state !== null && "text" in state;

  const make = async (): Promise<void> => {
    const mine = (control.current = new AbortController());
    set({ text: s.brief.making });
    try {
      const made = await work<Made>("/briefs", { case: here.id, said }, { signal: mine.signal, progress: (text) => set({ text }) });
      set(null);
      setQuery({ run: made.run });
      again();
    } catch (error) {
      set(error instanceof DOMException ? null : { error });
    }
  };
  return (
    <>
      <aside class="panel" aria-label={s.app.panel}>
        <h1>{s.brief.title}</h1>
        <p class="quiet">{s.brief.intro}</p>
        <Switch label={s.brief.said} note={s.brief.saidHelp} on={said} onChange={setSaid} />
        {busy ? (
          <>
            <p role="status" class="card-line">
              <span class="spinner" aria-hidden="true" /> <span class="grow">{state.text}</span>
            </p>
            <button type="button" class="button" onClick={() => control.current?.abort()}>
              {s.brief.cancel}
            </button>
          </>
        ) : (
          <button type="button" class="button primary" onClick={() => void make()}>
            {s.brief.make}
          </button>
        )}
        {state !== null && "error" in state && <Failed error={state.error} />}
        <Await of={loaded} retry={again}>
          {() =>
            briefs.length > 0 && (
              <Section title={s.brief.saved} count={briefs.length}>
                <ul class="list">
                  {briefs.map((b) => (
                    <li key={b.run}>
                      <button type="button" class="list-button" aria-pressed={b === chosen} onClick={() => setQuery({ run: b.run })}>
                        <span>{b.made ? minute(b.made) : (b.title ?? b.run)}</span>
                      </button>
                    </li>
                  ))}
                </ul>
              </Section>
            )
          }
        </Await>
        {chosen && (
          <>
            <a class="button" download href={file(chosen, "brief.html")}>
              {s.brief.save}
            </a>
            <Section title={s.brief.files} count={chosen.files.length} open={false}>
              <ul class="list">
                {chosen.files.map((f) => (
                  <li key={f.name}>
                    <a download href={file(chosen, f.name)}>
                      <span>{f.name}</span>
                      <span class="count">{fill(s.brief.bytes, number(Math.ceil(f.bytes / 1024)))}</span>
                    </a>
                  </li>
                ))}
              </ul>
            </Section>
            <Command cli={chosen.cli} />
          </>
        )}
      </aside>
      <div class="page page-frame">
        {chosen ? <Preview of={chosen} /> : <Empty title={s.brief.none}>{s.brief.noneHelp}</Empty>}
      </div>
    </>
  );
}

function Preview({ of: brief }: { of: Made }) {
  const src = useShown(`${file(brief, "brief.html")}?show=true`);
  return <iframe title={fill(s.brief.preview, brief.title ?? "")} src={src} sandbox="" />;
}

const file = (of: Made, name: string): string => address(`/briefs/${encodeURIComponent(of.run)}/files/${encodeURIComponent(name)}`);

// Tabs with the keyboard of the ARIA pattern: arrows move, the chosen one is in the address.
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

export interface Tab {
  key: string;
  title: string;
  show: () => ComponentChildren;
}

export function Tabs({ label, tabs, now, onChange, end }: { label: string; tabs: Tab[]; now: string; onChange: (key: string) => void; end?: ComponentChildren }) {
  const id = useId();
  const at = Math.max(
    tabs.findIndex((t) => t.key === now),
    0,
  );
  const key = (e: KeyboardEvent): void => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[e.key] ?? 0;
    if (!step) return;
    e.preventDefault();
    const forward = document.documentElement.dir === "rtl" ? -step : step;
    const next = tabs[(at + forward + tabs.length) % tabs.length]!;
    onChange(next.key);
    document.getElementById(`${id}-${next.key}`)?.focus();
  };
  const tab = tabs[at];
  if (!tab) return null;
  return (
    <div class="tabs">
      <div class="tab-row">
        <div role="tablist" aria-label={label} onKeyDown={key}>
          {tabs.map((t, i) => (
            <button key={t.key} id={`${id}-${t.key}`} type="button" role="tab" aria-selected={i === at} aria-controls={`${id}-panel`} tabIndex={i === at ? 0 : -1} onClick={() => onChange(t.key)}>
              {t.title}
            </button>
          ))}
        </div>
        {end}
      </div>
      <div id={`${id}-panel`} role="tabpanel" aria-labelledby={`${id}-${tab.key}`} class="tab-panel" key={tab.key}>
        {tab.show()}
      </div>
    </div>
  );
}

// Small pieces used everywhere: confidence, command line, tiles of numbers, sections, sources.
import type { ComponentChildren } from "preact";
import { useRef, useState } from "preact/hooks";
import { s } from "../strings";

/** How sure a figure is: A, B or C, told by letter and border, not by colour alone. */
export function Confidence({ of }: { of: string | null | undefined }) {
  if (!of) return null;
  const words = s.confidence[of as "A" | "B" | "C"] ?? of;
  return (
    <span class={`confidence c-${of}`} title={words}>
      <span aria-hidden="true">{of}</span>
      <span class="visually-hidden">{words}</span>
    </span>
  );
}

export function CopyButton({ text, label = s.app.copy }: { text: string; label?: string }) {
  const [copied, set] = useState(false);
  const copy = (): void => {
    void navigator.clipboard?.writeText(text).then(() => {
      set(true);
      setTimeout(() => set(false), 1600);
    });
  };
  return (
    <button type="button" class="button small" onClick={copy}>
      <span aria-live="polite">{copied ? s.app.copied : label}</span>
    </button>
  );
}

/** The command that gives the same answer. */
export function Command({ cli, link = false }: { cli: string | null | undefined; link?: boolean }) {
  if (!cli) return null;
  return (
    <div class="command">
      <div class="command-head">
        <span title={s.app.commandHelp}>{s.app.command}</span>
        <span class="spacer" />
        {link && <CopyButton text={location.href} label={s.app.link} />}
        <CopyButton text={cli} />
      </div>
      <pre tabIndex={0}>
        <code>{cli}</code>
      </pre>
    </div>
  );
}

export function Tile({ value, unit, label, tone }: { value: string; unit?: string; label: string; tone?: string }) {
  return (
    <div class={`tile ${tone ?? ""}`}>
      <div class="tile-value">
        {value}
        {unit && <span class="unit"> {unit}</span>}
      </div>
      <div class="tile-label">{label}</div>
    </div>
  );
}

/** A part of a panel that folds; `fold` closes it at first on a small screen. */
export function Section({ title, count, open = true, fold = false, children }: { title: string; count?: number | string; open?: boolean; fold?: boolean; children: ComponentChildren }) {
  const [first] = useState(open && !(fold && matchMedia("(max-width: 760px)").matches));
  return (
    <details class="section" open={first}>
      <summary>
        <h3>{title}</h3>
        {count !== undefined && <span class="count">{count}</span>}
      </summary>
      <div class="section-body">{children}</div>
    </details>
  );
}

export interface SourceRef {
  id: string;
  title?: string | null;
  publisher?: string | null;
  published?: string | null;
  address?: string | null;
  kind?: string | null;
}

/** A source as text; its address is a link only where it is an ordinary web address. */
export function Source({ of: source }: { of: SourceRef }) {
  const text = [source.title || source.id, source.publisher, source.published].filter(Boolean).join(", ");
  return /^https?:\/\//.test(source.address ?? "") ? (
    <a class="source" href={source.address!} target="_blank" rel="noopener noreferrer nofollow">
      {text}
    </a>
  ) : (
    <span class="source">{text}</span>
  );
}

/** A dialog that keeps the keyboard inside and closes on Escape. */
export function Dialog({ title, close, children }: { title: string; close: () => void; children: ComponentChildren }) {
  const opened = useRef(false);
  return (
    <dialog
      class="dialog"
      aria-label={title}
      ref={(element) => {
        if (element && !opened.current) {
          opened.current = true;
          element.showModal();
        }
      }}
      onClose={close}
      onClick={(e) => e.target === e.currentTarget && close()}
    >
      <header>
        <h2>{title}</h2>
        <button type="button" class="icon-button" aria-label={s.app.close} onClick={close}>
          {"\u2715"}
        </button>
      </header>
      <div class="dialog-body">{children}</div>
    </dialog>
  );
}

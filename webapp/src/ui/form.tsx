// Form pieces: fields with a label, switches, sliders, and a box that searches as you type.
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { s } from "../strings";

export function Field({ label, help, children }: { label: string; help?: string; children: (id: string) => ComponentChildren }) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children(id)}
      {help && <small>{help}</small>}
    </div>
  );
}

export function Select({ label, value, options, onChange, help }: { label: string; value: string; options: { value: string; label: string }[]; onChange: (value: string) => void; help?: string }) {
  return (
    <Field label={label} help={help}>
      {(id) => (
        <select id={id} value={value} onChange={(e) => onChange(e.currentTarget.value)}>
          {options.map((o) => (
            <option key={o.value} value={o.value}>
              {o.label}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

export function Input({
  label,
  value,
  type = "text",
  onChange,
  help,
  ...rest
}: {
  label: string;
  value: string;
  type?: string;
  onChange: (value: string) => void;
  help?: string;
  min?: number | string;
  max?: number | string;
  step?: number | string;
  placeholder?: string;
  required?: boolean;
}) {
  return (
    <Field label={label} help={help}>
      {(id) => <input id={id} type={type} value={value} onInput={(e) => onChange(e.currentTarget.value)} {...rest} />}
    </Field>
  );
}

/** A switch, with an optional mark (a line in the legend's colour) before its words. */
export function Switch({ label, on, onChange, mark, note }: { label: ComponentChildren; on: boolean; onChange: (on: boolean) => void; mark?: ComponentChildren; note?: ComponentChildren }) {
  return (
    <label class="switch">
      <input type="checkbox" role="switch" checked={on} onChange={(e) => onChange(e.currentTarget.checked)} />
      <span class="track" aria-hidden="true" />
      {mark}
      <span class="switch-label">
        {label}
        {note && <small>{note}</small>}
      </span>
    </label>
  );
}

export function Slider({ label, value, min, max, step, onChange, show, ticks }: { label: string; value: number; min: number; max: number; step: number; onChange: (value: number) => void; show: (value: number) => string; ticks?: number[] }) {
  const id = useId();
  const [live, setLive] = useState(value);
  useEffect(() => setLive(value), [value]);
  return (
    <div class="field slider">
      <div class="slider-head">
        <label for={id}>{label}</label>
        <output for={id}>{show(live)}</output>
      </div>
      <input
        id={id}
        type="range"
        min={min}
        max={max}
        step={step}
        value={live}
        aria-valuetext={show(live)}
        list={ticks ? `${id}-ticks` : undefined}
        onInput={(e) => setLive(Number(e.currentTarget.value))}
        onChange={(e) => onChange(Number(e.currentTarget.value))}
      />
      {ticks && (
        <datalist id={`${id}-ticks`}>
          {ticks.map((t) => (
            <option key={t} value={t} />
          ))}
        </datalist>
      )}
    </div>
  );
}

export interface Choice {
  value: string;
  label: string;
  note?: string;
}

/** A text box that offers names as one types (ARIA combobox): arrows move, Enter takes, Escape closes. */
export function Combobox({
  label,
  text,
  search,
  onPick,
  onText,
  placeholder,
  clearOnPick = false,
  action,
}: {
  label: string;
  text: string;
  search: (typed: string) => Promise<Choice[]>;
  onPick: (choice: Choice) => void;
  onText?: (typed: string) => void;
  placeholder?: string;
  clearOnPick?: boolean;
  action?: ComponentChildren;
}) {
  const id = useId();
  const [typed, setTyped] = useState(text);
  const [choices, setChoices] = useState<Choice[]>([]);
  const [open, setOpen] = useState(false);
  const [at, setAt] = useState(-1);
  const turn = useRef(0);
  const timer = useRef(0);
  useEffect(() => setTyped(text), [text]);
  const look = (value: string): void => {
    setTyped(value);
    clearTimeout(timer.current);
    const mine = ++turn.current;
    if (value.trim().length < 2) {
      setChoices([]);
      setOpen(false);
      return;
    }
    timer.current = window.setTimeout(() => {
      search(value.trim()).then(
        (found) => {
          if (mine !== turn.current) return;
          setChoices(found);
          setAt(found.length ? 0 : -1);
          setOpen(true);
        },
        () => undefined,
      );
    }, 120);
  };
  const take = (choice: Choice): void => {
    turn.current++;
    clearTimeout(timer.current);
    setTyped(clearOnPick ? "" : choice.label);
    setOpen(false);
    onPick(choice);
  };
  const key = (e: KeyboardEvent): void => {
    if (e.key === "ArrowDown" || e.key === "ArrowUp") {
      e.preventDefault();
      if (!open && choices.length) setOpen(true);
      else setAt((i) => (choices.length ? (i + (e.key === "ArrowDown" ? 1 : -1) + choices.length) % choices.length : -1));
    } else if (e.key === "Enter" && open && choices[at]) {
      e.preventDefault();
      take(choices[at]!);
    } else if (e.key === "Escape" && open) {
      e.preventDefault();
      setOpen(false);
    }
  };
  return (
    <div class="field combobox">
      <label for={id}>{label}</label>
      <div class="combobox-row">
        <input
          id={id}
          type="text"
          role="combobox"
          autocomplete="off"
          spellcheck={false}
          aria-expanded={open}
          aria-controls={`${id}-list`}
          aria-autocomplete="list"
          aria-activedescendant={open && at >= 0 ? `${id}-${at}` : undefined}
          value={typed}
          placeholder={placeholder}
          onInput={(e) => look(e.currentTarget.value)}
          onKeyDown={key}
          onFocus={(e) => e.currentTarget.select()}
          onBlur={() => {
            setTimeout(() => setOpen(false), 150);
            if (onText && typed !== text) onText(typed);
          }}
        />
        {action}
      </div>
      <ul id={`${id}-list`} role="listbox" aria-label={label} hidden={!open}>
        {choices.map((c, i) => (
          <li key={c.value} id={`${id}-${i}`} role="option" aria-selected={i === at} onMouseDown={(e) => e.preventDefault()} onClick={() => take(c)}>
            <span>{c.label}</span>
            {c.note && <small>{c.note}</small>}
          </li>
        ))}
        {open && choices.length === 0 && <li class="nothing">{s.data.empty}</li>}
      </ul>
    </div>
  );
}

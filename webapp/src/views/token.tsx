// The token of those who may write; kept until the tab is closed.
import { useState } from "preact/hooks";
import { token } from "../api";
import { s } from "../strings";
import { Field } from "../ui/form";

export function TokenBox() {
  const [value, set] = useState(token.get());
  if (token.get()) return null;
  return (
    <Field label={s.app.token} help={s.app.tokenHelp}>
      {(id) => <input id={id} type="password" autocomplete="off" value={value} onInput={(e) => set(e.currentTarget.value)} onBlur={() => token.set(value.trim())} />}
    </Field>
  );
}

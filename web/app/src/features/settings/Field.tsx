import { PasswordInput, Select, Switch, Textarea, TextInput } from "@mantine/core";
import { said, useWords } from "../../lib/i18n";
import type { Setting } from "../../model/types";
import s from "./settings.module.css";

interface Props {
  x: Setting;
  value: string;
  kept: boolean; // a secret that is set
  error?: string | undefined;
  disabled: boolean;
  set: (v: string) => void;
}

/** One line of an account's form, drawn from what the channel says of it. */
export function Field({ x, value, kept, error, disabled, set }: Props) {
  const t = useWords();
  const label = said(x.label, x.name);
  const help = said(x.help);
  const id = `set-${x.name}`;
  return (
    <div className={s.field}>
      <label htmlFor={id}>
        {label}
        {x.optional && x.kind !== "bool" ? <small>{t("account.optional")}</small> : null}
      </label>
      <div>
        <Control id={id} x={x} value={value} kept={kept} error={error} disabled={disabled} set={set} />
        {error ? (
          <p className={s.err} role="alert">
            {error}
          </p>
        ) : null}
        {help ? <p className={s.hint}>{help}</p> : null}
      </div>
    </div>
  );
}

function Control({ id, x, value, kept, error, disabled, set }: Props & { id: string }) {
  const t = useWords();
  const common = { id, disabled, error: !!error };
  switch (x.kind) {
    case "bool":
      return (
        <Switch
          id={id}
          disabled={disabled}
          checked={value === "true"}
          onChange={(e) => set(e.currentTarget.checked ? "true" : "false")}
          withThumbIndicator={false}
        />
      );
    case "secret":
      return (
        <PasswordInput
          {...common}
          value={value}
          placeholder={kept ? t("account.secretKept") : ""}
          autoComplete="new-password"
          onChange={(e) => set(e.currentTarget.value)}
        />
      );
    case "choice":
      return (
        <Select
          {...common}
          data={x.choices ?? []}
          value={value || null}
          allowDeselect={!!x.optional}
          onChange={(v) => set(v ?? "")}
          comboboxProps={{ transitionProps: { duration: 140 } }}
        />
      );
    case "list":
      return (
        <Textarea
          {...common}
          rows={Math.max(2, value.split("\n").length)}
          value={value}
          onChange={(e) => set(e.currentTarget.value)}
        />
      );
    case "color":
      return (
        <span className={s.color}>
          <input
            type="color"
            aria-label={said(x.label, x.name)}
            disabled={disabled}
            value={/^#[0-9a-f]{6}$/i.test(value) ? value : "#2b53c6"}
            onChange={(e) => set(e.currentTarget.value)}
          />
          <TextInput {...common} value={value} onChange={(e) => set(e.currentTarget.value)} />
        </span>
      );
    default:
      return (
        <TextInput
          {...common}
          type={x.kind === "url" ? "url" : "text"}
          inputMode={x.kind === "number" ? "numeric" : undefined}
          value={value}
          onChange={(e) => set(e.currentTarget.value)}
        />
      );
  }
}

// The form before the chat, drawn from the account's fields.
import { useState } from "preact/hooks";
import type { Field } from "../model/wire";
import { usePanel } from "./context";

const AUTO: Record<string, string> = { name: "name", email: "email", phone: "tel" };

export function Form({ fields, problem }: { fields: readonly Field[]; problem: string | undefined }) {
  const { engine, s } = usePanel();
  const [wrong, setWrong] = useState<Record<string, string>>({});
  const submit = (e: Event) => {
    e.preventDefault();
    const data = new FormData(e.currentTarget as HTMLFormElement);
    const values: Record<string, string> = {};
    const errors: Record<string, string> = {};
    for (const f of fields) {
      const v = String(data.get(f.name) ?? "").trim();
      if (v) values[f.name] = v;
      if (!v && f.required) errors[f.name] = s.required;
      if (v && f.kind === "email" && !/^\S+@\S+\.\S+$/.test(v)) errors[f.name] = s.badEmail;
    }
    setWrong(errors);
    const first = fields.find((f) => errors[f.name]);
    if (first)
      (e.currentTarget as HTMLFormElement)
        .querySelector<HTMLInputElement>(`[name="${CSS.escape(first.name)}"]`)
        ?.focus();
    else engine.submitForm(values);
  };
  return (
    <form class="frm" onSubmit={submit} noValidate>
      <h2>{s.formTitle}</h2>
      {fields.map((f) => (
        <Input key={f.name} field={f} error={wrong[f.name]} />
      ))}
      {problem && <em role="alert">{problem}</em>}
      <div class="row">
        <button type="submit" class="btn l">
          {s.formSend}
        </button>
        {!fields.some((f) => f.required) && (
          <button type="button" class="btn l q" onClick={() => engine.submitForm({})}>
            {s.formSkip}
          </button>
        )}
      </div>
    </form>
  );
}

function Input({ field: f, error }: { field: Field; error: string | undefined }) {
  const { s } = usePanel();
  const id = `f-${f.name}`;
  const type = f.kind === "email" || f.kind === "tel" ? f.kind : f.kind === "phone" ? "tel" : "text";
  return (
    <div>
      <label for={id}>
        {f.label}
        {!f.required && <i> ({s.optional})</i>}
      </label>
      <input
        id={id}
        name={f.name}
        type={type}
        autocomplete={AUTO[f.name] ?? "on"}
        required={f.required ?? false}
        aria-invalid={error ? "true" : "false"}
        aria-describedby={error ? `${id}-e` : undefined}
      />
      {error && <em id={`${id}-e`}>{error}</em>}
    </div>
  );
}

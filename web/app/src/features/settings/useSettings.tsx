import { type FormEvent, type ReactNode, useState } from "react";
import { Problem } from "../../lib/http";
import { useWords } from "../../lib/i18n";
import { say } from "../../lib/prefs";
import type { Setting } from "../../model/types";
import { Button } from "../../ui/parts";
import { Field } from "./Field";
import s from "./settings.module.css";

interface From {
  settings: Setting[];
  /** As they are set; nothing: a new form, with the defaults. */
  set?: Record<string, string>;
  /** What is not set shows its default, also where others are set. */
  defaults?: boolean;
  /** Which secrets are set. */
  secrets?: Record<string, boolean>;
  may: boolean;
  save: (values: Record<string, string>) => Promise<void>;
}

export interface SettingsForm {
  busy: boolean;
  problem: Problem | undefined;
  /** One setting as a line of the form. */
  line: (x: Setting) => ReactNode;
  /** Is something wrong with a setting that is folded away? */
  folded: boolean;
  submit: (e: FormEvent) => void;
}

/** A form drawn from settings: their values, what is wrong with them, and saving. */
export function useSettings({ settings, set, defaults, secrets, may, save }: From): SettingsForm {
  const t = useWords();
  const [values, setValues] = useState(() =>
    Object.fromEntries(
      settings.map((x) => [x.name, set?.[x.name] ?? ((set && !defaults) || x.kind === "secret" ? "" : (x.default ?? ""))]),
    ),
  );
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  async function store() {
    setBusy(true);
    setProblem(undefined);
    try {
      // an empty secret stays as it is
      const given = settings.filter((x) => x.kind !== "secret" || values[x.name]);
      await save(Object.fromEntries(given.map((x) => [x.name, values[x.name] ?? ""])));
      say(t("settings.saved"));
    } catch (err) {
      if (!(err instanceof Problem)) throw err;
      setProblem(err);
    } finally {
      setBusy(false);
    }
  }
  return {
    busy,
    problem,
    folded: settings.some((x) => x.advanced && problem?.field(x.name)),
    submit: (e) => {
      e.preventDefault();
      void store();
    },
    line: (x) => (
      <Field
        key={x.name}
        x={x}
        value={values[x.name] ?? ""}
        kept={!!secrets?.[x.name]}
        disabled={!may}
        error={problem?.field(x.name)}
        set={(v) => setValues((all) => ({ ...all, [x.name]: v }))}
      />
    ),
  };
}

/** The foot of a form: saving, what went wrong, and what else can be done. */
export function SettingsFoot({
  form,
  may,
  ready = true,
  children,
}: {
  form: SettingsForm;
  may: boolean;
  ready?: boolean;
  children?: ReactNode;
}) {
  const t = useWords();
  const { problem } = form;
  return (
    <footer className={s.foot}>
      {may ? (
        <Button look="primary" size="large" type="submit" busy={form.busy} disabled={!ready}>
          {t("settings.save")}
        </Button>
      ) : (
        <span className={s.hint}>{t("settings.deniedHelp")}</span>
      )}
      {problem ? (
        <span className={s.err} role="alert">
          {problem.status === 0 ? t("problem.unreachable") : problem.words}
        </span>
      ) : null}
      {children}
    </footer>
  );
}

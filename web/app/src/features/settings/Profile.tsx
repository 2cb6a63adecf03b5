import { Select, TextInput, useMantineColorScheme } from "@mantine/core";
import { useState } from "react";
import { cache, patchMe } from "../../lib/hub";
import { chosen, type Lang, useWords } from "../../lib/i18n";
import { say } from "../../lib/prefs";
import { useStore } from "../../lib/store";
import type { Me } from "../../model/types";
import { Password } from "./Password";
import { Sessions } from "./Sessions";
import s from "./settings.module.css";
import { TwoSteps } from "./TwoSteps";
import { useDoing } from "./useDoing";

const undoChoices = [0, 5, 10, 20, 30];

/** My name, how the app looks and speaks, and how I sign in. */
export function Profile({ me }: { me: Me }) {
  const t = useWords();
  const lang = useStore(chosen);
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const [name, setName] = useState(me.name);
  const [, run] = useDoing();
  const save = (body: Parameters<typeof patchMe>[0]) =>
    void run("save", async () => {
      await patchMe(body);
      await cache.invalidateQueries({ queryKey: ["me"] });
      say(t("settings.saved"));
    });
  return (
    <div className={s.page}>
      <h1>{t("settings.me")}</h1>
      <div className={s.set}>
        <div className={s.field}>
          <label htmlFor="me-name">{t("me.name")}</label>
          <TextInput
            id="me-name"
            value={name}
            onChange={(e) => setName(e.currentTarget.value)}
            onBlur={() => name.trim() && name.trim() !== me.name && save({ name: name.trim() })}
          />
        </div>
        <div className={s.field}>
          <label htmlFor="me-theme">{t("theme.title")}</label>
          <Select
            id="me-theme"
            value={colorScheme}
            allowDeselect={false}
            data={[
              { value: "auto", label: t("theme.auto") },
              { value: "light", label: t("theme.light") },
              { value: "dark", label: t("theme.dark") },
            ]}
            onChange={(v) => {
              const scheme = (v ?? "auto") as "auto" | "light" | "dark";
              setColorScheme(scheme);
              save({ theme: scheme === "auto" ? "" : scheme });
            }}
          />
        </div>
        <div className={s.field}>
          <label htmlFor="me-lang">{t("me.language")}</label>
          <Select
            id="me-lang"
            value={lang}
            allowDeselect={false}
            data={[
              { value: "auto", label: t("me.languageAuto") },
              { value: "en", label: "English" },
              { value: "zh", label: "简体中文" },
            ]}
            onChange={(v) => {
              const next = (v ?? "auto") as Lang | "auto";
              chosen.set(next);
              save({ locale: next === "auto" ? "" : next === "zh" ? "zh-CN" : "en" });
            }}
          />
        </div>
        <div className={s.field}>
          <label htmlFor="me-undo">{t("me.undo")}</label>
          <div>
            <Select
              id="me-undo"
              value={String(me.settings.undo)}
              allowDeselect={false}
              data={[...new Set([...undoChoices, me.settings.undo])]
                .sort((a, b) => a - b)
                .map((n) => ({ value: String(n), label: n === 0 ? t("me.undoOff") : t("me.seconds", { n }) }))}
              onChange={(v) => save({ undo: Number(v) })}
            />
            <p className={s.hint}>{t("me.undoHelp")}</p>
          </div>
        </div>
      </div>
      <Password me={me} />
      <TwoSteps me={me} />
      <Sessions />
    </div>
  );
}

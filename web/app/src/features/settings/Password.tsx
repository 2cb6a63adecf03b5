import { PasswordInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { cache, setPassword } from "../../lib/hub";
import { useWords } from "../../lib/i18n";
import { say } from "../../lib/prefs";
import type { Me } from "../../model/types";
import { Button } from "../../ui/parts";
import s from "./settings.module.css";
import { useDoing } from "./useDoing";

/** Changes the password; every other sign-in ends. */
export function Password({ me }: { me: Me }) {
  const t = useWords();
  const [now, setNow] = useState("");
  const [next, setNext] = useState("");
  const [busy, run] = useDoing();
  async function submit(e: FormEvent) {
    e.preventDefault();
    const ok = await run("password", () => setPassword(next, now || undefined));
    if (!ok) return;
    setNow("");
    setNext("");
    say(t("me.passwordChanged"));
    void cache.invalidateQueries({ queryKey: ["sessions"] });
  }
  return (
    <form className={s.set} onSubmit={submit}>
      <h2>{t("me.password")}</h2>
      {me.setup ? null : (
        <div className={s.field}>
          <label htmlFor="pw-now">{t("me.passwordNow")}</label>
          <PasswordInput
            id="pw-now"
            value={now}
            autoComplete="current-password"
            onChange={(e) => setNow(e.currentTarget.value)}
          />
        </div>
      )}
      <div className={s.field}>
        <label htmlFor="pw-next">{t("once.password")}</label>
        <div>
          <PasswordInput id="pw-next" value={next} autoComplete="new-password" onChange={(e) => setNext(e.currentTarget.value)} />
          <p className={s.hint}>{t("me.passwordHelp")}</p>
        </div>
      </div>
      <div className={s.field}>
        <span />
        <div>
          <Button type="submit" busy={busy === "password"} disabled={!next || (!me.setup && !now)}>
            {t("me.passwordSet")}
          </Button>
        </div>
      </div>
    </form>
  );
}

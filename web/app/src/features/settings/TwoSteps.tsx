import { PasswordInput, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { beginTotp, cache, confirmTotp, endTotp } from "../../lib/hub";
import { useWords } from "../../lib/i18n";
import type { Me } from "../../model/types";
import { Icon } from "../../ui/Icon";
import { Button } from "../../ui/parts";
import { Copied } from "./Copied";
import s from "./settings.module.css";
import { useDoing } from "./useDoing";

type Step =
  | { at: "rest" }
  | { at: "password" }
  | { at: "code"; secret: string; url: string }
  | { at: "recovery"; codes: string[] };

/** The second step of signing in: a code of an authenticator app. */
export function TwoSteps({ me }: { me: Me }) {
  const t = useWords();
  const [step, setStep] = useState<Step>({ at: "rest" });
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  const [busy, run] = useDoing();

  async function submit(e: FormEvent) {
    e.preventDefault();
    const ok = await run("totp", async () => {
      if (step.at === "code") setStep({ at: "recovery", codes: (await confirmTotp(code.replace(/\s/g, ""))).codes ?? [] });
      else if (me.totp) {
        await endTotp(password, code.replace(/\s/g, ""));
        setStep({ at: "rest" });
      } else {
        const x = await beginTotp(password);
        setStep({ at: "code", secret: x.secret, url: x.url });
      }
      await cache.invalidateQueries({ queryKey: ["me"] });
    });
    if (!ok) return;
    setPassword("");
    setCode("");
  }

  return (
    <form className={s.set} onSubmit={submit}>
      <h2>{t("me.totp")}</h2>
      <p className={s.lead}>
        <Icon name={me.totp ? "shield-lock" : "alert-triangle"} size={15} />
        {t(me.totp ? "me.totpOn" : "me.totpOff")}
      </p>
      {step.at === "rest" ? (
        <Button onClick={() => setStep({ at: "password" })}>{t(me.totp ? "me.totpEnd" : "me.totpBegin")}</Button>
      ) : null}
      {step.at === "password" ? (
        <div className={s.field}>
          <label htmlFor="totp-pw">{t("me.passwordNow")}</label>
          <PasswordInput
            id="totp-pw"
            value={password}
            autoComplete="current-password"
            onChange={(e) => setPassword(e.currentTarget.value)}
          />
        </div>
      ) : null}
      {step.at === "code" ? (
        <>
          <Copied label={t("me.totpKey")} help={t("me.totpSecret")} text={step.secret} />
          <p className={s.lead}>
            <a className={s.link} href={step.url}>
              {t("me.totpOpen")}
            </a>
          </p>
        </>
      ) : null}
      {step.at === "code" || (step.at === "password" && me.totp) ? (
        <div className={s.field}>
          <label htmlFor="totp-code">{t("signin.code")}</label>
          <TextInput
            id="totp-code"
            value={code}
            inputMode="numeric"
            autoComplete="one-time-code"
            onChange={(e) => setCode(e.currentTarget.value)}
          />
        </div>
      ) : null}
      {step.at === "recovery" ? (
        <Copied label={t("me.recoveryTitle")} help={t("me.recovery")} text={step.codes.join("  ")} />
      ) : null}
      {step.at === "password" || step.at === "code" ? (
        <div className={s.field}>
          <span />
          <div className={s.pair}>
            <Button
              look="primary"
              type="submit"
              busy={busy === "totp"}
              disabled={step.at === "code" ? !code : !password || (me.totp === true && !code)}
            >
              {t("me.totpConfirm")}
            </Button>
            <Button onClick={() => setStep({ at: "rest" })}>{t("settings.cancel")}</Button>
          </div>
        </div>
      ) : null}
    </form>
  );
}

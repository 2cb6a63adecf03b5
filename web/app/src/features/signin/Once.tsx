import { PasswordInput } from "@mantine/core";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { Problem } from "../../lib/http";
import { setPassword, signInOnce } from "../../lib/hub";
import { useWords } from "../../lib/i18n";
import { Button, Spinner } from "../../ui/parts";
import { Frame } from "./Frame";
import { Trouble } from "./SignIn";
import s from "./signin.module.css";

const SHORTEST = 10;

/** A one-time link: the secret stands after the #, so that no log has seen it. Then a password is set. */
export function Once({ done }: { done: () => void }) {
  const t = useWords();
  const secret = useRef(location.hash.slice(1));
  const [step, setStep] = useState<"opening" | "password" | "refused">("opening");
  const [first, setFirst] = useState("");
  const [second, setSecond] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();

  // biome-ignore lint/correctness/useExhaustiveDependencies: the link is opened once
  useEffect(() => {
    if (!secret.current) return setStep("refused");
    const value = secret.current;
    secret.current = "";
    history.replaceState(null, "", location.pathname);
    signInOnce(value).then(
      (got) => (got?.setup === false ? done() : setStep("password")),
      (e) => {
        setProblem(e instanceof Problem ? e : undefined);
        setStep("refused");
      },
    );
  }, []);

  async function submit(e: FormEvent) {
    e.preventDefault();
    setBusy(true);
    try {
      await setPassword(first);
      done();
    } catch (err) {
      if (!(err instanceof Problem)) throw err;
      setProblem(err);
    } finally {
      setBusy(false);
    }
  }

  if (step === "opening") {
    return (
      <Frame title={t("once.opening")}>
        <Spinner />
      </Frame>
    );
  }
  if (step === "refused") {
    return (
      <Frame title={t("once.refused")} note={problem?.detail ?? t("once.refusedHelp")}>
        <Button size="large" onClick={() => location.assign("/")}>
          {t("once.toSignIn")}
        </Button>
      </Frame>
    );
  }
  const short = first.length > 0 && first.length < SHORTEST;
  const differs = second.length > 0 && second !== first;
  return (
    <Frame title={t("once.title")} note={t("once.help")}>
      <form onSubmit={submit} className={s.form}>
        <PasswordInput
          label={t("once.password")}
          description={t("once.rule", { n: SHORTEST })}
          value={first}
          onChange={(e) => setFirst(e.currentTarget.value)}
          autoComplete="new-password"
          autoFocus
          required
          error={short ? t("once.short") : undefined}
        />
        <PasswordInput
          label={t("once.repeat")}
          value={second}
          onChange={(e) => setSecond(e.currentTarget.value)}
          autoComplete="new-password"
          required
          error={differs ? t("once.differs") : undefined}
        />
        <Trouble problem={problem} />
        <Button look="primary" size="large" type="submit" busy={busy} disabled={first.length < SHORTEST || first !== second}>
          {t("once.submit")}
        </Button>
        <Button look="plain" onClick={done}>
          {t("once.later")}
        </Button>
      </form>
    </Frame>
  );
}

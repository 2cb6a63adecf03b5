import { PasswordInput, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { Problem } from "../../lib/http";
import { methodsQuery, problemQuery, signIn } from "../../lib/hub";
import { useWords } from "../../lib/i18n";
import { Button } from "../../ui/parts";
import { Frame } from "./Frame";
import s from "./signin.module.css";

/** E-mail and password, then the code of the second step where the hub asks for one. */
export function SignIn({ expired, done }: { expired: boolean; done: () => void }) {
  const t = useWords();
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  const [asksCode, setAsksCode] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();

  async function submit(e: FormEvent) {
    e.preventDefault();
    setBusy(true);
    setProblem(undefined);
    try {
      await signIn(email.trim(), password, asksCode ? code.replace(/\s/g, "") : undefined);
      done();
    } catch (err) {
      if (!(err instanceof Problem)) throw err;
      if (err.is("code-needed") && !asksCode) setAsksCode(true);
      else setProblem(err);
    } finally {
      setBusy(false);
    }
  }

  return (
    <Frame title={t(asksCode ? "signin.codeTitle" : "signin.title")} {...(expired ? { note: t("signin.expired") } : {})}>
      <form onSubmit={submit} className={s.form}>
        {asksCode ? (
          <TextInput
            key="code"
            label={t("signin.code")}
            description={t("signin.codeHelp")}
            value={code}
            onChange={(e) => setCode(e.currentTarget.value)}
            inputMode="numeric"
            autoComplete="one-time-code"
            autoFocus
            required
          />
        ) : (
          <>
            <TextInput
              label={t("signin.email")}
              type="email"
              value={email}
              onChange={(e) => setEmail(e.currentTarget.value)}
              autoComplete="username"
              autoFocus
              required
            />
            <PasswordInput
              label={t("signin.password")}
              value={password}
              onChange={(e) => setPassword(e.currentTarget.value)}
              autoComplete="current-password"
              required
            />
          </>
        )}
        <Trouble problem={problem} />
        {problem ? null : <Refused />}
        <Button look="primary" size="large" type="submit" busy={busy}>
          {t("signin.submit")}
        </Button>
        {asksCode ? (
          <Button look="plain" onClick={() => setAsksCode(false)}>
            {t("signin.back")}
          </Button>
        ) : (
          <p className={s.hint}>{t("signin.forgot")}</p>
        )}
        {asksCode ? null : <Elsewhere />}
      </form>
    </Frame>
  );
}

/** Signing in at the house's own provider, where there is one. It is a page of theirs, then back here. */
function Elsewhere() {
  const t = useWords();
  const oidc = useQuery(methodsQuery).data?.oidc;
  if (!oidc) return null;
  const back = location.pathname.startsWith("/once") ? "/" : location.pathname;
  return (
    <a className={s.elsewhere} href={`${oidc.begin}?back=${encodeURIComponent(back)}`}>
      {t("signin.with", { name: oidc.name })}
    </a>
  );
}

/** Why the provider's answer was not taken, in the hub's words; nothing of the address is shown. */
function Refused() {
  const code = new URLSearchParams(location.search).get("failed") ?? "";
  const why = useQuery(problemQuery(code)).data;
  if (!code || !why) return null;
  return (
    <div className={s.trouble} role="alert">
      <b>{why.title}</b> {why.help}
    </div>
  );
}

/** What went wrong, in the hub's words, or that it cannot be reached. */
export function Trouble({ problem }: { problem: Problem | undefined }) {
  const t = useWords();
  if (!problem) return null;
  const unreachable = problem.status === 0;
  return (
    <div className={s.trouble} role="alert">
      <b>{unreachable ? t("problem.unreachable") : problem.title}</b>{" "}
      {unreachable ? t("problem.unreachableHelp") : problem.detail}
    </div>
  );
}

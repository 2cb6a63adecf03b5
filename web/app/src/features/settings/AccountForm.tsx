import { Modal, Switch } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { Problem } from "../../lib/http";
import { cache, changeAccount, createAccount, removeAccount } from "../../lib/hub";
import { useWords } from "../../lib/i18n";
import { say } from "../../lib/prefs";
import { go } from "../../lib/router";
import { ulid } from "../../lib/ulid";
import type { Account, Channel, Setting } from "../../model/types";
import { Button } from "../../ui/parts";
import { Copied } from "./Copied";
import { Field } from "./Field";
import { Rare } from "./Rare";
import s from "./settings.module.css";

function first(settings: Setting[], a: Account | undefined): Record<string, string> {
  return Object.fromEntries(
    settings.map((x) => [x.name, a?.settings[x.name] ?? (a || x.kind === "secret" ? "" : (x.default ?? ""))]),
  );
}

/** The form of an account, drawn from the channel's settings. */
export function AccountForm({ channel, account, may }: { channel: Channel; account?: Account; may: boolean }) {
  const t = useWords();
  const [name, setName] = useState(account?.name ?? "");
  const [queue, setQueue] = useState(account?.queue ?? "");
  const [enabled, setEnabled] = useState(account?.enabled ?? true);
  const [values, setValues] = useState(() => first(channel.settings, account));
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const [leaving, setLeaving] = useState(false);

  async function save(e: FormEvent) {
    e.preventDefault();
    setBusy(true);
    setProblem(undefined);
    // an empty secret stays as it is
    const settings = Object.fromEntries(
      channel.settings.filter((x) => x.kind !== "secret" || values[x.name]).map((x) => [x.name, values[x.name] ?? ""]),
    );
    try {
      const saved = account
        ? await changeAccount(account.id, { name, queue, enabled, settings })
        : await createAccount({ channel: channel.kind, name, ...(queue ? { queue } : {}), settings }, ulid());
      await cache.invalidateQueries({ queryKey: ["accounts"] });
      say(t("settings.saved"));
      if (!account && saved?.id) go(`/settings/channels/${encodeURIComponent(saved.id)}`, true);
    } catch (err) {
      if (!(err instanceof Problem)) throw err;
      setProblem(err);
    } finally {
      setBusy(false);
    }
  }

  const line = (x: Setting) => (
    <Field
      key={x.name}
      x={x}
      value={values[x.name] ?? ""}
      kept={!!account?.secrets[x.name]}
      disabled={!may}
      error={problem?.field(x.name)}
      set={(v) => setValues((all) => ({ ...all, [x.name]: v }))}
    />
  );

  return (
    <form onSubmit={save} className={s.fields}>
      <div className={s.set}>
        <Field
          x={{ name: "name", label: { en: t("account.name") }, help: { en: t("account.nameHelp") }, kind: "text" }}
          value={name}
          kept={false}
          disabled={!may}
          error={problem?.field("name")}
          set={setName}
        />
        <Field
          x={{
            name: "queue",
            label: { en: t("account.queue") },
            help: { en: t("account.queueHelp") },
            kind: "text",
            optional: true,
          }}
          value={queue}
          kept={false}
          disabled={!may}
          error={problem?.field("queue")}
          set={setQueue}
        />
        {account ? (
          <div className={s.field}>
            <label htmlFor="set-enabled">{t("account.enabled")}</label>
            <Switch
              id="set-enabled"
              checked={enabled}
              disabled={!may}
              onChange={(e) => setEnabled(e.currentTarget.checked)}
              withThumbIndicator={false}
            />
          </div>
        ) : null}
      </div>
      <div className={s.set}>
        <h2>{t("account.section")}</h2>
        {channel.settings.filter((x) => !x.advanced).map(line)}
        {account?.callback ? (
          <Copied
            label={t("account.callback")}
            help={t("account.callbackHelp")}
            text={new URL(account.callback, location.origin).href}
          />
        ) : null}
        {account?.snippet ? <Copied label={t("account.snippet")} help={t("account.snippetHelp")} text={account.snippet} /> : null}
      </div>
      <Rare settings={channel.settings} line={line} open={channel.settings.some((x) => x.advanced && problem?.field(x.name))} />
      <footer className={s.foot}>
        {may ? (
          <Button look="primary" size="large" type="submit" busy={busy} disabled={!name.trim()}>
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
        <span className="grow" />
        {account && may ? (
          <Button look="danger" size="large" onClick={() => setLeaving(true)}>
            {t("account.remove")}
          </Button>
        ) : null}
      </footer>
      {leaving && account ? <Leave account={account} close={() => setLeaving(false)} /> : null}
    </form>
  );
}

function Leave({ account, close }: { account: Account; close: () => void }) {
  const t = useWords();
  const [busy, setBusy] = useState(false);
  async function leave() {
    setBusy(true);
    try {
      await removeAccount(account.id);
      await cache.invalidateQueries({ queryKey: ["accounts"] });
      go("/settings/channels", true);
    } catch (e) {
      if (!(e instanceof Problem)) throw e;
      say(e.status === 0 ? t("problem.unreachable") : e.words, { tone: "bad" });
      close();
    }
  }
  return (
    <Modal
      opened
      onClose={close}
      title={t("account.removeSure", { name: account.name })}
      size={420}
      centered
      lockScroll={false}
      transitionProps={{ duration: 140 }}
      closeButtonProps={{ "aria-label": t("action.close") }}
    >
      <p className={s.hint}>{t("account.removeHelp")}</p>
      <div className={s.ask}>
        <Button onClick={close}>{t("settings.cancel")}</Button>
        <Button look="danger" busy={busy} onClick={() => void leave()}>
          {t("account.removeDo")}
        </Button>
      </div>
    </Modal>
  );
}

import { Modal, Switch } from "@mantine/core";
import { useState } from "react";
import { Problem } from "../../lib/http";
import { cache, changeAccount, createAccount, removeAccount } from "../../lib/hub";
import { useWords } from "../../lib/i18n";
import { say } from "../../lib/prefs";
import { go } from "../../lib/router";
import { ulid } from "../../lib/ulid";
import type { Account, Channel } from "../../model/types";
import { Button } from "../../ui/parts";
import { Copied } from "./Copied";
import { Field } from "./Field";
import { Rare } from "./Rare";
import s from "./settings.module.css";
import { SettingsFoot, useSettings } from "./useSettings";

/** The form of an account, drawn from the channel's settings. */
export function AccountForm({ channel, account, may }: { channel: Channel; account?: Account; may: boolean }) {
  const t = useWords();
  const [name, setName] = useState(account?.name ?? "");
  const [queue, setQueue] = useState(account?.queue ?? "");
  const [enabled, setEnabled] = useState(account?.enabled ?? true);
  const [leaving, setLeaving] = useState(false);

  const form = useSettings({
    settings: channel.settings,
    ...(account ? { set: account.settings, secrets: account.secrets } : {}),
    may,
    save: async (settings) => {
      const saved = account
        ? await changeAccount(account.id, { name, queue, enabled, settings })
        : await createAccount({ channel: channel.kind, name, ...(queue ? { queue } : {}), settings }, ulid());
      await cache.invalidateQueries({ queryKey: ["accounts"] });
      if (!account && saved?.id) go(`/settings/channels/${encodeURIComponent(saved.id)}`, true);
    },
  });
  const { problem } = form;

  return (
    <form onSubmit={form.submit} className={s.fields}>
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
        {channel.settings.filter((x) => !x.advanced).map(form.line)}
        {account?.callback ? (
          <Copied
            label={t("account.callback")}
            help={t("account.callbackHelp")}
            text={new URL(account.callback, location.origin).href}
          />
        ) : null}
        {account?.snippet ? <Copied label={t("account.snippet")} help={t("account.snippetHelp")} text={account.snippet} /> : null}
      </div>
      <Rare settings={channel.settings} line={form.line} open={form.folded} />
      <SettingsFoot form={form} may={may} ready={!!name.trim()}>
        <span className="grow" />
        {account && may ? (
          <Button look="danger" size="large" onClick={() => setLeaving(true)}>
            {t("account.remove")}
          </Button>
        ) : null}
      </SettingsFoot>
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

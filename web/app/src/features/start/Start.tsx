import { Modal, Select, Textarea, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useRef, useState } from "react";
import { canOn, useLook } from "../../lib/channels";
import { Problem } from "../../lib/http";
import { accountsQuery, start } from "../../lib/hub";
import { useWords } from "../../lib/i18n";
import { overlay } from "../../lib/prefs";
import { go, inboxPath } from "../../lib/router";
import { ulid } from "../../lib/ulid";
import { parse } from "../../model/envelope";
import { Button, Empty } from "../../ui/parts";
import s from "./start.module.css";

/** Writing first: by which account, to whom, about what. */
export function Start() {
  const t = useWords();
  const look = useLook();
  const accounts = useQuery(accountsQuery);
  const able = (accounts.data ?? []).filter((a) => a.enabled && a.starts);
  const [chosen, setChosen] = useState<string>();
  const [to, setTo] = useState("");
  const [cc, setCc] = useState("");
  const [about, setAbout] = useState("");
  const [text, setText] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const id = useRef(ulid()); // the same for every try: the message is sent once
  const account = able.find((a) => a.id === chosen) ?? able[0];
  const can = account ? canOn(look(account.channel), undefined) : undefined;
  const people = parse(to);
  const copies = parse(cc);
  const wrong = can?.envelope ? [...people.bad, ...copies.bad] : [];
  const ready = !!account && !!to.trim() && !!text.trim() && wrong.length === 0;

  async function send(e: FormEvent) {
    e.preventDefault();
    if (!ready || !account || busy) return;
    setBusy(true);
    setProblem(undefined);
    const first = can?.envelope ? (people.list[0]?.address ?? "") : to.trim();
    const envelope = can?.envelope ? { to: people.list, cc: copies.list } : undefined;
    try {
      const got = await start({
        id: id.current,
        account: account.id,
        to: first,
        ...(about.trim() ? { about: about.trim() } : {}),
        message: { text: text.trim(), ...(envelope ? { envelope } : {}) },
      });
      overlay.set("none");
      go(inboxPath("all", got.conversation));
    } catch (err) {
      if (!(err instanceof Problem)) throw err;
      setProblem(err);
    } finally {
      setBusy(false);
    }
  }

  return (
    <Modal
      opened
      onClose={() => overlay.set("none")}
      title={t("start.title")}
      size={560}
      lockScroll={false}
      transitionProps={{ duration: 140 }}
      closeButtonProps={{ "aria-label": t("action.close") }}
    >
      {accounts.data && able.length === 0 ? (
        <Empty icon="plug" title={t("start.none")}>
          {t("start.noneHelp")}
        </Empty>
      ) : (
        <form className={s.form} onSubmit={send}>
          <Select
            label={t("start.from")}
            data={able.map((a) => ({ value: a.id, label: `${a.name} · ${look(a.channel).title}` }))}
            value={account?.id ?? null}
            onChange={(v) => setChosen(v ?? undefined)}
            allowDeselect={false}
            comboboxProps={{ transitionProps: { duration: 140 } }}
          />
          <TextInput
            label={t("start.to")}
            data-autofocus
            autoComplete="off"
            value={to}
            error={
              people.bad.length && can?.envelope ? t("write.badAddress", { text: people.bad.join(", ") }) : problem?.field("to")
            }
            onChange={(e) => setTo(e.currentTarget.value)}
          />
          {can?.envelope ? (
            <TextInput
              label={t("start.cc")}
              autoComplete="off"
              value={cc}
              error={copies.bad.length ? t("write.badAddress", { text: copies.bad.join(", ") }) : undefined}
              onChange={(e) => setCc(e.currentTarget.value)}
            />
          ) : null}
          {can?.subject ? (
            <TextInput
              label={t("start.about")}
              value={about}
              error={problem?.field("about")}
              onChange={(e) => setAbout(e.currentTarget.value)}
            />
          ) : null}
          <Textarea
            label={t("start.text")}
            autosize
            minRows={6}
            maxRows={16}
            value={text}
            onChange={(e) => setText(e.currentTarget.value)}
            onKeyDown={(e) => {
              if (e.key === "Enter" && (e.metaKey || e.ctrlKey)) void send(e);
            }}
          />
          <div className={s.foot}>
            {problem ? (
              <span role="alert" className={s.bad}>
                {problem.status === 0 ? t("problem.unreachable") : problem.words}
              </span>
            ) : null}
            <Button onClick={() => overlay.set("none")}>{t("settings.cancel")}</Button>
            <Button look="primary" type="submit" busy={busy} disabled={!ready}>
              {t("action.send")}
            </Button>
          </div>
        </form>
      )}
    </Modal>
  );
}

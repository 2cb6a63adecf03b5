import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Problem } from "../../lib/http";
import { cache, dismissSuggestion, merge, personQuery, suggestionsQuery, undoMerge } from "../../lib/hub";
import { type Key, useWords } from "../../lib/i18n";
import { thread } from "../../lib/inbox";
import { say } from "../../lib/prefs";
import { usePart } from "../../lib/store";
import { ulid } from "../../lib/ulid";
import { lastMerge } from "../../model/merges";
import type { Conversation, Suggestion } from "../../model/types";
import { Icon } from "../../ui/Icon";
import { Button, cx } from "../../ui/parts";
import s from "./person.module.css";

/** Somebody who may be the same person, with the reason; a merge can be undone. */
export function SamePerson({ c }: { c: Conversation }) {
  const t = useWords();
  const list = useQuery(suggestionsQuery(c.person));
  const merged = usePart(thread(c.id).timeline, lastMerge);
  const [busy, run] = useRun(c.person);
  return (
    <>
      {(list.data ?? []).map((x) => (
        <Question key={x.id} x={x} person={c.person} busy={busy === x.id} run={run} />
      ))}
      {merged ? (
        <section className={cx(s.merge, s.merged)}>
          <header>
            <Icon name="arrow-merge" size={15} />
            <span>{t("merge.done", { name: merged.name ?? "" })}</span>
            <Button
              size="small"
              look="plain"
              busy={busy === merged.id}
              onClick={() => void run(merged.id, () => undoMerge(merged.id))}
            >
              {t("undo.do")}
            </Button>
          </header>
        </section>
      ) : null}
    </>
  );
}

type Run = (key: string, what: () => Promise<unknown>) => Promise<void>;

function useRun(person: string): [string, Run] {
  const t = useWords();
  const [busy, setBusy] = useState("");
  const run: Run = async (key, what) => {
    setBusy(key);
    try {
      await what();
      await cache.invalidateQueries({ queryKey: ["person", person] });
    } catch (e) {
      if (!(e instanceof Problem)) throw e;
      say(e.status === 0 ? t("problem.unreachable") : e.words, { tone: "bad" });
    } finally {
      setBusy("");
    }
  };
  return [busy, run];
}

const how: Record<string, Key> = {
  linked: "merge.how.linked",
  said: "merge.how.said",
  profile: "merge.how.profile",
  agent: "merge.how.agent",
  shared: "merge.how.shared",
  undone: "merge.how.undone",
};

const evidence: Record<string, Key> = {
  identity: "merge.identity",
  email: "merge.email",
  tel: "merge.tel",
  name: "merge.name",
  username: "merge.username",
  avatar: "merge.avatar",
};

function Question({ x, person, busy, run }: { x: Suggestion; person: string; busy: boolean; run: Run }) {
  const t = useWords();
  const other = x.persons.find((p) => p !== person) ?? "";
  const them = useQuery({ ...personQuery(other), enabled: !!other });
  const name = them.data?.person.name || them.data?.identities[0]?.identity.display || "";
  const given = (x.evidence ?? []).map((e) => {
    const word = evidence[e.kind];
    const what = word ? t(word, { value: e.value ?? "" }) : `${e.kind.replace(/_/g, " ")} ${e.value ?? ""}`;
    const known = how[e.how];
    return known ? `${what} (${t(known)})` : what;
  });
  const reasons = given.length > 0 ? given : [x.why ?? ""].filter(Boolean);
  return (
    <section className={s.merge}>
      <header>
        <Icon name="arrow-merge" size={15} />
        <b>{t("merge.question")}</b>
        <span title={name}>{name}</span>
      </header>
      <ul>
        {reasons.map((r) => (
          <li key={r}>
            <Icon name="check" size={14} />
            {r}
          </li>
        ))}
        {(them.data?.identities ?? []).slice(0, 2).map((k) => (
          <li key={k.id} className={cx(!k.identity.proof && s.no)}>
            <Icon name={k.identity.proof ? "check" : "minus"} size={14} />
            {k.identity.display || k.identity.value}
            {k.identity.proof ? "" : ` (${t("proof.none")})`}
          </li>
        ))}
      </ul>
      <footer>
        <Button size="small" busy={busy} onClick={() => void run(x.id, () => merge(person, other, ulid()))}>
          {t("merge.do")}
        </Button>
        <Button size="small" look="plain" disabled={busy} onClick={() => void run(x.id, () => dismissSuggestion(x.id))}>
          {t("merge.not")}
        </Button>
        <span>{t("merge.undoable")}</span>
      </footer>
    </section>
  );
}

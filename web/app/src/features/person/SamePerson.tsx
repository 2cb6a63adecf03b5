import { useState } from "react";
import { Problem } from "../../lib/http";
import { cache, dismissSuggestion, merge, undoMerge, type PersonPage } from "../../lib/hub";
import { useWords } from "../../lib/i18n";
import { say } from "../../lib/prefs";
import { ulid } from "../../lib/ulid";
import type { Person, Suggestion } from "../../model/types";
import { Icon } from "../../ui/Icon";
import { Button, cx } from "../../ui/parts";
import s from "./person.module.css";

/** Somebody who may be the same person, with the reasons; a merge can be undone. */
export function SamePerson({ person, suggestions, merges }: { person: Person; suggestions: Suggestion[]; merges: PersonPage["merges"] }) {
  const t = useWords();
  const [busy, setBusy] = useState("");
  async function run(key: string, what: () => Promise<unknown>) {
    setBusy(key);
    try {
      await what();
      await cache.invalidateQueries({ queryKey: ["person", person.id] });
    } catch (e) {
      if (!(e instanceof Problem)) throw e;
      say(e.status === 0 ? t("problem.unreachable") : [e.title, e.detail].filter(Boolean).join(". "), { tone: "bad" });
    } finally {
      setBusy("");
    }
  }
  return (
    <>
      {suggestions.map((x) => (
        <section key={x.id} className={s.merge}>
          <header>
            <Icon name="arrow-merge" size={15} />
            <b>{t("merge.question")}</b>
            <span title={x.name}>{x.name}</span>
          </header>
          <ul>
            {(x.why ?? []).map((w) => (
              <li key={w.text} className={cx(!w.ok && s.no)}>
                <Icon name={w.ok ? "check" : "minus"} size={14} />
                {w.text}
              </li>
            ))}
          </ul>
          <footer>
            <Button size="small" busy={busy === x.id} onClick={() => void run(x.id, () => merge(person.id, x.person, ulid()))}>
              {t("merge.do")}
            </Button>
            <Button size="small" look="plain" disabled={busy === x.id} onClick={() => void run(x.id, () => dismissSuggestion(person.id, x.id))}>
              {t("merge.not")}
            </Button>
            <span>{t("merge.undoable")}</span>
          </footer>
        </section>
      ))}
      {merges.map((m) => (
        <section key={m.id} className={cx(s.merge, s.merged)}>
          <header>
            <Icon name="arrow-merge" size={15} />
            <span>{t("merge.done", { name: m.name ?? m.from ?? "" })}</span>
            <Button size="small" look="plain" busy={busy === m.id} onClick={() => void run(m.id, () => undoMerge(m.id))}>
              {t("undo.do")}
            </Button>
          </header>
        </section>
      ))}
    </>
  );
}

import { useState } from "react";
import { Problem } from "../../lib/http";
import { cache, patchPerson } from "../../lib/hub";
import { useWords } from "../../lib/i18n";
import { say } from "../../lib/prefs";
import type { Person } from "../../model/types";
import { Icon } from "../../ui/Icon";
import s from "./person.module.css";

/** A note about the person, for us. A click edits it; leaving the field saves it. */
export function Note({ person }: { person: Person }) {
  const t = useWords();
  const [edits, setEdits] = useState(false);
  async function save(note: string) {
    setEdits(false);
    if (note.trim() === (person.note ?? "")) return;
    try {
      await patchPerson(person.id, { note: note.trim() });
      await cache.invalidateQueries({ queryKey: ["person", person.id] });
    } catch (e) {
      if (!(e instanceof Problem)) throw e;
      say(e.status === 0 ? t("problem.unreachable") : e.title, { tone: "bad" });
    }
  }
  return (
    <section className={s.part}>
      <h3>{t("person.note")}</h3>
      {edits ? (
        <textarea
          className={s.noteBox}
          autoFocus
          rows={4}
          defaultValue={person.note ?? ""}
          aria-label={t("person.note")}
          onBlur={(e) => void save(e.currentTarget.value)}
          onKeyDown={(e) => {
            if (e.key === "Escape") setEdits(false);
            if (e.key === "Enter" && (e.metaKey || e.ctrlKey)) void save(e.currentTarget.value);
          }}
        />
      ) : (
        <button type="button" className={s.noteText} onClick={() => setEdits(true)}>
          {person.note || (
            <>
              <Icon name="pencil" size={13} />
              {t("person.addNote")}
            </>
          )}
        </button>
      )}
    </section>
  );
}

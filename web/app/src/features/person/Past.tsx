import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useLook } from "../../lib/channels";
import { pastQuery } from "../../lib/hub";
import { useWords } from "../../lib/i18n";
import { go, inboxAt, inboxPath, where } from "../../lib/router";
import { date } from "../../lib/time";
import { matter } from "../../model/list";
import { Button, Glyph } from "../../ui/parts";
import s from "./person.module.css";

const FEW = 5;

/** The person's other conversations, newest first. */
export function Past({ person, current }: { person: string; current: string }) {
  const t = useWords();
  const look = useLook();
  const [all, setAll] = useState(false);
  const past = useQuery(pastQuery(person));
  const list = (past.data ?? []).filter((c) => c.id !== current);
  if (list.length === 0) return null;
  return (
    <section className={s.part}>
      <h3>
        {t("person.before")}
        <span>{list.length}</span>
      </h3>
      <ul className={s.past}>
        {(all ? list : list.slice(0, FEW)).map((c) => {
          const ch = look(c.legs[0]?.channel ?? "");
          const to = inboxPath(inboxAt(where().path).view, c.id);
          return (
            <li key={c.id}>
              <a
                href={to}
                onClick={(e) => {
                  if (e.metaKey || e.ctrlKey) return;
                  e.preventDefault();
                  go(to);
                }}
              >
                <Glyph icon={ch.icon} h={ch.hue} size={15} label={ch.title} />
                <span>{matter(c) || c.last?.text || t("list.noSubject")}</span>
                <time dateTime={c.lastAt}>{date(c.lastAt)}</time>
              </a>
            </li>
          );
        })}
      </ul>
      {list.length > FEW && !all ? (
        <Button size="small" look="plain" onClick={() => setAll(true)}>
          {t("person.allBefore", { n: list.length })}
        </Button>
      ) : null}
    </section>
  );
}

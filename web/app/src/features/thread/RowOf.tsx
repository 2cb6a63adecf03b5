import { useState } from "react";
import { useNow } from "../../lib/hooks";
import { useWords } from "../../lib/i18n";
import { dayName, full, timeOfDay } from "../../lib/time";
import type { Row } from "../../model/rows";
import type { Conversation, Me, TimelineEvent } from "../../model/types";
import { Icon } from "../../ui/Icon";
import { Bubble } from "./Bubble";
import { describe } from "./describe";
import s from "./thread.module.css";

/** One row of the timeline. */
export function RowOf({ row, c, me, known }: { row: Row; c: Conversation; me: Me; known: ReadonlyMap<string, TimelineEvent> }) {
  switch (row.kind) {
    case "day":
      return <Day at={row.at} />;
    case "unread":
      return <Unread />;
    case "changes":
      return <Changes events={row.events} />;
    case "message":
      return (
        <Bubble e={row.event} head={row.head} c={c} me={me} known={known} {...(row.pending ? { pending: row.pending } : {})} />
      );
  }
}

function Day({ at }: { at: string }) {
  const now = useNow();
  return (
    <div className={s.day}>
      <span>{dayName(at, new Date(now))}</span>
    </div>
  );
}

function Unread() {
  const t = useWords();
  return (
    // biome-ignore lint/a11y/useSemanticElements: a line with a word is no <hr>
    <div className={s.unread} role="separator" aria-label={t("thread.unread")}>
      <span>{t("thread.unread")}</span>
    </div>
  );
}

/** What was changed, folded into one line; a click unfolds it. */
function Changes({ events }: { events: TimelineEvent[] }) {
  const t = useWords();
  const [open, setOpen] = useState(false);
  const last = events[events.length - 1];
  const first = events[0];
  if (!last || !first) return null;
  if (events.length === 1) {
    return (
      <div className={s.ev} title={full(first.at)}>
        <span>{describe(first)}</span>
        <time dateTime={first.at}>{timeOfDay(new Date(first.at))}</time>
      </div>
    );
  }
  return (
    <>
      <button type="button" className={s.ev} aria-expanded={open} onClick={() => setOpen(!open)}>
        <Icon name={open ? "chevron-down" : "chevron-right"} size={14} />
        <b>{t("thread.changes", { n: events.length })}</b>
        {open ? null : <span>{events.map((e) => describe(e)).join(t("list.comma"))}</span>}
        <time dateTime={last.at}>{timeOfDay(new Date(last.at))}</time>
      </button>
      {open ? (
        <ul className={s.evs}>
          {events.map((e) => (
            <li key={e.id} title={full(e.at)}>
              {describe(e)}
              {e.actor.name ? <em>{e.actor.name}</em> : null}
              <time dateTime={e.at}>{timeOfDay(new Date(e.at))}</time>
            </li>
          ))}
        </ul>
      ) : null}
    </>
  );
}

import { memo } from "react";
import { useLook } from "../../lib/channels";
import { drafts } from "../../lib/drafts";
import { useNow } from "../../lib/hooks";
import { useWords } from "../../lib/i18n";
import { marks, presenceOf } from "../../lib/inbox";
import { go, inboxPath } from "../../lib/router";
import { usePart, useStore } from "../../lib/store";
import { comesBack, full, short } from "../../lib/time";
import { glyphs, second, third, unread } from "../../model/list";
import type { Conversation, Here, Me } from "../../model/types";
import { Due } from "../../ui/Due";
import { Icon } from "../../ui/Icon";
import { Avatar, cx, Glyph } from "../../ui/parts";
import s from "./list.module.css";
import { ThirdLine } from "./ThirdLine";

/** One row, 74 px: who, what about, the most urgent thing, and how many are unread. */
export const RowView = memo(function RowView({
  c,
  me,
  view,
  selected,
  first,
}: {
  c: Conversation;
  me: Me;
  view: string;
  selected: boolean;
  first: boolean;
}) {
  const t = useWords();
  const look = useLook();
  const here = useStore(presenceOf(c.id));
  const n = usePart(marks, (m) => (selected ? 0 : unread(c, m[c.id])));
  const draft = usePart(drafts, (d) => d[c.id]?.text || undefined);
  const { main, others } = glyphs(c);
  const mainLook = main ? look(main) : undefined;
  const line = third(c, here, draft);
  const about = second(c, line);
  const snoozed = c.state === "snoozed";
  const to = inboxPath(view, c.id);
  const other =
    view === "mine" ? here.agents[0] : (here.agents[0] ?? (c.assignee && c.assignee !== me.id ? "assigned" : undefined));
  return (
    <a
      className={cx(s.row, n > 0 && s.unread, selected && s.sel, snoozed && s.snz, !about && s.bare, first && s.first)}
      href={to}
      aria-current={selected ? "true" : undefined}
      onClick={(e) => {
        if (e.metaKey || e.ctrlKey || e.shiftKey) return;
        e.preventDefault();
        go(to);
      }}
    >
      <Avatar name={c.name}>
        {mainLook ? (
          <span className={s.bdg}>
            <Glyph icon={mainLook.icon} h={mainLook.hue} size={12} label={mainLook.title} />
          </span>
        ) : null}
      </Avatar>
      <span className={s.l1}>
        <span className={s.nm}>{c.name}</span>
        <span className={s.legs}>
          {others.map((k) => (
            <span key={k} title={look(k).title}>
              <Glyph bare icon={look(k).icon} h={0} size={13} label={look(k).title} />
            </span>
          ))}
        </span>
        <When c={c} />
      </span>
      {about ? <span className={s.l2}>{about}</span> : null}
      <span className={s.l3}>
        <span className={s.pv}>{snoozed ? t("row.snoozed") : <ThirdLine line={line} />}</span>
        {other && other !== "assigned" ? <Viewer who={other} /> : null}
        {n > 0 ? (
          <b className={s.un} title={t("row.unread", { n })}>
            {n > 9 ? "9+" : n}
          </b>
        ) : null}
      </span>
    </a>
  );
});

function When({ c }: { c: Conversation }) {
  const now = useNow();
  if (c.state === "snoozed") {
    return (
      <span className={s.when}>
        <Icon name="clock-pause" size={13} />
        {comesBack(c.snoozeUntil)}
      </span>
    );
  }
  if (c.state === "open" && c.nextDeadline) return <Due at={c.nextDeadline} now={now} />;
  return (
    <time dateTime={c.lastAt} title={full(c.lastAt)}>
      {short(c.lastAt, new Date(now))}
    </time>
  );
}

function Viewer({ who }: { who: Here }) {
  const t = useWords();
  const writes = who.state === "typing";
  return (
    <span className={cx(s.own, (who.state === "idle" || who.state === "away") && s.pale)}>
      <Icon
        name={writes ? "pencil" : "eye"}
        size={13}
        label={t(writes ? "presence.writes" : "presence.views", { name: who.name })}
      />
      <Avatar name={who.name} size={18} kind="agent" />
    </span>
  );
}

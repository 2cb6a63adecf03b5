import { useActions } from "../../lib/actions";
import { reopen, resolve, toMe } from "../../lib/changes";
import { useNow, usePhone } from "../../lib/hooks";
import { useWords } from "../../lib/i18n";
import { presenceOf, unreadLast } from "../../lib/inbox";
import { overlay, prefs } from "../../lib/prefs";
import { go, inboxAt, inboxPath, where } from "../../lib/router";
import { useStore } from "../../lib/store";
import type { Conversation, Me } from "../../model/types";
import { Due } from "../../ui/Due";
import { Icon } from "../../ui/Icon";
import { Avatar, cx, Hint, IconButton } from "../../ui/parts";
import { AssigneeMenu } from "./AssigneeMenu";
import { SnoozeMenu, StateMenu } from "./StateMenu";
import s from "./thread.module.css";

/** Who it is, how it stands, whose it is, who else is here. */
export function Header({ c, me }: { c: Conversation; me: Me }) {
  const t = useWords();
  const now = useNow();
  const phone = usePhone();
  const toggleContext = () =>
    matchMedia("(min-width: 1131px)").matches
      ? prefs.set((p) => ({ ...p, context: !p.context }))
      : overlay.set((o) => (o === "context" ? "none" : "context"));
  useActions(
    () => [
      {
        id: "c.resolve",
        title: c.state === "resolved" ? "action.reopen" : "action.resolve",
        group: "conversation",
        icon: "circle-check",
        combo: "e",
        run: () => void (c.state === "resolved" ? reopen(c) : resolve(c)),
      },
      {
        id: "c.me",
        title: "action.assignMe",
        group: "conversation",
        icon: "user-check",
        combo: "i",
        when: () => c.assignee !== me.id,
        run: () => void toMe(c, me),
      },
      {
        id: "c.assign",
        title: "action.assign",
        group: "conversation",
        icon: "user-plus",
        combo: "a",
        run: () => overlay.set("assign"),
      },
      {
        id: "c.snooze",
        title: "action.snooze",
        group: "conversation",
        icon: "clock-pause",
        combo: "s",
        run: () => overlay.set("snooze"),
      },
      {
        id: "c.unread",
        title: "action.unread",
        group: "conversation",
        icon: "mailbox",
        combo: "u",
        run: () => {
          unreadLast(c);
          go(inboxPath(inboxAt(where().path).view));
        },
      },
      { id: "c.person", title: "action.person", group: "app", icon: "user", combo: "o", run: toggleContext },
    ],
    [c, me],
  );
  return (
    <header className={s.th}>
      {phone ? (
        <IconButton icon="arrow-left" label={t("action.backToList")} onClick={() => go(inboxPath(inboxAt(where().path).view))} />
      ) : null}
      <div className={s.who}>
        <h1 title={c.name}>{c.name}</h1>
        <StateMenu c={c} />
        <AssigneeMenu c={c} me={me} />
        {c.state === "open" && c.nextDeadline ? <Due at={c.nextDeadline} now={now} pill={!phone} /> : null}
      </div>
      <span className="grow" />
      <PresenceGroup c={c} />
      <SnoozeMenu c={c} />
      <IconButton
        icon="circle-check"
        className={cx(c.state === "resolved" && s.done)}
        label={t(c.state === "resolved" ? "action.reopen" : "action.resolve")}
        combo="e"
        onClick={() => void (c.state === "resolved" ? reopen(c) : resolve(c))}
      />
      <IconButton icon="user" label={t("action.person")} combo="o" onClick={toggleContext} />
    </header>
  );
}

function PresenceGroup({ c }: { c: Conversation }) {
  const t = useWords();
  const here = useStore(presenceOf(c.id));
  if (here.agents.length === 0) return null;
  return (
    // biome-ignore lint/a11y/useSemanticElements: avatars are no form fields
    <span className={s.pres} role="group" aria-label={t("presence.here")}>
      {here.agents.slice(0, 4).map((a) => {
        const writes = a.state === "typing";
        const label = t(
          writes ? "presence.writes" : a.state === "idle" || a.state === "away" ? "presence.idle" : "presence.views",
          { name: a.name },
        );
        return (
          <Hint key={a.id} label={label}>
            <span className={cx(s.pr, writes && s.typ, (a.state === "idle" || a.state === "away") && s.idle)}>
              <Avatar name={a.name} size={22} kind="agent" />
              <i>
                <Icon name={writes ? "pencil" : "eye"} size={10} label={label} />
              </i>
            </span>
          </Hint>
        );
      })}
    </span>
  );
}

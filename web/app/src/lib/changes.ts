// Changes to a conversation: asked of the hub, which answers with an event. Until then the screen shows
// what was asked, and takes it back where it was refused.
import type { Conversation, Me } from "../model/types";
import { Problem } from "./http";
import { type Change, cache, change, type Opened, openedKey } from "./hub";
import { t } from "./i18n";
import { moved } from "./inbox";
import { say } from "./prefs";
import { ulid } from "./ulid";

export async function ask(c: Conversation, want: Change, undo?: { text: string; back: Change }): Promise<void> {
  const after = expected(c, want);
  moved(after);
  try {
    await change(c.id, want, ulid());
    if (undo) say(undo.text, { action: { label: t("undo.do"), run: () => void ask(after, undo.back) } });
  } catch (e) {
    if (!(e instanceof Problem)) throw e;
    const now = cache.getQueryData<Opened>(openedKey(c.id))?.conversation;
    if (!now || now === after || now.seq === c.seq) moved({ ...c });
    say(e.status === 0 ? t("problem.unreachable") : e.words, { tone: "bad" });
  }
}

/** How the conversation will stand if the hub agrees. */
function expected(c: Conversation, w: Change): Conversation {
  const { snoozeUntil: _, ...rest } = c;
  const labels = [...new Set([...(c.labels ?? []), ...(w.addLabels ?? [])])].filter((l) => !w.removeLabels?.includes(l));
  const until = w.state ? w.snoozeUntil : c.snoozeUntil;
  return {
    ...rest,
    ...(w.state ? { state: w.state } : {}),
    ...(until ? { snoozeUntil: until } : {}),
    ...(w.assignee === undefined ? {} : { assignee: w.assignee }),
    ...(w.team === undefined ? {} : { team: w.team }),
    ...(w.priority === undefined ? {} : { priority: w.priority }),
    ...(w.subject === undefined ? {} : { subject: w.subject }),
    labels,
  };
}

export function resolve(c: Conversation): Promise<void> {
  return ask(c, { state: "resolved" }, { text: t("done.resolved", { name: c.name }), back: { state: "open" } });
}

export function reopen(c: Conversation): Promise<void> {
  return ask(c, { state: "open" });
}

/** Without a time it comes back when the person writes. */
export function snooze(c: Conversation, until: Date | undefined, when: string): Promise<void> {
  return ask(
    c,
    { state: "snoozed", ...(until ? { snoozeUntil: until.toISOString() } : {}) },
    { text: t("done.snoozed", { name: c.name, when }), back: { state: "open" } },
  );
}

export function assign(c: Conversation, agent: string): Promise<void> {
  return ask(c, { assignee: agent });
}

export function toMe(c: Conversation, me: Me): Promise<void> {
  return ask(
    c,
    { assignee: me.id, ...(c.assignee ? {} : { ifAssignee: "" }) },
    { text: t("done.assignedMe", { name: c.name }), back: { assignee: c.assignee } },
  );
}

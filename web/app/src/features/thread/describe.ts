import { type Key, t } from "../../lib/i18n";
import { upcoming } from "../../lib/time";
import type { TimelineEvent } from "../../model/types";

const controls: Record<string, Key> = {
  standby: "control.standby",
  owner: "control.owner",
  opt_in: "control.optIn",
  opt_out: "control.optOut",
  revoked: "control.revoked",
  test: "control.test",
  erased: "control.erased",
  handed_over: "control.handed",
};
const priorities: Key[] = ["priority.0", "priority.1", "priority.2", "priority.3", "priority.4"];

export function priorityWord(n: number): string {
  return t(priorities[n] ?? "priority.0");
}

/** A change in words: what it is now, not the field that changed. */
export function describe(e: TimelineEvent): string {
  if (e.status) return status(e);
  if (e.assignment) {
    const a = e.assignment;
    const parts = [];
    if (a.agent !== undefined)
      parts.push(a.agent ? t("event.assigned", { name: a.agentName || a.agent }) : t("event.unassigned"));
    if (a.team !== undefined) parts.push(a.team ? t("event.team", { name: a.teamName || a.team }) : t("event.noTeam"));
    return parts.join(t("list.comma"));
  }
  if (e.labels) return labels(e.labels);
  if (e.subject) return t("event.subject", { text: e.subject.text });
  if (e.control?.name === "action_failed") return actionFailed(e.control.data ?? {});
  if (e.control) return controls[e.control.name] ? t(controls[e.control.name] as Key) : e.control.name.replace(/_/g, " ");
  if (e.merge) return t(e.merge.undone ? "event.unmerged" : "event.merged", { name: e.merge.name ?? "" });
  return e.kind;
}

const actions: Record<string, Key> = {
  edit: "failed.edit",
  unsend: "failed.unsend",
  react: "failed.react",
};

/** Something that we did to a message did not reach the far side. */
function actionFailed(data: Record<string, string>): string {
  const word = actions[data.action ?? ""] ?? "failed.other";
  return [t(word), data.said ? `“${data.said}”` : "", data.advice].filter(Boolean).join(" ");
}

function status(e: TimelineEvent): string {
  const x = e.status;
  if (!x) return "";
  if (x.to === "snoozed")
    return x.until ? t("event.snoozed", { when: upcoming(x.until, new Date(e.at)) }) : t("event.snoozedReply");
  if (x.to === "resolved") return t("event.resolved");
  if (x.why === "customer_wrote") return t("event.reopenedWrote");
  if (x.why === "snooze_over") return t("event.snoozeOver");
  return t(x.from ? "event.reopened" : "event.opened");
}

function labels(l: NonNullable<TimelineEvent["labels"]>): string {
  const parts = [];
  if (l.priority !== undefined) parts.push(t("event.priority", { word: priorityWord(l.priority) }));
  if (l.add?.length) parts.push(t("event.labelled", { labels: l.add.join(t("list.comma")) }));
  if (l.remove?.length) parts.push(t("event.unlabelled", { labels: l.remove.join(t("list.comma")) }));
  return parts.join(t("list.comma"));
}

// Turns a timeline into the rows that the thread draws: days, the unread line, messages in runs,
// folded changes. Pure, so that the virtual list can measure rows by a stable key.
import type { Pending, Timeline } from "./timeline";
import type { TimelineEvent } from "./types";

export type Row =
  | { key: string; kind: "day"; at: string }
  | { key: string; kind: "unread" }
  | { key: string; kind: "message"; event: TimelineEvent; head: boolean; pending?: Pending }
  | { key: string; kind: "changes"; events: TimelineEvent[] };

const RUN_MINUTES = 5;

function day(at: string): string {
  const d = new Date(at);
  return `${d.getFullYear()}-${d.getMonth()}-${d.getDate()}`;
}

/** Is it drawn as something said, rather than as a change? */
export function said(e: TimelineEvent): boolean {
  return e.kind === "message" || e.kind === "note" || e.kind === "postback" || e.kind === "referral" || e.kind === "unknown";
}

function follows(a: TimelineEvent | undefined, b: TimelineEvent): boolean {
  if (!a || !said(a) || a.kind !== b.kind || a.direction !== b.direction || a.leg !== b.leg) return false;
  if (a.actor.kind !== b.actor.kind || a.actor.id !== b.actor.id || b.message?.subject) return false;
  if (a.message?.delivery?.state === "failed") return false;
  return Date.parse(b.at) - Date.parse(a.at) < RUN_MINUTES * 60_000;
}

/** The rows of a timeline; `unreadAfter` is the seq up to which I had read when I opened it, −1 for no line. */
export function rows(t: Timeline, unreadAfter: number): Row[] {
  const out: Row[] = [];
  let last: TimelineEvent | undefined;
  let today = "";
  let line = unreadAfter < 0;
  for (const id of t.order) {
    const e = t.byId.get(id);
    if (!e || (e.message?.delivery?.state === "cancelled" && e.direction === "out")) continue;
    if (day(e.at) !== today) {
      today = day(e.at);
      out.push({ key: `day:${today}`, kind: "day", at: e.at });
      last = undefined;
    }
    if (!line && e.direction === "in" && (e.seq ?? 0) > unreadAfter) {
      line = true;
      out.push({ key: "unread", kind: "unread" });
      last = undefined;
    }
    add(out, e, last);
    last = e;
  }
  for (const p of t.pending) {
    out.push({ key: `p:${p.event.client}`, kind: "message", event: p.event, head: !follows(last, p.event), pending: p });
    last = p.event;
  }
  return out;
}

function add(out: Row[], e: TimelineEvent, last: TimelineEvent | undefined): void {
  if (said(e)) {
    out.push({ key: e.client ? `p:${e.client}` : e.id, kind: "message", event: e, head: !follows(last, e) });
    return;
  }
  const top = out[out.length - 1];
  if (top?.kind === "changes") {
    out[out.length - 1] = { ...top, events: [...top.events, e] };
    return;
  }
  out.push({ key: `c:${e.id}`, kind: "changes", events: [e] });
}

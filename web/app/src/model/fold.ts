// What later events do to a message. Every function is pure and may be applied twice, or in another
// order, with the same result: the highest edit counts, an unsend absorbs, receipts only climb.
import type { Delivery, DeliveryState, Message, Moderated, Part, Receipt, Ref, TimelineEvent } from "./types";

const rank: Record<DeliveryState, number> = {
  queued: 0,
  sending: 1,
  unknown: 2,
  failed: 3,
  sent: 4,
  delivered: 5,
  read: 6,
  cancelled: 7,
};

/** The delivery after a receipt. A later attempt begins anew; within one attempt states only climb. */
export function climb(now: Delivery | undefined, r: Receipt, at: string): Delivery {
  const attempt = r.attempt || now?.attempt || 1;
  const next: Delivery = { state: r.state, at, attempt, ...(r.failure ? { failure: r.failure } : {}) };
  if (!now || attempt > now.attempt) return next;
  if (attempt < now.attempt || rank[r.state] <= rank[now.state]) return now;
  return next;
}

function same(a: { kind: string; id?: string }, b: { kind: string; id?: string }): boolean {
  return a.kind === b.kind && (a.id ?? "") === (b.id ?? "");
}

function react(m: Message, e: TimelineEvent): Message {
  const r = e.reaction;
  if (!r) return m;
  const mine = (m.reactions ?? []).find((x) => same(x.by, e.actor));
  if (mine && mine.at > e.at) return m;
  const others = (m.reactions ?? []).filter((x) => !same(x.by, e.actor));
  if (r.removed || !r.emoji) return { ...m, reactions: others };
  return { ...m, reactions: [...others, { by: e.actor, emoji: r.emoji, at: e.at }] };
}

function edit(m: Message, e: TimelineEvent): Message {
  const x = e.edit;
  if (!x || m.unsent) return m;
  const now = m.edited;
  if (now && (now.rev > x.rev || (now.rev === x.rev && now.at >= e.at))) return m;
  const { html: _, ...rest } = m;
  return { ...rest, text: x.text, ...(x.html ? { html: x.html } : {}), edited: { rev: x.rev, at: e.at } };
}

/** The moderation asked for last counts, as far as it got. */
function moderate(m: Message, e: TimelineEvent): Message {
  const x = e.moderation;
  if (!x) return m;
  const now = m.moderated;
  const asked = x.state === "asked" ? e.id : (x.asked ?? "");
  if (now && now.asked !== asked && (x.state !== "asked" || now.at >= e.at)) return m;
  if (now && now.asked === asked && x.state === "asked") return m;
  const moderated: Moderated = {
    action: x.action,
    state: x.state,
    asked,
    by: now?.asked === asked ? now.by : e.actor,
    at: now?.asked === asked ? now.at : e.at,
    ...(x.failure ? { failure: x.failure } : {}),
  };
  if (x.action === "delete" && x.state === "done") return { unsent: e.at, moderated };
  return { ...m, moderated };
}

/** Parts that had to be fetched are kept now, or why not. */
function fetched(m: Message, e: TimelineEvent): Message {
  if (m.unsent || !e.media || !m.parts) return m;
  const parts: Part[] = m.parts.map((p, n) => {
    const got = e.media?.parts?.find((x) => x.n === n);
    return got && !p.file ? got.part : p;
  });
  return { ...m, parts };
}

/** The message after one event about it. */
export function fold(m: Message, e: TimelineEvent): Message {
  if (e.edit) return edit(m, e);
  if (e.unsend) return { unsent: e.at, ...(m.delivery ? { delivery: m.delivery } : {}) };
  if (e.reaction) return m.unsent ? m : react(m, e);
  if (e.moderation) return moderate(m, e);
  if (e.media) return fetched(m, e);
  if (e.receipt) return { ...m, delivery: climb(m.delivery, e.receipt, e.at) };
  return m;
}

/** What an event is about, if it is about one message. */
export function aim(e: TimelineEvent): Ref | undefined {
  const ref = e.edit?.of ?? e.unsend?.of ?? e.reaction?.of ?? e.receipt?.of ?? e.moderation?.of ?? e.media?.of;
  return ref && (ref.event || ref.remote || ref.client) ? ref : undefined;
}

/** Does the reference point at the event? */
export function points(ref: Ref, at: TimelineEvent): boolean {
  return (
    (!!ref.event && ref.event === at.id) ||
    (!!ref.remote && ref.remote === at.remote) ||
    (!!ref.client && ref.client === at.client)
  );
}

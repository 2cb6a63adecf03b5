// One conversation's timeline as one pure reducer. Live, replayed, paged and optimistic events go
// through the same function, so that any order and any repetition end in the same state.
import { aim, fold, points } from "./fold";
import type { TimelineEvent } from "./types";

/** A message of ours that the hub has not confirmed, and what became of the call. */
export interface Pending {
  event: TimelineEvent;
  /** waiting: not yet answered; accepted: durable, its event is on the way; refused: see problem. */
  state: "waiting" | "accepted" | "refused";
  accepted?: string; // the event's id, as the hub answered
  problem?: { title: string; detail?: string; stale?: boolean };
}

export interface Timeline {
  /** Every known event by id, with all that happened to it folded in. */
  byId: ReadonlyMap<string, TimelineEvent>;
  /** The shown events' ids in the order of (at, seq). */
  order: readonly string[];
  pending: readonly Pending[];
  /** Everything up to here is known, from `from` on. */
  seq: number;
  /** The oldest known seq. */
  from: number;
  more: boolean;
  /** Something was missed: subscribe again after `seq`. */
  gap: boolean;
  loaded: boolean;
  /** By message: the seq of the last event that changed it. */
  touched: ReadonlyMap<string, number>;
  /** Events about messages that are not known yet. */
  dangling: readonly TimelineEvent[];
}

export type Action =
  | { type: "loaded"; events: TimelineEvent[]; seq: number; more: boolean }
  | { type: "older"; events: TimelineEvent[]; more: boolean; asOf: number }
  | { type: "live"; seq: number; event: TimelineEvent; target?: TimelineEvent }
  | { type: "caughtUp"; seq: number }
  | { type: "pending"; event: TimelineEvent }
  | { type: "accepted"; client: string; event?: string }
  | { type: "refused"; client: string; problem: NonNullable<Pending["problem"]> }
  | { type: "waiting"; client: string }
  | { type: "forget"; client: string }
  /** What was said must not stay on any screen. */
  | { type: "erased" };

export const empty: Timeline = {
  byId: new Map(),
  order: [],
  pending: [],
  seq: 0,
  from: 0,
  more: false,
  gap: false,
  loaded: false,
  touched: new Map(),
  dangling: [],
};

const about = new Set(["edit", "unsend", "reaction", "receipt", "moderation", "media"]);

/** Is the event shown by itself? The others change one that is. */
export function shown(e: TimelineEvent): boolean {
  return !about.has(e.kind) && e.control?.name !== "profile";
}

function before(a: TimelineEvent, b: TimelineEvent): number {
  if (a.at !== b.at) return a.at < b.at ? -1 : 1;
  return (a.seq ?? 0) - (b.seq ?? 0);
}

/** Mutable while one action is applied; never leaves this file. */
interface Work {
  byId: Map<string, TimelineEvent>;
  touched: Map<string, number>;
  dangling: TimelineEvent[];
  fresh: boolean;
}

function put(w: Work, e: TimelineEvent, asOf: number): void {
  const known = w.byId.get(e.id);
  if (known && (w.touched.get(e.id) ?? 0) > asOf) return;
  const seq = e.seq ?? known?.seq;
  w.byId.set(e.id, known ? { ...e, ...(seq === undefined ? {} : { seq }) } : e);
  w.touched.set(e.id, Math.max(asOf, w.touched.get(e.id) ?? 0));
  if (!known) w.fresh = true;
}

function change(w: Work, target: TimelineEvent, e: TimelineEvent): void {
  if (!target.message) return;
  const message = fold(target.message, e);
  if (message === target.message) return;
  w.byId.set(target.id, { ...target, message });
}

/** Applies an event about other messages. Answers false where it knows none of them. */
function apply(w: Work, e: TimelineEvent): boolean {
  const upTo = e.receipt?.upTo;
  if (upTo) {
    for (const m of w.byId.values()) {
      const delivery = m.message?.delivery;
      if (delivery && m.direction === "out" && m.leg === e.leg && m.at <= upTo && climbable(delivery.state)) change(w, m, e);
    }
    return false; // older pages may hold more of them
  }
  const ref = aim(e);
  if (!ref) return true;
  const direct = ref.event ? w.byId.get(ref.event) : undefined;
  if (direct) {
    change(w, direct, e);
    return true;
  }
  for (const m of w.byId.values()) {
    if (points(ref, m)) {
      change(w, m, e);
      return true;
    }
  }
  return false;
}

/** A watermark says "seen until here": it does not turn a failure into a success. */
function climbable(s: string): boolean {
  return s === "sent" || s === "delivered" || s === "sending";
}

function settle(w: Work): void {
  w.dangling = w.dangling.filter((e) => !apply(w, e));
}

function work(t: Timeline): Work {
  return { byId: new Map(t.byId), touched: new Map(t.touched), dangling: [...t.dangling], fresh: false };
}

function finish(t: Timeline, w: Work, rest: Partial<Timeline>): Timeline {
  const order = w.fresh
    ? [...w.byId.values()]
        .filter(shown)
        .sort(before)
        .map((e) => e.id)
    : t.order;
  const pending = (rest.pending ?? t.pending).filter((p) => !confirmed(p, w.byId));
  return { ...t, byId: w.byId, touched: w.touched, dangling: w.dangling, order, ...rest, pending };
}

function confirmed(p: Pending, byId: ReadonlyMap<string, TimelineEvent>): boolean {
  if (p.accepted && byId.has(p.accepted)) return true;
  const client = p.event.client;
  if (!client) return false;
  if (byId.has(client)) return true;
  for (const e of byId.values()) if (e.client === client) return true;
  return false;
}

function page(t: Timeline, events: TimelineEvent[], asOf: number, rest: Partial<Timeline>): Timeline {
  const w = work(t);
  for (const e of events) {
    if (shown(e)) put(w, e, asOf);
    else if (!apply(w, e)) w.dangling.push(e);
  }
  settle(w);
  return finish(t, w, rest);
}

function first(events: TimelineEvent[], otherwise: number): number {
  return events.reduce((n, e) => (e.seq && e.seq < n ? e.seq : n), otherwise || Number.MAX_SAFE_INTEGER);
}

function live(t: Timeline, a: Extract<Action, { type: "live" }>): Timeline {
  const w = work(t);
  const e = { ...a.event, seq: a.event.seq ?? a.seq };
  if (shown(e)) put(w, e, a.seq);
  else if (a.target && w.byId.has(a.target.id)) put(w, a.target, a.seq);
  else if (!apply(w, e) && a.seq > t.seq) w.dangling.push(e);
  settle(w);
  const next = a.seq === t.seq + 1 || !t.loaded;
  return finish(t, w, { seq: next ? Math.max(a.seq, t.seq) : t.seq, gap: t.gap || a.seq > t.seq + 1 });
}

function patch(t: Timeline, client: string, p: Partial<Pending>): Timeline {
  const pending = t.pending.map((x) => (x.event.client === client ? { ...x, ...p } : x));
  return { ...t, pending: pending.filter((x) => !confirmed(x, t.byId)) };
}

/** The timeline after an action. */
export function reduce(t: Timeline, a: Action): Timeline {
  switch (a.type) {
    case "loaded": {
      // what was known before stays, unless there is a hole between it and the new window
      const lowest = first(a.events, 0);
      const base = t.loaded && lowest <= t.seq + 1 ? t : { ...empty, pending: t.pending };
      const from = base.from ? Math.min(base.from, lowest) : lowest;
      return page(base, a.events, a.seq, {
        seq: Math.max(a.seq, base.seq),
        from,
        more: base.from && base.from < lowest ? base.more : a.more,
        gap: false,
        loaded: true,
      });
    }
    case "older":
      return page(t, a.events, a.asOf, { from: first(a.events, t.from), more: a.more });
    case "live":
      return live(t, a);
    case "caughtUp":
      return { ...t, gap: false, seq: Math.max(t.seq, a.seq) };
    case "pending":
      if (t.pending.some((p) => p.event.client === a.event.client)) return t;
      return {
        ...t,
        pending: [...t.pending, { event: a.event, state: "waiting" as const }].filter((p) => !confirmed(p, t.byId)),
      };
    case "accepted":
      return patch(t, a.client, { state: "accepted", ...(a.event ? { accepted: a.event } : {}) });
    case "refused":
      return patch(t, a.client, { state: "refused", problem: a.problem });
    case "waiting":
      return {
        ...t,
        pending: t.pending.map((p) => (p.event.client === a.client ? { event: p.event, state: "waiting" as const } : p)),
      };
    case "erased":
      return empty;
    case "forget":
      return { ...t, pending: t.pending.filter((p) => p.event.client !== a.client) };
  }
}

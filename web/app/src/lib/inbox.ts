// What is live in the inbox: frames of the socket go into the lists of the query cache, into the open
// timelines and into the presences. One instance for the time that somebody is signed in.
import { type Loaded, place, type Sort } from "../model/list";
import { type Action, empty, reduce, type Timeline } from "../model/timeline";
import type { Conversation, Mark, Presence, TimelineEvent } from "../model/types";
import { Problem } from "./http";
import { cache, type ListPage, mark, type Opened, older, open, openedKey, presence } from "./hub";
import { type Frame, Socket } from "./socket";
import { type Store, store } from "./store";

const KEEP_TIMELINES = 30;
const LIST_CHECK_MS = 400;

/** One open conversation: its timeline and how loading it went. */
export interface Thread {
  timeline: Store<Timeline>;
  problem: Store<Problem | undefined>;
  loading: boolean;
}

const threads = new Map<string, Thread>();
const presences = new Map<string, Store<Presence>>();
/** What I have read, by conversation: from the lists, the open conversation and my own marks. */
export const marks = store<Readonly<Record<string, Mark>>>({});
/** The last message that arrived from outside, for the live region and the title. */
export const arrived = store<{ conversation: string; name: string; text: string; n: number }>({
  conversation: "",
  name: "",
  text: "",
  n: 0,
});

export const socket = new Socket(take, caughtUp, () => void cache.invalidateQueries({ queryKey: ["me"] }));
let agent = "";

export function start(me: string): void {
  agent = me;
  socket.start();
}

export function stop(): void {
  socket.stop();
  threads.clear();
  presences.clear();
  marks.set({});
  arrived.set({ conversation: "", name: "", text: "", n: 0 });
  cache.clear();
}

// ---- timelines --------------------------------------------------------------

export function thread(c: string): Thread {
  let x = threads.get(c);
  if (x) {
    threads.delete(c); // the newest used stand last
    threads.set(c, x);
    return x;
  }
  x = { timeline: store<Timeline>(empty), problem: store<Problem | undefined>(undefined), loading: false };
  threads.set(c, x);
  for (const [old] of threads) {
    if (threads.size <= KEEP_TIMELINES) break;
    if (old !== c && threads.get(old)?.timeline.get().pending.length === 0) {
      threads.delete(old);
      socket.leave(old);
    } else break;
  }
  return x;
}

export function act(c: string, a: Action): void {
  const x = thread(c);
  const next = reduce(x.timeline.get(), a);
  const gap = next.gap && !x.timeline.get().gap;
  x.timeline.set(next);
  if (gap) socket.again(c);
}

/** Loads a conversation unless it is here, and follows it from then on. */
export async function load(c: string, anew = false): Promise<void> {
  const x = thread(c);
  if (x.loading || (x.timeline.get().loaded && !anew)) return;
  x.loading = true;
  x.problem.set(undefined);
  try {
    const o = await open(c);
    cache.setQueryData(openedKey(c), o);
    if (o.presence) presenceOf(c).set(o.presence);
    if (o.read) setMark(c, o.read);
    act(c, { type: "loaded", events: o.events, seq: o.conversation.seq, more: o.more });
    socket.follow(c, () => thread(c).timeline.get().seq);
  } catch (e) {
    x.problem.set(e instanceof Problem ? e : new Problem(0, { title: String(e) }));
  } finally {
    x.loading = false;
  }
}

export async function loadOlder(c: string): Promise<void> {
  const x = thread(c);
  const t = x.timeline.get();
  if (x.loading || !t.more || !t.loaded) return;
  x.loading = true;
  try {
    const page = await older(c, t.from, 100);
    act(c, { type: "older", events: page.events, more: page.more && page.events.length > 0, asOf: t.seq });
  } finally {
    x.loading = false;
  }
}

/** Brings a conversation into the cache before anybody opens it. */
export function prefetch(c: string | undefined): void {
  if (c && !threads.get(c)?.timeline.get().loaded) void load(c);
}

// ---- reading marks ----------------------------------------------------------

export function setMark(c: string, m: Mark): void {
  marks.set((now) => {
    const old = now[c];
    if (old && old.seq === m.seq && old.inCount === m.inCount) return now;
    return { ...now, [c]: m };
  });
}

/** Marks everything up to the newest as read. */
export function readAll(c: Conversation): void {
  const old = marks.get()[c.id];
  if (old && old.seq >= c.seq && old.inCount >= c.inCount) return;
  setMark(c.id, { seq: c.seq, inCount: c.inCount });
  mark(c.id, c.seq).catch(() => {
    if (old) setMark(c.id, old); // it shows as unread again, and is marked at the next look
  });
}

/** Makes the last message from the person unread again. */
export function unreadLast(c: Conversation): void {
  if (c.inCount === 0) return;
  const seq = Math.max(0, c.lastInSeq - 1);
  setMark(c.id, { seq, inCount: c.inCount - 1 });
  mark(c.id, seq, true).then(
    (m) => m && setMark(c.id, m),
    () => setMark(c.id, { seq: c.seq, inCount: c.inCount }),
  );
}

// ---- presence ---------------------------------------------------------------

export function presenceOf(c: string): Store<Presence> {
  let p = presences.get(c);
  if (!p) {
    p = store<Presence>({ agents: [] });
    presences.set(c, p);
  }
  return p;
}

// ---- frames -----------------------------------------------------------------

interface EventFrame extends Frame {
  seq: number;
  event: TimelineEvent;
  conversation: string;
}

function take(f: Frame): void {
  switch (f.type) {
    case "event":
      takeEvent(f as unknown as { seq: number; event: TimelineEvent; conversation?: Conversation; target?: TimelineEvent });
      return;
    case "subscribed":
      if (f.conversation) act(f.conversation, { type: "caughtUp", seq: Number((f as EventFrame).seq) });
      return;
    case "gap":
      if (f.conversation) void load(f.conversation, true);
      return;
    case "presence": {
      const p = presence(f);
      if (p && f.conversation) presenceOf(f.conversation).set({ ...p, agents: p.agents.filter((a) => a.id !== agent) });
      return;
    }
    case "denied":
      if (f.conversation) forbid(f.conversation);
  }
}

function forbid(c: string): void {
  thread(c).problem.set(new Problem(403, { title: "denied" }));
  socket.leave(c);
}

function takeEvent(f: { seq: number; event: TimelineEvent; conversation?: Conversation; target?: TimelineEvent }): void {
  const c = f.conversation;
  const of = c?.id ?? f.event.conversation;
  if (!of) return;
  if (threads.get(of)?.timeline.get().loaded) {
    act(of, { type: "live", seq: f.seq, event: f.event, ...(f.target ? { target: f.target } : {}) });
  }
  if (!c) return;
  moved(c);
  if (f.event.kind === "message" && f.event.direction === "in" && f.event.message) {
    arrived.set((n) => ({ conversation: c.id, name: c.name, text: c.last?.text ?? "", n: n.n + 1 }));
  }
  if (f.event.control?.name === "erased") {
    // what is on screen was said by somebody who is erased: nothing of it may stay
    act(of, { type: "erased" });
    arrived.set((n) => (n.conversation === of ? { ...n, name: "", text: "", n: 0 } : n));
    void load(of, true);
    void cache.invalidateQueries({ queryKey: ["person", c.person] });
  }
  if (f.event.kind === "merge") void cache.invalidateQueries({ queryKey: ["person", c.person] });
}

/** Puts a conversation, as it is now, into every list and into the open one. */
export function moved(c: Conversation): void {
  cache.setQueryData<Opened>(openedKey(c.id), (o) => (o && o.conversation.seq <= c.seq ? { ...o, conversation: c } : o));
  for (const [key, data] of cache.getQueriesData<Loaded>({ queryKey: ["list"] })) {
    if (!data) continue;
    const next = place(data, c, String(key[1]), key[2] as Sort, agent);
    if (next !== data) cache.setQueryData(key, next);
  }
}

let check: ReturnType<typeof setTimeout> | undefined;
let first = true;

/** After a reconnect the lists may have missed what other conversations did. */
function caughtUp(): void {
  if (first) {
    first = false;
    return;
  }
  clearTimeout(check);
  check = setTimeout(() => {
    void cache.invalidateQueries({ queryKey: ["list"] });
    void cache.invalidateQueries({ queryKey: ["me"] });
  }, LIST_CHECK_MS);
}

/** Keeps a fetched page's marks, unless I have read further meanwhile. */
export function keepMarks(p: ListPage): void {
  marks.set((now) => {
    const next = { ...now };
    for (const [c, m] of Object.entries(p.reads)) {
      const old = next[c];
      if (!old || m.seq >= old.seq) next[c] = m;
    }
    return next;
  });
}

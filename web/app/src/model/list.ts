// The conversation list: which view a conversation belongs to, where it stands in it, and the order
// that is held while somebody points at it.
import type { Conversation, DeliveryState, Mark, Presence } from "./types";

export type Sort = "newest" | "oldest" | "waiting";

/** The views of the rail: a fixed name, or "team:" and its id. */
export type View = string;

/** Does the conversation belong to the view of this agent? */
export function belongs(c: Conversation, view: View, agent: string): boolean {
  if (view === "mine") return c.state === "open" && c.assignee === agent;
  if (view === "unassigned") return c.state === "open" && !c.assignee;
  if (view === "all") return c.state === "open";
  if (view === "snoozed" || view === "resolved") return c.state === view;
  if (view.startsWith("team:")) return c.state === "open" && c.team === view.slice(5);
  return false;
}

/** What a view is ordered by: smaller stands higher. Those who do not wait come after those who do. */
export function compare(a: Conversation, b: Conversation, sort: Sort): number {
  if (sort === "waiting") {
    const x = a.waitingSince ?? "~";
    const y = b.waitingSince ?? "~";
    if (x !== y) return x < y ? -1 : 1;
    return later(a, b);
  }
  return sort === "oldest" ? -later(a, b) : later(a, b);
}

function later(a: Conversation, b: Conversation): number {
  if (a.lastAt !== b.lastAt) return a.lastAt > b.lastAt ? -1 : 1;
  return a.id > b.id ? -1 : a.id < b.id ? 1 : 0;
}

/** A list as loaded so far. `next` is the key of the page after it; none: it is complete. */
export interface Loaded {
  items: Conversation[];
  next?: string;
}

/** The list after a conversation changed. Equal when nothing changed, so that nobody draws again. */
export function place(l: Loaded, c: Conversation, view: View, sort: Sort, agent: string): Loaded {
  const at = l.items.findIndex((x) => x.id === c.id);
  const known = at >= 0 ? l.items[at] : undefined;
  if (known && known.seq > c.seq) return l;
  const rest = at >= 0 ? l.items.filter((x) => x.id !== c.id) : l.items;
  if (!belongs(c, view, agent)) return at >= 0 ? { ...l, items: rest } : l;
  let i = rest.findIndex((x) => compare(c, x, sort) < 0);
  if (i < 0) {
    // below the last loaded row: it belongs to a page that is not here yet
    if (l.next && at < 0) return l;
    i = rest.length;
  }
  return { ...l, items: [...rest.slice(0, i), c, ...rest.slice(i)] };
}

/** Joins a further page; rows that moved meanwhile are not doubled. */
export function join(l: Loaded, page: Loaded): Loaded {
  const have = new Set(l.items.map((x) => x.id));
  return { items: [...l.items, ...page.items.filter((x) => !have.has(x.id))], ...(page.next ? { next: page.next } : {}) };
}

/** The order to show while the pointer is inside: as it was, what left included; `fresh` counts what waits. */
export function hold(shown: readonly string[], now: readonly string[], held: boolean): { ids: readonly string[]; fresh: number } {
  if (!held) return { ids: now, fresh: 0 };
  const inShown = new Set(shown);
  // pages loaded below are no news: what comes after the last shown row may be appended
  const lastShown = shown.reduce((n, id) => Math.max(n, now.indexOf(id)), -1);
  const below = now.slice(lastShown + 1);
  const above = now.slice(0, lastShown + 1).filter((id) => !inShown.has(id));
  return { ids: [...shown, ...below.filter((id) => !inShown.has(id))], fresh: above.length };
}

/** How many messages I have not read. */
export function unread(c: Conversation, mark: Mark | undefined): number {
  return Math.max(0, c.inCount - (mark?.inCount ?? 0));
}

export type Third =
  | { kind: "typing" }
  | { kind: "draft"; text: string }
  | { kind: "failed"; state: DeliveryState }
  | { kind: "snoozed" }
  | { kind: "last"; ours: boolean; text: string; part?: string };

/** The third line of a row: the most urgent of typing, draft, not delivered, last text. */
export function third(c: Conversation, presence: Presence | undefined, draft: string | undefined): Third {
  if (presence?.customer?.typing) return { kind: "typing" };
  if (draft) return { kind: "draft", text: draft };
  const d = c.last?.delivery;
  if (d === "failed" || d === "unknown") return { kind: "failed", state: d };
  const last = c.last;
  if (!last) return { kind: "last", ours: false, text: "" };
  return { kind: "last", ours: last.direction === "out", text: last.text, ...(last.part ? { part: last.part } : {}) };
}

/** What a conversation is about: its subject, or what the person wrote first. */
export function matter(c: Conversation): string {
  return c.subject || c.opening || "";
}

/** The second line of a row: what it is about, unless the third line says the very same. */
export function second(c: Conversation, below: Third): string {
  const start = c.opening?.replace(/…$/, "").trimEnd();
  if (!c.subject && start && below.kind === "last" && below.text.startsWith(start)) return "";
  return matter(c);
}

/** The legs of a row: the one last spoken on, and the others. */
export function glyphs(c: Conversation): { main?: string; others: string[] } {
  const main = c.legs.find((l) => l.id === c.last?.leg) ?? c.legs[0];
  const others = [...new Set(c.legs.map((l) => l.channel))].filter((k) => k !== main?.channel);
  return main ? { main: main.channel, others } : { others };
}

// The thread as the customer sees it: a fold over items. Live, replayed and older items go through the
// same door, in any order and any number of times, and the result is the same.
import type { Actor, Item, Message, TimelineEvent } from "./wire";

export interface Msg {
  readonly id: string;
  /** Where it stands on the thread; compares as a string. */
  readonly key: string;
  /** The greatest cursor that told of it. */
  readonly asOf: string;
  readonly mine: boolean;
  readonly actor: Actor;
  readonly at: string;
  readonly client?: string | undefined;
  readonly body: Message;
}

export interface Thread {
  readonly messages: readonly Msg[]; // by key
  readonly cursor: string; // the greatest processed; empty: none
  readonly oldest: string; // the smallest loaded; empty: none
  readonly more: boolean; // whether there are older items
}

export const emptyThread: Thread = { messages: [], cursor: "", oldest: "", more: false };

export type Arrival = "next" | "seen" | "gap";

/** What a live item is to us. A gap means that something before it was missed. */
export function arrival(t: Thread, item: Item): Arrival {
  if (item.cursor <= t.cursor) return "seen";
  if (item.prev !== undefined && item.prev !== "" && item.prev > t.cursor) return "gap";
  return "next";
}

/** Takes one item in. An item seen before changes nothing but what is newer in it. */
export function apply(t: Thread, item: Item): Thread {
  return {
    messages: fold(t.messages, item),
    cursor: item.cursor > t.cursor ? item.cursor : t.cursor,
    oldest: t.oldest === "" || item.cursor < t.oldest ? item.cursor : t.oldest,
    more: t.more,
  };
}

/** Takes a page of older items in. */
export function prepend(t: Thread, items: readonly Item[], more: boolean): Thread {
  return { ...items.reduce(apply, t), more };
}

/** Moves the cursor without an item: the hub said that there is nothing before it. */
export function advance(t: Thread, cursor: string): Thread {
  return cursor > t.cursor ? { ...t, cursor } : t;
}

function fold(messages: readonly Msg[], item: Item): readonly Msg[] {
  const event = item.target ?? (item.event.kind === "message" ? item.event : undefined);
  if (!event?.message || event.direction === "internal") return messages;
  const at = messages.findIndex((m) => m.id === event.id);
  const old = messages[at];
  if (old && old.asOf >= item.cursor) return messages;
  const next = toMsg(event, event.message, item, old);
  if (old) return messages.map((m, i) => (i === at ? next : m));
  let place = messages.length;
  while (place > 0 && (messages[place - 1] as Msg).key > next.key) place--;
  return [...messages.slice(0, place), next, ...messages.slice(place)];
}

function toMsg(event: TimelineEvent, body: Message, item: Item, old: Msg | undefined): Msg {
  return {
    id: event.id,
    key: old?.key ?? keyOf(event, item.cursor),
    asOf: item.cursor,
    mine: event.direction === "in",
    actor: event.actor,
    at: event.at,
    client: event.client,
    body,
  };
}

function keyOf(e: TimelineEvent, fallback: string): string {
  return e.conversation && e.seq ? `${e.conversation}.${String(e.seq).padStart(12, "0")}` : fallback;
}

/** Messages of theirs that nobody has seen: neither here (up to the cursor) nor on another device. */
export function unread(t: Thread, readCursor: string): Msg[] {
  return t.messages.filter((m) => !m.mine && m.key > readCursor && m.body.delivery?.state !== "read" && !m.body.unsent);
}

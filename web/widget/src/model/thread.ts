// The thread as the customer sees it: a fold over items. Live, replayed and older items go through the
// same door, in any order and any number of times, and the result is the same.
import type { Actor, Item, Message, TimelineEvent } from "./wire";

export interface Msg {
  readonly id: string;
  /** When it was said, in ms since the epoch: messages stand in the order of (time, first). */
  readonly time: number;
  /** The smallest cursor that told of it: where it appeared. */
  readonly first: string;
  /** The greatest cursor that told of it. */
  readonly asOf: string;
  readonly mine: boolean;
  readonly actor: Actor;
  readonly at: string;
  readonly client?: string | undefined;
  readonly body: Message;
}

export interface Thread {
  readonly messages: readonly Msg[]; // by time, then by where they appeared
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
  const old = messages.find((m) => m.id === event.id);
  const next = merge(old, event, event.message, item);
  if (next === old) return messages;
  if (old && old.first === next.first) return messages.map((m) => (m === old ? next : m));
  const rest = old ? messages.filter((m) => m !== old) : messages;
  let place = rest.length;
  while (place > 0 && later(rest[place - 1] as Msg, next)) place--;
  return [...rest.slice(0, place), next, ...rest.slice(place)];
}

function later(a: Msg, b: Msg): boolean {
  return a.time === b.time ? a.first > b.first : a.time > b.time;
}

/** What is known of a message after one more item told of it: the newest word, and where it first appeared. */
function merge(old: Msg | undefined, event: TimelineEvent, body: Message, item: Item): Msg {
  const first = old && old.first < item.cursor ? old.first : item.cursor;
  if (old && old.asOf >= item.cursor) return old.first === first ? old : { ...old, first };
  return {
    id: event.id,
    time: Date.parse(event.at),
    first,
    asOf: item.cursor,
    mine: event.direction === "in",
    actor: event.actor,
    at: event.at,
    client: event.client,
    body,
  };
}

/** Messages of theirs that nobody has seen: neither here (up to the cursor) nor on another device. */
export function unread(t: Thread, readCursor: string): Msg[] {
  return t.messages.filter(
    (m) => !m.mine && m.first > readCursor && m.body.delivery?.state !== "read" && !m.body.unsent,
  );
}

// Messages on their way to the hub. Each is kept in this browser until the hub has answered, and sent
// again with the same id; nothing is removed by itself.
import type { Part, TimelineEvent } from "../model/types";
import { Problem } from "./http";
import { type Outgoing, send, undo } from "./hub";
import { act, load, socket, thread } from "./inbox";
import { owner, ownKept } from "./own";
import { store } from "./store";

export interface Item {
  conversation: string;
  name: string;
  body: Outgoing;
  parts: Part[];
  at: string;
  actor: { id: string; name: string };
  refused?: { title: string; detail?: string; stale?: boolean };
}

/** By the message's id; only those of the agent who is signed in. */
export const outbox = ownKept<Readonly<Record<string, Item>>>("parley.outbox", {});

/** What can still be taken back, newest last. */
export interface Undoable {
  client: string;
  event: string;
  conversation: string;
  name: string;
  text: string;
  leg?: string;
  until: number; // ms
}
export const undoable = store<readonly Undoable[]>([]);

const busy = new Set<string>();
let timer: ReturnType<typeof setTimeout> | undefined;
let tries = 0;

function bubble(x: Item): TimelineEvent {
  return {
    id: x.body.id,
    client: x.body.id,
    kind: x.body.note ? "note" : "message",
    conversation: x.conversation,
    direction: x.body.note ? "internal" : "out",
    actor: { kind: "agent", ...x.actor },
    at: x.at,
    ...(x.body.leg ? { leg: x.body.leg } : {}),
    message: {
      ...(x.body.text ? { text: x.body.text } : {}),
      ...(x.parts.length ? { parts: x.parts } : {}),
      ...(x.body.note ? {} : { delivery: { state: "queued" as const, at: x.at, attempt: 1 } }),
    },
  };
}

/** Keeps the message and shows it; `dispatch` sends it. Apart, so that nothing stands before drawing. */
export function show(x: Item): void {
  outbox.set((all) => ({ ...all, [x.body.id]: x }));
  act(x.conversation, { type: "pending", event: bubble(x) });
}

/** Sends what is shown. */
export function dispatch(client: string): void {
  void deliver(client);
}

/** Forgets what can be taken back, and when to try again: nobody is signed in. */
export function rest(): void {
  clearTimeout(timer);
  tries = 0;
  undoable.set([]);
}

/** Puts what an earlier visit left into the timelines, and sends it. */
export function resume(): void {
  for (const x of Object.values(outbox.get())) {
    act(x.conversation, { type: "pending", event: bubble(x) });
    if (x.refused) act(x.conversation, { type: "refused", client: x.body.id, problem: x.refused });
    else void deliver(x.body.id);
  }
}
socket.link.watch(() => {
  if (socket.link.get().state === "live") flush();
});

function flush(): void {
  tries = 0;
  clearTimeout(timer);
  for (const x of Object.values(outbox.get())) if (!x.refused) void deliver(x.body.id);
}

function drop(client: string): void {
  outbox.set((all) => {
    const { [client]: _, ...rest } = all;
    return rest;
  });
}

async function deliver(client: string): Promise<void> {
  const x = outbox.get()[client];
  if (!x || busy.has(client) || earlier(x)) return;
  const mine = owner();
  busy.add(client);
  try {
    const answer = await send(x.conversation, x.body);
    if (owner() !== mine) return; // whoever sent it has left: it is confirmed when they return
    drop(client);
    const event = answer?.event ?? client;
    act(x.conversation, { type: "accepted", client, event });
    if (x.body.undo && !x.body.note) offer(x, event, x.body.undo);
  } catch (e) {
    if (owner() === mine) failed(x, e);
  } finally {
    busy.delete(client);
    if (owner() === mine) following(x);
  }
}

/** Messages of one conversation leave in their order. */
function earlier(x: Item): boolean {
  return Object.values(outbox.get()).some((y) => y.conversation === x.conversation && !y.refused && y.at < x.at);
}

function following(x: Item): void {
  const next = Object.values(outbox.get()).find(
    (y) => y.conversation === x.conversation && y.body.id !== x.body.id && !y.refused && !earlier(y),
  );
  if (next && !outbox.get()[x.body.id]) void deliver(next.body.id);
}

function failed(x: Item, e: unknown): void {
  if (!(e instanceof Problem)) throw e;
  const client = x.body.id;
  if (e.passing || e.status === 401) {
    const wait = e.retryAfter ? e.retryAfter * 1000 : Math.min(30_000, 1000 * 2 ** tries++);
    clearTimeout(timer);
    timer = setTimeout(flushWaiting, wait * (0.5 + Math.random() / 2));
    return;
  }
  const stale = e.is("answered-meanwhile");
  const refused = { title: e.title, ...(e.detail ? { detail: e.detail } : {}), ...(stale ? { stale } : {}) };
  outbox.set((all) => (all[client] ? { ...all, [client]: { ...x, refused } } : all));
  act(x.conversation, { type: "refused", client, problem: refused });
  if (stale) void load(x.conversation, true);
}

function flushWaiting(): void {
  for (const x of Object.values(outbox.get())) if (!x.refused) void deliver(x.body.id);
}

/** Sends a refused message after all: what was new has been seen. */
export function again(client: string): void {
  const x = outbox.get()[client];
  if (!x) return;
  const { refused: _, ...rest } = x;
  const seq = thread(x.conversation).timeline.get().seq;
  outbox.set((all) => ({ ...all, [client]: { ...rest, body: { ...x.body, baseSeq: seq } } }));
  act(x.conversation, { type: "waiting", client });
  void deliver(client);
}

/** Gives a message up and answers what it said. */
export function withdraw(client: string): Item | undefined {
  const x = outbox.get()[client];
  drop(client);
  if (x) act(x.conversation, { type: "forget", client });
  return x;
}

function offer(x: Item, event: string, seconds: number): void {
  const until = Date.now() + seconds * 1000;
  const u = {
    client: x.body.id,
    event,
    conversation: x.conversation,
    name: x.name,
    text: x.body.text ?? "",
    until,
    ...(x.body.leg ? { leg: x.body.leg } : {}),
  };
  undoable.set((all) => [...all.filter((y) => y.client !== u.client), u]);
  setTimeout(() => expire(u.client), seconds * 1000);
}

function expire(client: string): void {
  undoable.set((all) => all.filter((y) => y.client !== client));
}

/** Takes a message back. Answers false where it has left already. */
export async function takeBack(u: Undoable): Promise<boolean> {
  expire(u.client);
  try {
    await undo(u.conversation, u.event);
    act(u.conversation, { type: "forget", client: u.client });
    return true;
  } catch (e) {
    if (e instanceof Problem) return false;
    throw e;
  }
}

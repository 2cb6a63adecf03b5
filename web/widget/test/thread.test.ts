import { describe, expect, it } from "vitest";
import { advance, apply, arrival, emptyThread, prepend, unread } from "../src/model/thread";
import type { Item, Message } from "../src/model/wire";

const cursor = (n: number) => `01J.${String(n).padStart(12, "0")}`;

/** Message n was said at minute n. */
const at = (n: number) => new Date(Date.UTC(2026, 4, 2, 9, n)).toISOString();

function mine(seq: number, text: string, client = `C${seq}`): Item {
  const event = { id: `m${seq}`, kind: "message", direction: "in" as const, client, at: at(seq), message: { text } };
  return { cursor: cursor(seq), prev: cursor(seq - 1), event: { ...event, actor: { kind: "customer" } } };
}

/** Tells of our message `of` at `seq`: by a receipt, an edit, … */
function theirs(seq: number, of: number, message: Message, kind = "receipt"): Item {
  const event = { id: `e${seq}`, kind, direction: "out" as const, actor: { kind: "system" as const }, at: at(seq) };
  const target = {
    ...event,
    id: `m${of}`,
    kind: "message",
    at: at(of),
    actor: { kind: "agent" as const, name: "Priya" },
    message,
  };
  return { cursor: cursor(seq), prev: cursor(seq - 1), event, target };
}

const stream: Item[] = [
  mine(1, "one"),
  theirs(3, 2, { text: "two", delivery: { state: "sent" } }),
  mine(4, "four"),
  theirs(5, 2, { text: "two!", edited: { rev: 1, at: "2026-05-02T09:02:00Z" } }, "edit"),
  theirs(6, 2, { text: "two!", reactions: [{ by: { kind: "customer" }, emoji: "👍" }] }, "reaction"),
  theirs(8, 7, { text: "seven", delivery: { state: "sent" } }),
];

const texts = (items: readonly Item[]) => items.reduce(apply, emptyThread).messages.map((m) => m.body.text);

describe("thread", () => {
  it("shows messages in the order of the conversation, with what happened to them", () => {
    expect(texts(stream)).toEqual(["one", "two!", "four", "seven"]);
  });

  it("gives the same thread for every order and every repeat", () => {
    const want = stream.reduce(apply, emptyThread).messages.map((m) => [m.id, m.body]);
    for (let round = 0; round < 200; round++) {
      const mixed = [...stream, ...stream].map((i) => [Math.random(), i] as const).sort((a, b) => a[0] - b[0]);
      const got = mixed.reduce((t, [, i]) => apply(t, i), emptyThread);
      expect(got.messages.map((m) => [m.id, m.body])).toEqual(want);
      expect(got.cursor).toBe(cursor(8));
    }
  });

  it("keeps the newest word about a message when an older page is loaded later", () => {
    const late = stream.slice(4).reduce(apply, emptyThread);
    const whole = prepend(late, stream.slice(0, 4), false);
    expect(whole.messages.find((m) => m.id === "m2")?.body.reactions).toHaveLength(1);
    expect(whole.oldest).toBe(cursor(1));
    expect(whole.cursor).toBe(cursor(8));
    expect(whole.more).toBe(false);
  });

  it("shows a message in its place also when only a later word about it is loaded", () => {
    const t = stream.slice(2).reduce(apply, emptyThread);
    expect(t.messages.map((m) => m.body.text)).toEqual(["two!", "four", "seven"]);
  });

  it("moves its cursor over kinds that it does not show", () => {
    const item = { ...mine(9, ""), event: { ...mine(9, "").event, kind: "status" } };
    const t = apply(stream.reduce(apply, emptyThread), item);
    expect(t.cursor).toBe(cursor(9));
    expect(t.messages).toHaveLength(4);
  });

  it("never shows what is internal", () => {
    const note = { ...mine(9, "secret"), event: { ...mine(9, "secret").event, direction: "internal" as const } };
    expect(apply(emptyThread, note).messages).toHaveLength(0);
  });
});

describe("arrival", () => {
  const t = advance(emptyThread, cursor(5));
  const cases: [string, Item, string][] = [
    ["the next item", mine(6, ""), "next"],
    ["one seen before", mine(5, ""), "seen"],
    ["an older one", mine(2, ""), "seen"],
    ["one after a hole", mine(8, ""), "gap"],
    ["one without prev", { ...mine(8, ""), prev: "" }, "next"],
  ];
  it.each(cases)("%s", (_, item, want) => expect(arrival(t, item)).toBe(want));
});

describe("unread", () => {
  const t = stream.reduce(apply, emptyThread);
  it("counts theirs after the mark", () => expect(unread(t, cursor(3)).map((m) => m.id)).toEqual(["m7"]));
  it("counts nothing of mine", () => expect(unread(t, "")).toHaveLength(2));
  it("does not count what was read on another device", () => {
    const read = apply(t, theirs(9, 7, { text: "seven", delivery: { state: "read" } }));
    expect(unread(read, cursor(3))).toHaveLength(0);
  });
  it("does not count what was taken back", () => {
    const gone = apply(t, theirs(9, 7, { unsent: "2026-05-02T09:05:00Z" }, "unsend"));
    expect(unread(gone, cursor(3))).toHaveLength(0);
  });
});

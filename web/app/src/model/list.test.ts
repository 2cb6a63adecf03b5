import { describe, expect, test } from "vitest";
import { belongs, hold, join, matter, place, second, third, unread } from "./list";
import type { Conversation } from "./types";

const c = (id: string, o: Partial<Conversation> = {}): Conversation => ({
  id,
  number: 1,
  person: "P",
  name: id,
  queue: "q",
  state: "open",
  assignee: "A",
  team: "",
  legs: [],
  seq: 1,
  inCount: 1,
  lastInSeq: 1,
  lastOutSeq: 0,
  lastAt: "2026-11-19T09:00:00Z",
  createdAt: "2026-11-19T08:00:00Z",
  ...o,
});
const ids = (l: { items: Conversation[] }) => l.items.map((x) => x.id);

describe("views", () => {
  test.each([
    ["mine", c("x"), true],
    ["mine", c("x", { assignee: "B" }), false],
    ["unassigned", c("x", { assignee: "" }), true],
    ["all", c("x", { state: "resolved" }), false],
    ["resolved", c("x", { state: "resolved" }), true],
    ["team:T", c("x", { team: "T" }), true],
    ["team:T", c("x", { team: "T", state: "snoozed" }), false],
  ])("%s", (view, x, want) => expect(belongs(x, view, "A")).toBe(want));
});

describe("place", () => {
  const list = { items: [c("b", { lastAt: "2026-11-19T09:02:00Z" }), c("a", { lastAt: "2026-11-19T09:01:00Z" })] };

  test("a newer message lifts its conversation", () => {
    expect(ids(place(list, c("a", { seq: 2, lastAt: "2026-11-19T09:03:00Z" }), "mine", "newest", "A"))).toEqual(["a", "b"]);
  });
  test("one that leaves the view goes", () => {
    expect(ids(place(list, c("b", { seq: 2, state: "resolved" }), "mine", "newest", "A"))).toEqual(["a"]);
  });
  test("an older state of a conversation changes nothing", () => {
    const now = place(list, c("a", { seq: 5 }), "mine", "newest", "A");
    expect(place(now, c("a", { seq: 3, name: "old" }), "mine", "newest", "A")).toBe(now);
  });
  test("one that belongs to a page further down is not put at the end", () => {
    const more = { ...list, next: "k" };
    expect(place(more, c("z", { lastAt: "2026-11-18T09:00:00Z" }), "mine", "newest", "A")).toBe(more);
  });
  test("who waits longest stands first; who does not wait stands last", () => {
    const waiting = { items: [c("x", { waitingSince: "2026-11-19T08:00:00Z" }), c("y")] };
    expect(ids(place(waiting, c("w", { waitingSince: "2026-11-19T07:00:00Z" }), "mine", "waiting", "A"))).toEqual([
      "w",
      "x",
      "y",
    ]);
  });
  test("a page that was joined doubles nothing", () => {
    expect(ids(join(list, { items: [c("a"), c("q")] }))).toEqual(["b", "a", "q"]);
  });
});

describe("hold", () => {
  test("the order stays while it is held, and what is new is counted", () => {
    expect(hold(["a", "b"], ["n", "b", "a"], true)).toEqual({ ids: ["a", "b"], fresh: 1 });
  });
  test("what left stays until the pointer does", () => {
    expect(hold(["a", "b"], ["b"], true)).toEqual({ ids: ["a", "b"], fresh: 0 });
  });
  test("a further page is appended also while held", () => {
    expect(hold(["a", "b"], ["a", "b", "c"], true)).toEqual({ ids: ["a", "b", "c"], fresh: 0 });
  });
  test("let go, the true order shows", () => {
    expect(hold(["a", "b"], ["n", "b"], false)).toEqual({ ids: ["n", "b"], fresh: 0 });
  });
});

describe("third line", () => {
  const last = {
    event: "e",
    seq: 1,
    text: "hi",
    direction: "out" as const,
    actor: { kind: "agent" as const },
    at: "",
    delivery: "failed" as const,
  };
  const x = c("x", { last });
  test("typing before draft before not delivered before last text", () => {
    expect(third(x, { agents: [], customer: { typing: true } }, "d").kind).toBe("typing");
    expect(third(x, undefined, "d").kind).toBe("draft");
    expect(third(x, undefined, undefined).kind).toBe("failed");
    expect(third(c("x", { last: { ...last, delivery: "read" } }), undefined, undefined)).toMatchObject({
      kind: "last",
      ours: true,
    });
  });
  test("unread never goes below nothing", () => {
    expect(unread(c("x", { inCount: 2 }), { inCount: 5, seq: 9 })).toBe(0);
    expect(unread(c("x", { inCount: 2 }), undefined)).toBe(2);
  });
});

describe("what a conversation is about", () => {
  const last = (text: string) => ({ kind: "last" as const, ours: false, text });
  const opening = "Hello, where is my";
  test.each([
    ["the subject", c("x", { subject: "Order 7", opening }), last("Hello, where is my order?"), "Order 7"],
    ["the opening once there is more to say", c("x", { opening }), last("Thank you"), opening],
    ["nothing twice", c("x", { opening: `${opening}…` }), last("Hello, where is my order?"), ""],
    ["the opening beside a draft", c("x", { opening }), { kind: "draft" as const, text: "Dear" }, opening],
    ["nothing where nothing is known", c("x"), last("Hi"), ""],
  ])("%s", (_, conversation, below, want) => {
    expect(second(conversation, below)).toBe(want);
  });
  test("a list of past ones prefers the subject", () => {
    expect(matter(c("x", { subject: "Order 7", opening }))).toBe("Order 7");
    expect(matter(c("x", { opening }))).toBe(opening);
  });
});

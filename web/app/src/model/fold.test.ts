import { describe, expect, test } from "vitest";
import { fold } from "./fold";
import { empty, reduce } from "./timeline";
import type { Message, TimelineEvent } from "./types";

const us = { kind: "agent" as const, id: "A", name: "Priya" };
const event = (id: string, at: string, o: Partial<TimelineEvent>): TimelineEvent => ({
  id,
  kind: "moderation",
  direction: "internal",
  actor: us,
  at,
  ...o,
});
const of = { event: "m" };
const asked = event("a", "2026-01-01T00:00:01Z", { moderation: { of, action: "hide", state: "asked" } });
const done = event("d", "2026-01-01T00:00:02Z", { moderation: { of, action: "hide", state: "done", asked: "a" } });
const again = event("b", "2026-01-01T00:00:05Z", { moderation: { of, action: "delete", state: "asked" } });
const gone = event("g", "2026-01-01T00:00:06Z", { moderation: { of, action: "delete", state: "done", asked: "b" } });
const said: Message = { text: "spam" };
const all = (...es: TimelineEvent[]): Message => es.reduce(fold, said);

describe("moderation", () => {
  test("asked, then done", () => expect(all(asked, done).moderated).toMatchObject({ action: "hide", state: "done", by: us }));
  test("an answer twice changes nothing", () => expect(all(asked, done, done)).toEqual(all(asked, done)));
  test("a late answer to an older question does not count", () =>
    expect(all(asked, again, done).moderated).toMatchObject({ action: "delete", state: "asked" }));
  test("a deleted message has no words", () => {
    const m = all(asked, again, gone);
    expect(m.text).toBeUndefined();
    expect(m.unsent).toBe(gone.at);
  });
  test("a failure keeps its reason", () => {
    const failure = { class: "permanent", said: "no" };
    const failed = event("f", "2026-01-01T00:00:02Z", {
      moderation: { of, action: "hide", state: "failed", asked: "a", failure },
    });
    expect(all(asked, failed).moderated?.failure).toEqual(failure);
  });
});

describe("media", () => {
  const part = { kind: "image" as const, url: "https://far.example/1.jpg" };
  const kept = { kind: "image" as const, file: "F1" };
  const fetched = event("x", "2026-01-01T00:00:03Z", { kind: "media", media: { of, parts: [{ n: 0, part: kept }] } });
  test("a fetched part takes the place of its link", () => expect(fold({ parts: [part] }, fetched).parts).toEqual([kept]));
  test("a part that is kept already stays", () => {
    const mine = { kind: "image" as const, file: "F0" };
    expect(fold({ parts: [mine] }, fetched).parts).toEqual([mine]);
  });
  test("a message taken back gains nothing", () => {
    const m: Message = { unsent: "2026-01-01T00:00:00Z", parts: [part] };
    expect(fold(m, fetched)).toBe(m);
  });
});

test("what an erased person said leaves the screen", () => {
  const t = reduce(empty, {
    type: "loaded",
    seq: 1,
    more: false,
    events: [event("m", "2026-01-01T00:00:00Z", { kind: "message", seq: 1, message: said })],
  });
  expect(reduce(t, { type: "erased" })).toBe(empty);
});

import { describe, expect, test } from "vitest";
import { accepts, answerOn, measure, opening } from "./legs";
import { pieces, safe } from "./links";
import { choices } from "./snooze";
import type { Capabilities, Leg } from "./types";

const HOUR = 3600e9; // nanoseconds
const now = new Date("2026-11-19T10:00:00Z");
const leg = (o: Partial<Leg> = {}): Leg => ({
  id: "L",
  thread: { account: "a", id: "t" },
  channel: "k",
  identity: "i",
  peer: "p",
  ...o,
});
const can: Capabilities = {
  text: { max: 10, unit: "bytes" },
  windows: [
    { name: "standard", opens: ["message"], for: 24 * HOUR },
    { name: "once", opens: ["comment"], for: 168 * HOUR, max: 1 },
  ],
};

describe("windows", () => {
  test("counts down from the message that opened it", () => {
    const o = opening(leg({ opened: { message: { at: "2026-11-18T16:00:00Z" } } }), can, now);
    expect(o).toMatchObject({ open: true, left: 0.25, rule: "standard" });
    expect(o.until?.toISOString()).toBe("2026-11-19T16:00:00.000Z");
  });
  test("is over at its end, not after it", () => {
    expect(opening(leg({ opened: { message: { at: "2026-11-18T10:00:00Z" } } }), can, now).open).toBe(false);
  });
  test("one answer uses up a rule that allows one", () => {
    expect(opening(leg({ opened: { comment: { at: "2026-11-18T10:00:00Z", used: 1 } } }), can, now)).toEqual({
      open: false,
      used: true,
    });
  });
  test("no rules: any time; closed: never", () => {
    expect(opening(leg(), { text: { max: 0 } }, now)).toEqual({ open: true });
    expect(opening(leg({ closed: "blocked" }), { text: { max: 0 } }, now).open).toBe(false);
  });
  test("answers go where the person wrote last, if that is open", () => {
    const old = leg({ id: "old", lastIn: "2026-11-19T09:00:00Z", closed: "x" });
    const open = leg({ id: "open", channel: "any", lastIn: "2026-11-01T09:00:00Z" });
    expect(answerOn([old, open], () => undefined, now)?.id).toBe("open");
  });
});

describe("limits", () => {
  test.each([
    ["é", "bytes", 2],
    ["👍", "utf16", 2],
    ["👍", "runes", 1],
  ] as const)("%s in %s", (text, unit, n) => expect(measure(text, unit)).toBe(n));

  const media: Capabilities = { text: { max: 0 }, media: { image: { maxBytes: 100, mime: ["image/png"] } } };
  test.each([
    ["image/png", 50, { ok: true, kind: "image" }],
    ["image/png", 500, { ok: false, why: "size", max: 100 }],
    ["image/heic", 50, { ok: false, why: "type" }],
    ["application/pdf", 50, { ok: false, why: "kind" }],
  ])("%s of %d bytes", (mime, size, want) => expect(accepts(media, mime, size)).toMatchObject(want));
});

describe("links", () => {
  test("the full stop after an address is no part of it", () => {
    expect(pieces("see https://x.example/a. Bye")).toEqual([
      { text: "see " },
      { text: "https://x.example/a", href: "https://x.example/a" },
      { text: ". Bye" },
    ]);
  });
  test("mail addresses open a mail", () => expect(pieces("me@x.example")[0]?.href).toBe("mailto:me@x.example"));
  test.each(["javascript:alert(1)", "data:text/html,x", "vbscript:x"])("%s is never a link", (s) => {
    expect(safe(s)).toBeUndefined();
    expect(pieces(s).every((p) => !p.href)).toBe(true);
  });
});

describe("snooze", () => {
  test("offers no time twice and none in the past", () => {
    for (let day = 0; day < 7; day++) {
      for (let hour = 0; hour < 24; hour++) {
        const at = new Date(2026, 10, 15 + day, hour, 30);
        const list = choices(at);
        expect(list.every((x) => x.at > at)).toBe(true);
        expect(new Set(list.map((x) => x.at.getTime())).size).toBe(list.length);
      }
    }
  });
});

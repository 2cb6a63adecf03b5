import { describe, expect, it } from "vitest";
import * as box from "../src/model/outbox";

const entry = (id: string, more: Partial<box.Out> = {}): box.Out => ({
  id,
  text: id,
  state: "waiting",
  tries: 0,
  notBefore: 0,
  ...more,
});
const two = [entry("A"), entry("B")].reduce(box.put, [] as box.Outbox);
const pole = { name: "pole.jpg", mime: "image/jpeg", size: 10 };

describe("next", () => {
  it("is the oldest", () => expect(box.next(two, 0)?.id).toBe("A"));
  it("waits for the one on its way", () =>
    expect(box.next(box.change(two, "A", { state: "sending" }), 0)).toBeUndefined());
  it("does not overtake one that waits for time", () => {
    const held = box.change(two, "A", { notBefore: 100 });
    expect(box.next(held, 50)).toBeUndefined();
    expect(box.wakeIn(held, 50)).toBe(50);
    expect(box.next(held, 100)?.id).toBe("A");
  });
  it("passes by one that was refused for good", () => {
    expect(box.next(box.change(two, "A", { state: "refused" }), 0)?.id).toBe("B");
  });
  it("lets text pass a file that is still going up", () => {
    const withFile = box.change(two, "A", { file: pole, state: "sending" });
    expect(box.next(withFile, 0)?.id).toBe("B");
    expect(box.nextUpload(withFile, 0)).toBeUndefined();
  });
  it("uploads first, then sends", () => {
    const withFile = box.change(two, "A", { file: pole });
    expect(box.nextUpload(withFile, 0)?.id).toBe("A");
    expect(box.next(box.change(withFile, "A", { file: { ...pole, file: "f1" } }), 0)?.id).toBe("A");
  });
});

describe("refused", () => {
  const cases: [string, number | undefined, box.OutState][] = [
    ["not reached", 0, "waiting"],
    ["no status", undefined, "waiting"],
    ["the hub is down", 503, "waiting"],
    ["too many", 429, "waiting"],
    ["the token does not hold", 401, "waiting"],
    ["too large", 413, "refused"],
    ["not understood", 422, "refused"],
    ["not allowed", 403, "refused"],
  ];
  it.each(cases)("%s", (_, status, want) => {
    const got = box.refused(two, "A", status === undefined ? {} : { status }, 1000, 0)[0];
    expect(got?.state).toBe(want);
    expect(got?.text).toBe("A");
  });
  it("waits as long as the hub asks", () => {
    expect(box.refused(two, "A", { status: 429, retryAfter: 7 }, 1000, 0)[0]?.notBefore).toBe(8000);
  });
  it("waits longer each time, up to a limit", () => {
    let b: box.Outbox = two;
    let last = 0;
    for (let i = 0; i < 12; i++) {
      b = box.refused(b, "A", { status: 503 }, 0, 0.99);
      const wait = b[0]?.notBefore ?? 0;
      expect(wait).toBeGreaterThanOrEqual(last);
      last = wait;
    }
    expect(last).toBeLessThanOrEqual(box.MAX_RETRY_WAIT);
  });
  it("keeps the reason, and retry takes it away", () => {
    const b = box.refused(two, "A", { status: 422, detail: "No." }, 0, 0);
    expect(b[0]?.problem?.detail).toBe("No.");
    expect(box.retry(b, "A")[0]).toMatchObject({ state: "waiting", problem: undefined });
  });
});

describe("the line", () => {
  it("broke: what was on its way waits again under its id", () => {
    expect(box.interrupted(box.change(two, "A", { state: "sending" }))[0]).toMatchObject({ id: "A", state: "waiting" });
  });
  it("is back: nothing waits for an old back-off", () => {
    expect(box.resumed(box.change(two, "A", { tries: 5, notBefore: 9e12 }))[0]).toMatchObject({
      tries: 0,
      notBefore: 0,
    });
  });
});

describe("parse", () => {
  it("reads what was stored, and what was on its way waits", () => {
    const stored = JSON.stringify(entry("A", { state: "sending", tries: 3 }));
    expect(box.parse(stored)).toMatchObject({ id: "A", state: "waiting", tries: 0 });
  });
  it.each(["", "{", "null", "[]", '{"id":1}', '{"id":"A"}'])("gives nothing for %j", (t) =>
    expect(box.parse(t)).toBeUndefined(),
  );
});

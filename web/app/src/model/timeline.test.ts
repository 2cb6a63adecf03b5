import { describe, expect, test } from "vitest";
import { type Row, rows } from "./rows";
import { type Action, empty, reduce, type Timeline } from "./timeline";
import type { TimelineEvent } from "./types";

const at = (n: number) => new Date(Date.UTC(2026, 10, 19, 9, 0, n)).toISOString();

function message(seq: number, o: Partial<TimelineEvent> = {}): TimelineEvent {
  return {
    id: `m${seq}`,
    kind: "message",
    seq,
    leg: "L",
    direction: "in",
    actor: { kind: "customer" },
    at: at(seq),
    message: { text: `t${seq}` },
    ...o,
  };
}
const ours = (seq: number, o: Partial<TimelineEvent> = {}) =>
  message(seq, {
    direction: "out",
    actor: { kind: "agent", id: "A" },
    message: { text: `t${seq}`, delivery: { state: "sent", at: at(seq), attempt: 1 } },
    ...o,
  });
const about = (seq: number, kind: TimelineEvent["kind"], payload: Partial<TimelineEvent>): TimelineEvent => ({
  id: `x${seq}`,
  kind,
  seq,
  leg: "L",
  direction: "in",
  actor: { kind: "customer", id: "C" },
  at: at(seq),
  ...payload,
});

const live = (event: TimelineEvent, target?: TimelineEvent): Action => ({
  type: "live",
  seq: event.seq ?? 0,
  event,
  ...(target ? { target } : {}),
});
const run = (...actions: Action[]): Timeline => actions.reduce(reduce, empty);
const loaded = (events: TimelineEvent[], more = false): Action => ({
  type: "loaded",
  events,
  seq: events.at(-1)?.seq ?? 0,
  more,
});

/** What a person sees: order and content, without how it came about. */
const seen = (t: Timeline) => t.order.map((id) => [id, t.byId.get(id)?.message]);

function permutations<T>(list: T[]): T[][] {
  if (list.length < 2) return [list];
  return list.flatMap((x, i) => permutations([...list.slice(0, i), ...list.slice(i + 1)]).map((rest) => [x, ...rest]));
}

describe("any order", () => {
  const story = [
    ours(2),
    about(3, "receipt", { receipt: { of: { event: "m2" }, state: "delivered" } }),
    about(4, "receipt", { receipt: { of: { event: "m2" }, state: "read" } }),
    about(5, "reaction", { reaction: { of: { event: "m2" }, emoji: "👍" } }),
    about(6, "edit", { edit: { of: { event: "m2" }, text: "better", rev: 1 } }),
  ];
  const start = loaded([message(1)]);
  const wanted = seen(run(start, ...story.map((e) => live(e))));

  test("every order of live events ends the same", () => {
    for (const order of permutations(story)) expect(seen(run(start, ...order.map((e) => live(e))))).toEqual(wanted);
  });

  test("every event twice changes nothing", () => {
    const twice = story.flatMap((e) => [live(e), live(e)]);
    expect(seen(run(start, ...twice))).toEqual(wanted);
  });

  test("a failure after it was read changes nothing", () => {
    const t = run(
      start,
      ...story.map((e) => live(e)),
      live(about(7, "receipt", { receipt: { of: { event: "m2" }, state: "failed" } })),
    );
    expect(t.byId.get("m2")?.message?.delivery?.state).toBe("read");
  });

  test("an unsend absorbs what comes after it", () => {
    const gone = about(7, "unsend", { unsend: { of: { event: "m2" } } });
    const t = run(
      start,
      live(ours(2)),
      live(gone),
      live(about(8, "edit", { edit: { of: { event: "m2" }, text: "late", rev: 9 } })),
    );
    expect(t.byId.get("m2")?.message?.text).toBeUndefined();
    expect(t.byId.get("m2")?.message?.unsent).toBe(gone.at);
  });

  test("the higher revision of an edit counts", () => {
    const two = about(3, "edit", { edit: { of: { event: "m2" }, text: "two", rev: 2 } });
    const one = about(4, "edit", { edit: { of: { event: "m2" }, text: "one", rev: 1 } });
    for (const order of [
      [two, one],
      [one, two],
    ]) {
      expect(run(start, live(ours(2)), ...order.map((e) => live(e))).byId.get("m2")?.message?.text).toBe("two");
    }
  });
});

describe("receipts", () => {
  test("a watermark reads everything of ours before it, on its leg only", () => {
    const other = ours(2, { leg: "other" });
    const t = run(loaded([ours(1), other, ours(3)]), live(about(4, "receipt", { receipt: { upTo: at(3), state: "read" } })));
    expect(["m1", "m2", "m3"].map((id) => t.byId.get(id)?.message?.delivery?.state)).toEqual(["read", "sent", "read"]);
  });

  test("a watermark does not turn a failure into a success", () => {
    const failed = ours(1, { message: { text: "x", delivery: { state: "failed", at: at(1), attempt: 1 } } });
    const t = run(loaded([failed]), live(about(2, "receipt", { receipt: { upTo: at(2), state: "read" } })));
    expect(t.byId.get("m1")?.message?.delivery?.state).toBe("failed");
  });

  test("a later attempt leaves failed", () => {
    const failed = ours(1, { message: { text: "x", delivery: { state: "failed", at: at(1), attempt: 1 } } });
    const t = run(loaded([failed]), live(about(2, "receipt", { receipt: { of: { event: "m1" }, state: "queued", attempt: 2 } })));
    expect(t.byId.get("m1")?.message?.delivery).toMatchObject({ state: "queued", attempt: 2 });
  });

  test("a receipt that comes before its message is kept for it", () => {
    const t = run(
      loaded([message(1)]),
      live(about(3, "receipt", { receipt: { of: { event: "m2" }, state: "read" } })),
      live(ours(2)),
    );
    expect(t.byId.get("m2")?.message?.delivery?.state).toBe("read");
  });

  test("the hub's target wins over what was folded here", () => {
    const target = ours(1, { message: { text: "as stored", delivery: { state: "delivered", at: at(2), attempt: 1 } } });
    const t = run(loaded([ours(1)]), live(about(2, "receipt", { receipt: { of: { event: "m1" }, state: "delivered" } }), target));
    expect(t.byId.get("m1")?.message?.text).toBe("as stored");
  });
});

describe("gaps", () => {
  test("a jump in seq asks for what is missing, and still shows the message", () => {
    const t = run(loaded([message(1)]), live(message(4)));
    expect(t.gap).toBe(true);
    expect(t.seq).toBe(1);
    expect(t.order).toEqual(["m1", "m4"]);
  });

  test("the replay closes the gap", () => {
    const t = run(loaded([message(1)]), live(message(4)), live(message(2)), live(message(3)), live(message(4)), {
      type: "caughtUp",
      seq: 4,
    });
    expect(t).toMatchObject({ gap: false, seq: 4 });
    expect(t.order).toEqual(["m1", "m2", "m3", "m4"]);
  });

  test("a window beyond the hole replaces what was known; one that meets it is joined", () => {
    const known = run(loaded([message(1), message(2)]));
    expect(reduce(known, loaded([message(50), message(51)], true)).order).toEqual(["m50", "m51"]);
    expect(reduce(known, loaded([message(2), message(3)], true)).order).toEqual(["m1", "m2", "m3"]);
  });

  test("an older page does not undo a live change", () => {
    const changed = run(loaded([message(5)]), { type: "older", events: [ours(4)], more: true, asOf: 5 });
    const read = reduce(
      changed,
      live(
        about(6, "receipt", { receipt: { of: { event: "m4" }, state: "read" } }),
        ours(4, { message: { text: "t4", delivery: { state: "read", at: at(6), attempt: 1 } } }),
      ),
    );
    const again = reduce(read, { type: "older", events: [ours(4)], more: false, asOf: 5 });
    expect(again.byId.get("m4")?.message?.delivery?.state).toBe("read");
    expect(again.from).toBe(4);
  });
});

describe("optimistic messages", () => {
  const mine = ours(0, { id: "01CLIENT", client: "01CLIENT" });
  const { seq: _, ...bubble } = mine;

  test("is replaced by its event, however that names it", () => {
    for (const event of [ours(2, { id: "01CLIENT" }), ours(2, { id: "conv.A.01CLIENT", client: "01CLIENT" })]) {
      expect(run(loaded([message(1)]), { type: "pending", event: bubble }, live(event)).pending).toEqual([]);
    }
    const named = run(
      loaded([message(1)]),
      { type: "pending", event: bubble },
      { type: "accepted", client: "01CLIENT", event: "other" },
      live(ours(2, { id: "other" })),
    );
    expect(named.pending).toEqual([]);
  });

  test("its event may come before the answer", () => {
    const t = run(loaded([message(1)]), { type: "pending", event: bubble }, live(ours(2, { id: "e2", client: "01CLIENT" })), {
      type: "accepted",
      client: "01CLIENT",
      event: "e2",
    });
    expect(t.pending).toEqual([]);
    expect(t.order).toEqual(["m1", "e2"]);
  });

  test("stays through reloads and refusals until somebody decides", () => {
    const problem = { title: "Somebody answered meanwhile", stale: true };
    const t = run(
      loaded([message(1)]),
      { type: "pending", event: bubble },
      { type: "refused", client: "01CLIENT", problem },
      loaded([message(40)], true),
    );
    expect(t.pending).toMatchObject([{ state: "refused", problem }]);
    expect(reduce(t, { type: "forget", client: "01CLIENT" }).pending).toEqual([]);
  });

  test("keeps its row while it becomes an event", () => {
    const pending = run(loaded([message(1)]), { type: "pending", event: bubble });
    const done = reduce(pending, live(ours(2, { id: "e2", client: "01CLIENT" })));
    expect(rows(pending, -1).at(-1)?.key).toBe(rows(done, -1).at(-1)?.key);
  });
});

describe("rows", () => {
  const kinds = (list: Row[]) => list.map((r) => r.kind);

  test("a day, the unread line before the first unread message, changes folded into one", () => {
    const change = (seq: number) => about(seq, "labels", { direction: "internal", labels: { add: ["x"] } });
    const t = run(loaded([message(1), change(2), change(3), message(4)]));
    expect(kinds(rows(t, 1))).toEqual(["day", "message", "changes", "unread", "message"]);
    expect(kinds(rows(t, -1))).toEqual(["day", "message", "changes", "message"]);
  });

  test("messages of one person in a run have one head", () => {
    const t = run(loaded([message(1), message(2), ours(3)]));
    expect(rows(t, -1).flatMap((r) => (r.kind === "message" ? [r.head] : []))).toEqual([true, false, true]);
  });

  test("what was taken back before it left is not shown", () => {
    const gone = ours(2, { message: { text: "x", delivery: { state: "cancelled", at: at(2), attempt: 1 } } });
    expect(kinds(rows(run(loaded([message(1), gone])), -1))).toEqual(["day", "message"]);
  });

  test("ten thousand events take less than a frame each way to append", () => {
    const many = Array.from({ length: 10_000 }, (_, i) => message(i + 1));
    const t = run(loaded(many));
    const before = performance.now();
    const next = reduce(t, live(message(10_001)));
    rows(next, -1);
    expect(performance.now() - before).toBeLessThan(200);
    expect(next.order.at(-1)).toBe("m10001");
  });
});

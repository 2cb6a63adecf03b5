import { beforeEach, describe, expect, test, vi } from "vitest";

const sent = vi.hoisted(() => [] as string[]);
const answers = vi.hoisted(() => [] as (() => void)[]);
vi.mock("./hub", () => ({
  send: (_: string, body: { id: string }) => {
    sent.push(body.id);
    return new Promise((ok) => answers.push(() => ok({ event: body.id })));
  },
  undo: vi.fn(),
  saveDraft: vi.fn(async () => undefined),
  readDraft: vi.fn(async () => undefined),
}));
vi.mock("./inbox", () => ({
  act: vi.fn(),
  load: vi.fn(),
  start: vi.fn(),
  stop: vi.fn(),
  thread: vi.fn(),
  socket: { link: { get: () => ({ state: "live" }), watch: vi.fn() } },
}));

const disk = new Map<string, string>();
vi.stubGlobal("localStorage", {
  getItem: (k: string) => disk.get(k) ?? null,
  setItem: (k: string, v: string) => disk.set(k, v),
});
const { drafts, write } = await import("./drafts");
const { dispatch, outbox, show } = await import("./outbox");
const { leave, settle } = await import("./visit");

const post = (x: ReturnType<typeof item>) => {
  show(x);
  dispatch(x.body.id);
};
const item = (id: string) => ({
  conversation: "C",
  name: "Maya",
  body: { id, text: `from ${id}` },
  parts: [],
  at: "2026-11-19T09:00:00Z",
  actor: { id: "A", name: "Priya" },
});

describe("what an agent leaves in the browser", () => {
  beforeEach(() => {
    leave();
    disk.clear();
    sent.length = 0;
    answers.length = 0;
  });

  test("another agent neither sees nor sends it, and its owner finds it again", () => {
    settle("A");
    post(item("m1"));
    write("C", "half a sentence", undefined);
    expect(sent).toEqual(["m1"]);
    leave();
    expect(outbox.get()).toEqual({});
    settle("B");
    expect(outbox.get()).toEqual({});
    expect(drafts.get()).toEqual({});
    expect(sent).toEqual(["m1"]);
    write("C", "of the other", undefined);
    leave();
    settle("A");
    expect(Object.keys(outbox.get())).toEqual(["m1"]);
    expect(drafts.get().C?.text).toBe("half a sentence");
  });

  test("an answer that comes after leaving changes nothing of whoever came next", async () => {
    settle("A");
    post(item("m2"));
    leave();
    settle("B");
    post(item("m3"));
    answers[0]?.();
    await new Promise((ok) => setImmediate(ok));
    expect(Object.keys(outbox.get())).toEqual(["m3"]);
    leave();
    settle("A");
    expect(Object.keys(outbox.get())).toEqual(["m2"]);
  });

  test("with nobody signed in nothing is kept", () => {
    write("C", "nobody's", undefined);
    expect([...disk.keys()].filter((k) => k.startsWith("parley.drafts"))).toEqual([]);
  });
});

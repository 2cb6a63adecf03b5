import { describe, expect, test } from "vitest";
import { answerAll, equal, format, lastEnvelope, parse } from "./envelope";
import type { TimelineEvent } from "./types";

const a = (address: string, name?: string) => ({ address, ...(name ? { name } : {}) });
const ours = ["support@halden.example"];

describe("answerAll", () => {
  test("the writer, and the others in copy, never us", () => {
    const e = {
      from: a("ines@x.example", "Inês"),
      to: [a("Support@Halden.example"), a("rui@x.example")],
      cc: [a("club@x.example"), a("rui@x.example")],
    };
    expect(answerAll(e, "in", ours)).toEqual({
      to: [a("ines@x.example", "Inês")],
      cc: [a("rui@x.example"), a("club@x.example")],
      bcc: [],
    });
  });
  test("where they want answers, and not twice to the writer", () => {
    const e = {
      from: a("ines@x.example"),
      replyTo: [a("office@x.example")],
      to: [a("ines@x.example"), a("support@halden.example")],
    };
    expect(answerAll(e, "in", ours)).toEqual({ to: [a("office@x.example")], cc: [], bcc: [] });
  });
  test("after our own message the same people again, without those in blind copy", () => {
    const e = { to: [a("ines@x.example")], cc: [a("rui@x.example")], bcc: [a("boss@halden.example")] };
    expect(answerAll(e, "out", ours)).toEqual({ to: [a("ines@x.example")], cc: [a("rui@x.example")], bcc: [] });
  });
  test("our address with a plus is ours", () => {
    const e = { from: a("ines@x.example"), to: [a("support+c.abc@halden.example"), a("rui+shop@x.example")] };
    expect(answerAll(e, "in", ours).cc).toEqual([a("rui+shop@x.example")]);
  });
  test("no envelope, nobody", () => expect(answerAll(undefined, "in", ours).to).toEqual([]));
});

describe("parse", () => {
  test.each([
    ["one", "a@b.example", ["a@b.example"], []],
    ["with names", 'Inês <i@x.example>, "Rui, Dr" <r@x.example>', ["i@x.example", "r@x.example"], []],
    ["semicolons and lines", "a@b.c; d@e.f\n g@h.i", ["a@b.c", "d@e.f", "g@h.i"], []],
    ["not an address", "hello, a@b.c", ["a@b.c"], ["hello"]],
    ["nothing", "  ,; ", [], []],
  ])("%s", (_, text, list, bad) => {
    const got = parse(text as string);
    expect(got.list.map((x) => x.address)).toEqual(list);
    expect(got.bad).toEqual(bad);
  });
  test("what is written can be read back", () => {
    const list = [a("i@x.example", "Inês Costa"), a("r@x.example")];
    expect(parse(format(list)).list).toEqual(list);
  });
});

test("the last message of the leg counts", () => {
  const m = (id: string, leg: string, at: string) =>
    ({ id, leg, at, kind: "message", direction: "in", actor: { kind: "customer" }, message: { envelope: {} } }) as TimelineEvent;
  expect(lastEnvelope([m("1", "l", "2026-01-01"), m("3", "l", "2026-01-03"), m("2", "x", "2026-01-04")], "l")?.id).toBe("3");
});

test("recipients are compared by address", () => {
  const x = { to: [a("A@b.c", "A")], cc: [], bcc: [] };
  expect(equal(x, { to: [a("a@B.c")], cc: [], bcc: [] })).toBe(true);
  expect(equal(x, { to: [a("a@B.c")], cc: [a("z@z.z")], bcc: [] })).toBe(false);
});

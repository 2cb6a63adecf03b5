import { describe, expect, it } from "vitest";
import {
  BLOCKED_AFTER,
  backoff,
  type Conn,
  type ConnEvent,
  idleConn,
  RETRY_SOCKET_EVERY,
  step,
} from "../src/model/connection";

/** Runs events through the machine; tells where it is and what it asked for last. */
function run(events: ConnEvent[], from: Conn = idleConn): { conn: Conn; last: string[]; ms: number | undefined } {
  let conn = from;
  let last: string[] = [];
  let ms: number | undefined;
  for (const e of events) {
    const [next, effects] = step(conn, e, 1000, 0.5);
    conn = next;
    last = effects.map((f) => f.t);
    ms = effects.flatMap((f) => (f.t === "timer" ? [f.ms] : []))[0];
  }
  return { conn, last, ms };
}

const up: ConnEvent[] = [{ t: "start" }, { t: "opened" }, { t: "ready" }];
const broke: ConnEvent = { t: "closed", code: 1006 };
const timer: ConnEvent = { t: "timer" };

describe("connection", () => {
  const cases: [string, ConnEvent[], Conn["phase"], string[]][] = [
    ["comes up", up, "live", []],
    ["waits when it breaks", [...up, broke], "waiting", ["timer"]],
    ["tries again when the time is over", [...up, broke, timer], "connecting", ["connect", "timer"]],
    ["tries at once when the network is back", [...up, broke, { t: "wake" }], "connecting", ["connect", "timer"]],
    ["does nothing on a wake while it is live", [...up, { t: "wake" }], "live", []],
    ["reconnects for a gap", [...up, { t: "gap" }], "connecting", ["close", "connect", "timer"]],
    ["gives up a socket that never answers", [{ t: "start" }, timer], "waiting", ["close", "timer"]],
    ["renews a session that does not hold", [...up, { t: "closed", code: 4401 }], "idle", ["renew"]],
    ["stays away when the origin is not allowed", [...up, { t: "closed", code: 4403 }], "barred", []],
    [
      "comes back at once when it was too slow",
      [...up, { t: "closed", code: 4408 }],
      "connecting",
      ["connect", "timer"],
    ],
    ["tries HTTP when sockets never open", [{ t: "start" }, broke, timer, broke], "probing", ["poll"]],
    ["polls when HTTP works", [{ t: "start" }, broke, timer, broke, { t: "polled", ok: true }], "polling", ["timer"]],
    [
      "waits when HTTP does not work either",
      [{ t: "start" }, broke, timer, broke, { t: "polled", ok: false }],
      "waiting",
      ["timer"],
    ],
    ["closes for the page cache", [...up, { t: "suspend" }], "idle", ["close"]],
    ["ignores the end of a socket it closed", [...up, { t: "suspend" }, broke], "idle", []],
  ];
  it.each(cases)("%s", (_, events, phase, effects) => {
    const got = run(events);
    expect(got.conn.phase).toBe(phase);
    expect(got.last).toEqual(effects);
  });

  it("does not take a hub that restarts for blocked sockets: those had opened", () => {
    const events: ConnEvent[] = [...up];
    for (let i = 0; i < BLOCKED_AFTER + 2; i++) events.push({ t: "closed", code: 1012 }, timer, { t: "opened" });
    expect(run(events).conn.phase).toBe("replaying");
  });

  it("comes back within a second after a restart", () => {
    expect(run([...up, { t: "closed", code: 1012 }]).ms).toBeLessThanOrEqual(1000);
  });

  it("tries a socket again after a while of polling, and falls back at once", () => {
    const polling: Conn = { phase: "polling", fails: RETRY_SOCKET_EVERY - 1, blocked: BLOCKED_AFTER, lostAt: null };
    const again = run([{ t: "polled", ok: true }], polling);
    expect(again.conn.phase).toBe("connecting");
    expect(run([broke], again.conn).conn.phase).toBe("probing");
  });

  it("remembers since when it is gone, until it is back", () => {
    const gone = run([...up, broke, timer, broke, timer]).conn;
    expect(gone.lostAt).toBe(1000);
    expect(run([{ t: "opened" }, { t: "ready" }], gone).conn.lostAt).toBeNull();
  });
});

describe("backoff", () => {
  it("doubles, is jittered over half of it, and has a limit", () => {
    expect(backoff(1, 0)).toBe(250);
    expect(backoff(1, 1)).toBe(500);
    expect(backoff(3, 0)).toBe(1000);
    expect(backoff(50, 1)).toBe(30_000);
  });
});

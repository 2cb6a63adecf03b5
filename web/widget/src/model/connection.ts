// The life of the connection as a pure machine: events in, the next state and what to do out. Time and chance
// come from outside, so that every path is tested without waiting.

export type Phase = "idle" | "connecting" | "replaying" | "live" | "waiting" | "probing" | "polling" | "barred";

export interface Conn {
  readonly phase: Phase;
  readonly fails: number; // attempts in a row that did not become live
  readonly blocked: number; // of these, sockets that never opened
  readonly lostAt: number | null; // when it was last live; null while it is or never was
}

export type ConnEvent =
  | { t: "start" } // there is a token: connect
  | { t: "opened" }
  | { t: "ready" }
  | { t: "closed"; code: number }
  | { t: "timer" }
  | { t: "wake" } // online again, visible again, back from the page cache, "Try now"
  | { t: "gap" } // something was missed, or the hub asks to reconnect
  | { t: "polled"; ok: boolean }
  | { t: "suspend" }; // the page goes to the page cache, or logs out

export type Effect = { t: "connect" } | { t: "close" } | { t: "timer"; ms: number } | { t: "poll" } | { t: "renew" }; // the token does not hold: begin a new session

export type Step = readonly [Conn, readonly Effect[]];

export const idleConn: Conn = { phase: "idle", fails: 0, blocked: 0, lostAt: null };

export const CONNECT_TIMEOUT = 10_000;
export const POLL_EVERY = 3_000;
export const RETRY_SOCKET_EVERY = 20; // polls
export const BLOCKED_AFTER = 2; // sockets that never opened before HTTP is tried

const MIN_WAIT = 500;
const MAX_WAIT = 30_000;

/** How long to wait before an attempt: doubling, jittered over half of it. `random` is in [0, 1). */
export function backoff(fails: number, random: number): number {
  return Math.round(Math.min(MAX_WAIT, MIN_WAIT * 2 ** Math.max(0, fails - 1)) * (0.5 + random / 2));
}

export function step(c: Conn, e: ConnEvent, now: number, random: number): Step {
  switch (e.t) {
    case "start":
      return connect({ ...c, fails: 0, blocked: 0 });
    case "suspend":
      return [{ ...c, phase: "idle" }, [{ t: "close" }]];
    case "opened":
      return c.phase === "connecting" ? [{ ...c, phase: "replaying", blocked: 0 }, []] : [c, []];
    case "ready":
      return [{ phase: "live", fails: 0, blocked: 0, lostAt: null }, []];
    case "gap":
      return c.phase === "live" || c.phase === "replaying" ? connect(c, [{ t: "close" }]) : [c, []];
    case "wake":
      return wake(c);
    case "timer":
      return timer(c, now, random);
    case "polled":
      return polled(c, e.ok, now, random);
    case "closed":
      return closed(c, e.code, now, random);
  }
}

function connect(c: Conn, before: readonly Effect[] = []): Step {
  return [{ ...c, phase: "connecting" }, [...before, { t: "connect" }, { t: "timer", ms: CONNECT_TIMEOUT }]];
}

function wake(c: Conn): Step {
  if (c.phase === "waiting" || c.phase === "polling") return connect({ ...c, fails: 0 });
  return [c, []];
}

function timer(c: Conn, now: number, random: number): Step {
  switch (c.phase) {
    case "waiting":
      return connect(c);
    case "connecting":
    case "replaying": {
      const [next, effects] = failed(c, now, random);
      return [next, [{ t: "close" }, ...effects]];
    }
    case "polling":
      return [c, [{ t: "poll" }]];
    default:
      return [c, []];
  }
}

function polled(c: Conn, ok: boolean, now: number, random: number): Step {
  if (c.phase !== "probing" && c.phase !== "polling") return [c, []];
  if (!ok) return failed({ ...c, blocked: 0 }, now, random);
  const polls = c.phase === "polling" ? c.fails + 1 : 0;
  if (polls >= RETRY_SOCKET_EVERY) return connect({ ...c, fails: 0, blocked: BLOCKED_AFTER - 1, lostAt: null });
  return [{ phase: "polling", fails: polls, blocked: c.blocked, lostAt: null }, [{ t: "timer", ms: POLL_EVERY }]];
}

function closed(c: Conn, code: number, now: number, random: number): Step {
  if (c.phase === "idle" || c.phase === "waiting" || c.phase === "polling" || c.phase === "barred") return [c, []];
  const lostAt = c.lostAt ?? now;
  switch (code) {
    case 4401:
      return [{ ...c, phase: "idle", lostAt }, [{ t: "renew" }]];
    case 4403:
      return [{ ...c, phase: "barred", lostAt }, []];
    case 4408:
      return connect({ ...c, lostAt });
    case 4429:
      return [{ ...c, phase: "waiting", lostAt }, [{ t: "timer", ms: Math.round(MAX_WAIT * (1 + random)) }]];
    case 1012:
      return [{ ...c, phase: "waiting", lostAt }, [{ t: "timer", ms: Math.round(200 + 800 * random) }]];
    default:
      return failed(c, now, random);
  }
}

function failed(c: Conn, now: number, random: number): Step {
  const lostAt = c.lostAt ?? now;
  const fails = c.fails + 1;
  const blocked = c.phase === "connecting" ? c.blocked + 1 : c.blocked;
  if (blocked >= BLOCKED_AFTER) return [{ phase: "probing", fails, blocked, lostAt }, [{ t: "poll" }]];
  return [{ phase: "waiting", fails, blocked, lostAt }, [{ t: "timer", ms: backoff(fails, random) }]];
}

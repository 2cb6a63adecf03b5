// Messages on their way out: pure. An entry keeps its id for ever, so that sending it again is harmless;
// it leaves when it comes back as an item, or when the person takes it away.
import type { Problem } from "./wire";

export type OutState = "waiting" | "sending" | "acked" | "refused";

export interface OutFile {
  readonly name: string;
  readonly mime: string;
  readonly size: number;
  readonly file?: string; // the hub's id, once uploaded
  readonly done?: number; // bytes uploaded
}

export interface Out {
  readonly id: string;
  readonly text: string;
  readonly file?: OutFile | undefined;
  readonly replyTo?: string | undefined;
  readonly state: OutState;
  readonly problem?: Problem | undefined;
  readonly tries: number;
  readonly notBefore: number; // ms since the epoch
}

export type Outbox = readonly Out[]; // by id, which is by time

export const MAX_RETRY_WAIT = 60_000;

export function put(box: Outbox, entry: Out): Outbox {
  const rest = box.filter((o) => o.id !== entry.id);
  return [...rest, entry].sort((a, b) => (a.id < b.id ? -1 : 1));
}

export function drop(box: Outbox, id: string): Outbox {
  return box.some((o) => o.id === id) ? box.filter((o) => o.id !== id) : box;
}

export function change(box: Outbox, id: string, to: Partial<Out>): Outbox {
  return box.map((o) => (o.id === id ? { ...o, ...to } : o));
}

/** The entry to send next: one at a time, oldest first. A file on its way up does not hold up text. */
export function next(box: Outbox, now: number): Out | undefined {
  if (box.some((o) => o.state === "sending" && !needsUpload(o))) return undefined;
  const ready = box.filter((o) => o.state === "waiting" && !needsUpload(o));
  const first = ready[0];
  return first && first.notBefore <= now ? first : undefined;
}

/** The file to upload next. */
export function nextUpload(box: Outbox, now: number): Out | undefined {
  if (box.some((o) => o.state === "sending" && needsUpload(o))) return undefined;
  return box.find((o) => o.state === "waiting" && needsUpload(o) && o.notBefore <= now);
}

export function needsUpload(o: Out): boolean {
  return o.file !== undefined && o.file.file === undefined;
}

/** When something waits only for time to pass: how long until then in ms. */
export function wakeIn(box: Outbox, now: number): number | undefined {
  const times = box.filter((o) => o.state === "waiting" && o.notBefore > now).map((o) => o.notBefore - now);
  return times.length > 0 ? Math.min(...times) : undefined;
}

/** Whether a refusal passes: then the message is kept and tried again by itself. */
export function passes(p: Problem): boolean {
  const s = p.status ?? 0;
  return s === 0 || s === 401 || s === 408 || s === 425 || s === 429 || s >= 500;
}

/** What becomes of an entry that was not taken. `random` is in [0, 1). */
export function refused(box: Outbox, id: string, problem: Problem, now: number, random: number): Outbox {
  const o = box.find((e) => e.id === id);
  if (!o) return box;
  if (!passes(problem)) return change(box, id, { state: "refused", problem });
  const backoff = Math.min(MAX_RETRY_WAIT, 1000 * 2 ** o.tries) * (0.5 + random / 2);
  const wait = problem.retryAfter !== undefined ? problem.retryAfter * 1000 * (1 + random / 4) : backoff;
  return change(box, id, { state: "waiting", problem: undefined, tries: o.tries + 1, notBefore: now + wait });
}

/** The line broke: what was on its way waits again; it keeps its id. */
export function interrupted(box: Outbox): Outbox {
  return box.some((o) => o.state === "sending")
    ? box.map((o) => (o.state === "sending" ? { ...o, state: "waiting" as const } : o))
    : box;
}

/** The line is back: nothing waits for a back-off made while it was gone. */
export function resumed(box: Outbox): Outbox {
  return box.map((o) => (o.state === "waiting" && o.tries > 0 ? { ...o, notBefore: 0, tries: 0 } : o));
}

/** The person asks to try again. */
export function retry(box: Outbox, id: string): Outbox {
  return change(box, id, { state: "waiting", problem: undefined, tries: 0, notBefore: 0 });
}

/** Reads an entry somebody stored: anything else gives nothing. */
export function parse(text: string): Out | undefined {
  let v: unknown;
  try {
    v = JSON.parse(text);
  } catch {
    return undefined;
  }
  const o = v as Partial<Out> | null;
  if (!o || typeof o.id !== "string" || typeof o.text !== "string") return undefined;
  const state: OutState = o.state === "refused" || o.state === "acked" ? o.state : "waiting";
  return {
    id: o.id,
    text: o.text,
    file: o.file,
    replyTo: o.replyTo,
    state,
    problem: o.problem,
    tries: 0,
    notBefore: 0,
  };
}

// Whom an answer goes to, where a channel names its recipients: derived from the message answered, and
// changed by hand. Our own addresses never answer themselves.
import type { Envelope, TimelineEvent } from "./types";

export interface Address {
  name?: string;
  address: string;
}

export interface Recipients {
  to: Address[];
  cc: Address[];
  bcc: Address[];
}

export const nobody: Recipients = { to: [], cc: [], bcc: [] };

const key = (a: Address) => a.address.trim().toLowerCase();
/** Mail to me+anything@here comes to me@here. */
const plain = (k: string) => k.replace(/\+[^@]*@/, "@");

function without(list: readonly Address[] | undefined | null, taken: Set<string>, ours: ReadonlySet<string>): Address[] {
  const out: Address[] = [];
  for (const a of list ?? []) {
    const k = key(a);
    if (!k || taken.has(k) || ours.has(plain(k))) continue;
    taken.add(k);
    out.push({ address: a.address, ...(a.name ? { name: a.name } : {}) });
  }
  return out;
}

/** Everybody who was named, except us: the writer (or where they want answers) first, the others in copy. */
export function answerAll(e: Envelope | undefined, direction: "in" | "out" | "internal", ours: readonly string[]): Recipients {
  if (!e) return nobody;
  const us = new Set(ours.map((x) => x.toLowerCase()));
  const taken = new Set(us);
  if (direction === "out") return { to: without(e.to, taken, us), cc: without(e.cc, taken, us), bcc: [] };
  const to = without(e.replyTo?.length ? e.replyTo : e.from ? [e.from] : [], taken, us);
  if (e.from) taken.add(key(e.from));
  return { to, cc: without([...(e.to ?? []), ...(e.cc ?? [])], taken, us), bcc: [] };
}

/** The last message of a leg that names recipients. */
export function lastEnvelope(events: Iterable<TimelineEvent>, leg: string): TimelineEvent | undefined {
  let last: TimelineEvent | undefined;
  for (const e of events) {
    if (e.leg === leg && e.message?.envelope && !e.message.unsent && (!last || last.at <= e.at)) last = e;
  }
  return last;
}

/** Addresses as people type them: Name <address>, separated by commas, semicolons or lines. */
export function parse(text: string): { list: Address[]; bad: string[] } {
  const list: Address[] = [];
  const bad: string[] = [];
  // a comma between quotation marks belongs to the name
  for (const part of text.match(/(?:"[^"]*"|[^,;\n"])+/g) ?? []) {
    const x = part.trim();
    if (!x) continue;
    const m = /^"?([^"<]*)"?\s*<([^<>\s]+)>$/.exec(x);
    const address = m ? (m[2] ?? "") : x;
    if (!/^[^\s@<>"]+@[^\s@<>"]+$/.test(address)) bad.push(x);
    else list.push({ address, ...(m?.[1]?.trim() ? { name: m[1].trim() } : {}) });
  }
  return { list, bad };
}

export function format(list: readonly Address[]): string {
  return list.map((a) => (a.name ? `${a.name.replace(/[,;<>"]/g, " ").trim()} <${a.address}>` : a.address)).join(", ");
}

export function equal(a: Recipients, b: Recipients): boolean {
  const same = (x: Address[], y: Address[]) =>
    x.length === y.length && x.every((v, i) => key(v) === key(y[i] ?? { address: "" }));
  return same(a.to, b.to) && same(a.cc, b.cc) && same(a.bcc, b.bcc);
}

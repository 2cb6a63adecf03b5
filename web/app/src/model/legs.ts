// What a leg still allows: its reply window and its limits, from the channel's capabilities. The same
// rules as the hub's, so that nothing is offered that would be refused.
import type { ActorKind, Capabilities, Leg } from "./types";

export interface Opening {
  open: boolean;
  /** When the window ends; none: it does not. */
  until?: Date;
  /** How much of the window is left, 0 to 1. */
  left?: number;
  /** Every message the window allowed was used. */
  used?: boolean;
  rule?: string;
  /** What the rule is called, by language; none: the usual window. */
  label?: Record<string, string>;
}

/** May this actor write on the leg now, and until when? */
export function opening(leg: Leg, can: Capabilities | undefined, now: Date, by: ActorKind = "agent"): Opening {
  if (leg.closed) return { open: false };
  const rules = can?.windows ?? [];
  if (rules.length === 0) return { open: true };
  let used = false;
  for (const r of rules) {
    if (r.by?.length && !r.by.includes(by)) continue;
    const length = r.for / 1e6; // nanoseconds to milliseconds
    let end = 0;
    for (const o of r.opens) {
      const w = leg.opened?.[o];
      if (!w) continue;
      const until = Date.parse(w.at) + length;
      if (r.max && (w.used ?? 0) >= r.max) used = true;
      else if (until > now.getTime()) end = Math.max(end, until);
    }
    if (end > 0) {
      const label = r.label ? { label: r.label } : {};
      return { open: true, until: new Date(end), left: (end - now.getTime()) / length, rule: r.name, ...label };
    }
  }
  return { open: false, used };
}

/** The leg to answer on: where the person wrote last, if it is open; else the newest that is. */
export function answerOn(legs: Leg[], can: (leg: Leg) => Capabilities | undefined, now: Date): Leg | undefined {
  const recent = [...legs].sort((a, b) => (b.lastIn ?? "").localeCompare(a.lastIn ?? ""));
  return recent.find((l) => opening(l, can(l), now).open) ?? recent[0];
}

const encoder = new TextEncoder();

/** The length of a text in the unit the channel counts. */
export function measure(text: string, unit: Capabilities["text"]["unit"]): number {
  if (unit === "bytes") return encoder.encode(text).length;
  if (unit === "utf16") return text.length;
  return [...text].length;
}

/** Which part kind a file would be, and whether the channel takes it. */
export function accepts(
  can: Capabilities | undefined,
  mime: string,
  size: number,
): { kind: string; ok: boolean; why?: "kind" | "type" | "size"; max?: number; types?: string[] } {
  const top = mime.split("/")[0] ?? "";
  const kind = top === "image" || top === "video" || top === "audio" ? top : "file";
  const media = can?.media;
  if (!can) return { kind, ok: true };
  const limit = media?.[kind];
  const file = media?.file;
  for (const [k, l] of [
    [kind, limit],
    ["file", file],
  ] as const) {
    if (l && fits(l, mime, size)) return { kind: k, ok: true };
  }
  if (!limit && !file) return { kind, ok: false, why: "kind" };
  const l = limit ?? file;
  if (l?.mime?.length && !l.mime.some((m) => matches(m, mime))) return { kind, ok: false, why: "type", types: l.mime };
  return { kind, ok: false, why: "size", ...(l ? { max: l.maxBytes } : {}) };
}

function fits(l: { maxBytes: number; mime?: string[] }, mime: string, size: number): boolean {
  return (!l.maxBytes || size <= l.maxBytes) && (!l.mime?.length || l.mime.some((m) => matches(m, mime)));
}

function matches(pattern: string, mime: string): boolean {
  if (pattern === "*" || pattern === "*/*") return true;
  return pattern.endsWith("/*") ? mime.startsWith(pattern.slice(0, -1)) : pattern === mime;
}

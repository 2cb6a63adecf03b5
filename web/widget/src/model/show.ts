// How times, days and sizes read.
import type { Strings } from "./strings";
import type { Msg } from "./thread";

export function timeOf(at: string, locale: string): string {
  return new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(new Date(at));
}

/** The day as its separator reads: Today, Yesterday, then the date (with the year when it is another one). */
export function dayOf(at: string, now: Date, locale: string, s: Strings): string {
  const d = new Date(at);
  const days = Math.round((midnight(now) - midnight(d)) / 86_400_000);
  if (days === 0) return s.today;
  if (days === 1) return s.yesterday;
  const year = d.getFullYear() === now.getFullYear() ? {} : { year: "numeric" as const };
  return new Intl.DateTimeFormat(locale, { weekday: "short", day: "numeric", month: "long", ...year }).format(d);
}

function midnight(d: Date): number {
  return new Date(d.getFullYear(), d.getMonth(), d.getDate()).getTime();
}

export function sameDay(a: string, b: string): boolean {
  return midnight(new Date(a)) === midnight(new Date(b));
}

export function sizeOf(bytes: number, unit = true): string {
  if (bytes < 1_000_000) return `${Math.max(bytes > 0 ? 1 : 0, Math.round(bytes / 1000))}${unit ? " kB" : ""}`;
  return `${(bytes / 1_000_000).toFixed(1)}${unit ? " MB" : ""}`;
}

/** "1.3 of 2.1 MB": both in the unit of the larger. */
export function doneOf(done: number, size: number): [string, string] {
  const all = sizeOf(size);
  return [size < 1_000_000 ? String(Math.round(done / 1000)) : (done / 1_000_000).toFixed(1), all];
}

export function hello(now: Date, s: Strings): string {
  const h = now.getHours();
  if (h >= 4 && h < 12) return s.morning;
  return h >= 12 && h < 18 ? s.afternoon : s.evening;
}

export function ago(at: string, now: number, locale: string, s: Strings): string {
  const min = Math.floor((now - Date.parse(at)) / 60_000);
  if (min < 1) return s.justNow;
  return min < 60 ? s.minAgo(min) : timeOf(at, locale);
}

export function initialsOf(name: string): string {
  const words = name.trim().split(/\s+/);
  const first = [...(words[0] ?? "")][0] ?? "";
  const last = words.length > 1 ? ([...(words[words.length - 1] ?? "")][0] ?? "") : "";
  return (first + last).toUpperCase();
}

export function badge(n: number): string {
  return n > 99 ? "99+" : String(n);
}

/** The conversation as plain text, for the person to keep. */
export function transcript(messages: readonly Msg[], locale: string, s: Strings): string {
  const stamp = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
  return messages
    .map((m) => {
      const who = m.mine ? s.you : m.actor.name || s.us;
      const parts = (m.body.parts ?? []).map((p) => `[${p.name || s.file}]`);
      const text = m.body.unsent ? s.deleted : [m.body.text ?? "", ...parts].filter(Boolean).join(" ");
      return `${stamp.format(new Date(m.at))}  ${who}: ${text}`;
    })
    .join("\n");
}

// Times as people read them: 09:31 today, "Yesterday", then dates; remaining time with its unit.

import { locale, t } from "./i18n";
import { store } from "./store";

/** The present minute; lists and windows count by it. */
export const clock = store(Date.now());
setInterval(() => clock.set(Date.now()), 15_000);

const formats = new Map<string, Intl.DateTimeFormat>();
function format(o: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  // the options are constants below: their key is made once
  let name = names.get(o);
  if (!name) {
    name = JSON.stringify(o);
    names.set(o, name);
  }
  const key = locale() + name;
  let f = formats.get(key);
  if (!f) {
    f = new Intl.DateTimeFormat(locale(), o);
    formats.set(key, f);
  }
  return f;
}
const names = new WeakMap<Intl.DateTimeFormatOptions, string>();
const clockTime: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
const inFull: Intl.DateTimeFormatOptions = {
  ...clockTime,
  weekday: "long",
  day: "numeric",
  month: "long",
  year: "numeric",
  second: "2-digit",
};

/** Whole days from a to b, by the calendar here. */
export function days(a: Date, b: Date): number {
  const x = new Date(a.getFullYear(), a.getMonth(), a.getDate());
  const y = new Date(b.getFullYear(), b.getMonth(), b.getDate());
  return Math.round((y.getTime() - x.getTime()) / 86_400_000);
}

export function timeOfDay(d: Date): string {
  return format(clockTime).format(d);
}

/** For rows: 09:31, Yesterday, Mon, 18 Nov, 3 Jun 2025. */
export function short(at: string, now = new Date()): string {
  const d = new Date(at);
  const ago = days(d, now);
  if (ago === 0) return timeOfDay(d);
  if (ago === 1) return t("time.yesterday");
  if (ago > 1 && ago < 7) return format({ weekday: "short" }).format(d);
  if (d.getFullYear() === now.getFullYear()) return format({ day: "numeric", month: "short" }).format(d);
  return format({ day: "numeric", month: "short", year: "numeric" }).format(d);
}

/** For day separators: "Today, Thursday 19 November". */
export function dayName(at: string, now = new Date()): string {
  const d = new Date(at);
  const ago = days(d, now);
  const sameYear = d.getFullYear() === now.getFullYear();
  const date = format({ weekday: "long", day: "numeric", month: "long", ...(sameYear ? {} : { year: "numeric" }) }).format(d);
  if (ago === 0) return t("time.todayDate", { date });
  if (ago === 1) return t("time.yesterdayDate", { date });
  return date;
}

/** A moment in full, for tooltips. */
export function full(at: string): string {
  return format(inFull).format(new Date(at));
}

/** When something comes back: 17:00, tomorrow 09:00, Fri 09:00, 3 Dec 09:00. */
export function upcoming(at: string, now = new Date()): string {
  const d = new Date(at);
  const ahead = days(now, d);
  const time = timeOfDay(d);
  if (ahead === 0) return time;
  if (ahead === 1) return t("time.tomorrowAt", { time });
  const date = format(ahead > 1 && ahead < 7 ? { weekday: "short" } : { day: "numeric", month: "short" }).format(d);
  return `${date} ${time}`;
}

/** When a snoozed conversation comes back; without a time it is when the person writes. */
export function comesBack(at: string | undefined): string {
  return at ? upcoming(at) : t("snooze.untilReply");
}

/** A length of time in its largest unit: 14 min, 6 h, 3 d. */
export function span(ms: number): string {
  const min = Math.floor(ms / 60_000);
  if (min < 1) return t("span.now");
  if (min < 60) return t("span.min", { n: min });
  const h = Math.floor(min / 60);
  if (h < 48) return t("span.h", { n: h });
  return t("span.d", { n: Math.floor(h / 24) });
}

/** A date without time, for the past. */
export function date(at: string): string {
  return format({ day: "numeric", month: "short", year: "numeric" }).format(new Date(at));
}

export function bytes(n: number): string {
  const nf = (x: number, digits: number) => new Intl.NumberFormat(locale(), { maximumFractionDigits: digits }).format(x);
  if (n < 1000) return t("size.b", { n });
  if (n < 1e6) return `${nf(n / 1000, 0)} kB`;
  return n < 1e9 ? `${nf(n / 1e6, 1)} MB` : `${nf(n / 1e9, 1)} GB`;
}

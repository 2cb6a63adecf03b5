// When a snoozed conversation may come back: times that people mean, in their own time zone.

export type SnoozeWord = "hour" | "evening" | "tomorrow" | "monday" | "week";

function at(base: Date, days: number, hour: number): Date {
  return new Date(base.getFullYear(), base.getMonth(), base.getDate() + days, hour);
}

/** The offered times, none of them in the past or twice. */
export function choices(now: Date): { word: SnoozeWord; at: Date }[] {
  const out: { word: SnoozeWord; at: Date }[] = [{ word: "hour", at: new Date(now.getTime() + 3_600_000) }];
  if (now.getHours() < 16) out.push({ word: "evening", at: at(now, 0, 17) });
  out.push({ word: "tomorrow", at: at(now, 1, 9) });
  const toMonday = (8 - now.getDay()) % 7 || 7;
  if (toMonday > 1) out.push({ word: "monday", at: at(now, toMonday, 9) });
  if (toMonday !== 7) out.push({ word: "week", at: at(now, 7, 9) });
  return out.sort((a, b) => a.at.getTime() - b.at.getTime());
}

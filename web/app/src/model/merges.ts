// The merge of persons that can still be undone, as the timeline tells it.
import type { Timeline } from "./timeline";
import type { TimelineEvent } from "./types";

/** The last merge that was not undone since. */
export function lastMerge(t: Timeline): TimelineEvent["merge"] {
  const undone = new Set<string>();
  for (let i = t.order.length - 1; i >= 0; i--) {
    const m = t.byId.get(t.order[i] ?? "")?.merge;
    if (!m) continue;
    if (m.undone) undone.add(m.id);
    else if (!undone.has(m.id)) return m;
  }
  return undefined;
}

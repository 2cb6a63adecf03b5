// Drafts: here at once, on the hub half a second later. Saves of one draft follow one another, so that
// a late one cannot bring back what was sent.
import { readDraft, saveDraft } from "./hub";
import { kept, store } from "./store";

export interface Local {
  text: string;
  leg?: string;
  note?: boolean;
  version: number;
}

const SAVE_MS = 500;
/** By conversation; notes under "<conversation>#note". */
export const drafts = kept<Readonly<Record<string, Local>>>("parley.drafts", {});
/** Which drafts the hub has. */
export const savedDrafts = store<Readonly<Record<string, boolean>>>({});

const timers = new Map<string, ReturnType<typeof setTimeout>>();
const running = new Map<string, Promise<void>>();

export const draftKey = (c: string, note: boolean): string => (note ? `${c}#note` : c);

export function write(key: string, text: string, leg: string | undefined): void {
  const old = drafts.get()[key];
  if (old?.text === text && old.leg === leg) return;
  const version = (old?.version ?? 0) + 1;
  drafts.set((all) => ({ ...all, [key]: { text, version, ...(leg ? { leg } : {}) } }));
  savedDrafts.set((s) => ({ ...s, [key]: false }));
  if (key.includes("#")) return; // notes stay here: the hub keeps one draft per conversation
  clearTimeout(timers.get(key));
  timers.set(key, setTimeout(() => flush(key), SAVE_MS));
}

/** Empties a draft at once, here and on the hub. */
export function clear(key: string): void {
  if (!drafts.get()[key]?.text) return;
  write(key, "", undefined);
  clearTimeout(timers.get(key));
  flush(key);
}

function flush(key: string): void {
  const before = running.get(key) ?? Promise.resolve();
  const next = before.then(async () => {
    const d = drafts.get()[key];
    if (!d) return;
    try {
      await saveDraft(key, { text: d.text, version: d.version, ...(d.leg ? { leg: d.leg } : {}) });
      if (drafts.get()[key]?.version === d.version) done(key, d);
    } catch {
      // it is safe here; the next keystroke or the next visit tries again
    }
  });
  running.set(key, next);
}

function done(key: string, d: Local): void {
  savedDrafts.set((s) => ({ ...s, [key]: true }));
  if (d.text) return;
  // an empty draft is kept only as its version, so that another tab's older save loses
  drafts.set((all) => ({ ...all, [key]: { text: "", version: d.version } }));
}

/** Takes the hub's draft where it is newer than ours: written on another machine. */
export async function pull(c: string): Promise<void> {
  try {
    const d = await readDraft(c);
    const mine = drafts.get()[c];
    if (d && d.version > (mine?.version ?? 0)) {
      drafts.set((all) => ({ ...all, [c]: { text: d.text, version: d.version, ...(d.leg ? { leg: d.leg } : {}) } }));
      savedDrafts.set((s) => ({ ...s, [c]: true }));
    }
  } catch {
    // without the hub the local draft is the draft
  }
}

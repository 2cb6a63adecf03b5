// Drafts: here at once, on the hub half a second later. Saves of one draft follow one another, so that
// a late one cannot bring back what was sent.

import { Problem } from "./http";
import { readDraft, saveDraft } from "./hub";
import { owner, ownKept } from "./own";
import { store } from "./store";

export interface Local {
  text: string;
  leg?: string;
  note?: boolean;
  version: number;
}

const SAVE_MS = 500;
/** Mine, by conversation; notes under "<conversation>#note". */
export const drafts = ownKept<Readonly<Record<string, Local>>>("parley.drafts", {});
/** Which drafts the hub has. */
export const savedDrafts = store<Readonly<Record<string, boolean>>>({});

const timers = new Map<string, ReturnType<typeof setTimeout>>();
const running = new Map<string, Promise<void>>();

const of = (key: string): string => key.replace(/#note$/, "");
const isNote = (key: string): boolean => key.endsWith("#note");
export const draftKey = (c: string, note: boolean): string => (note ? `${c}#note` : c);

export function write(key: string, text: string, leg: string | undefined): void {
  const old = drafts.get()[key];
  if (old?.text === text && old.leg === leg) return;
  const version = (old?.version ?? 0) + 1;
  drafts.set((all) => ({ ...all, [key]: { text, version, ...(leg ? { leg } : {}) } }));
  savedDrafts.set((s) => ({ ...s, [key]: false }));
  clearTimeout(timers.get(key));
  timers.set(
    key,
    setTimeout(() => flush(key), SAVE_MS),
  );
}

/** Empties a draft here. */
export function empty(key: string): void {
  if (drafts.get()[key]?.text) write(key, "", undefined);
}

/** Empties a draft here and on the hub, at once. */
export function clear(key: string): void {
  empty(key);
  if (!drafts.get()[key]) return;
  clearTimeout(timers.get(key));
  flush(key);
}

function flush(key: string): void {
  const before = running.get(key) ?? Promise.resolve();
  const next = before.then(async () => {
    const mine = owner();
    const d = drafts.get()[key];
    if (!d) return;
    try {
      await saveDraft(of(key), isNote(key), { text: d.text, version: d.version, ...(d.leg ? { leg: d.leg } : {}) });
      if (owner() !== mine) return;
      if (drafts.get()[key]?.version === d.version) done(key, d);
    } catch (e) {
      // it is safe here; the next keystroke or the next visit tries again
      if (owner() === mine && e instanceof Problem && e.is("draft-older")) overtake(key, e);
    }
  });
  running.set(key, next);
}

/** Somebody (I, elsewhere) saved a later version: what is written here now follows it. */
function overtake(key: string, e: Problem): void {
  const theirs = (e.body.draft as { version?: number } | undefined)?.version ?? 0;
  const mine = drafts.get()[key];
  if (!mine || theirs < mine.version) return;
  drafts.set((all) => ({ ...all, [key]: { ...mine, version: theirs + 1 } }));
  clearTimeout(timers.get(key));
  timers.set(
    key,
    setTimeout(() => flush(key), SAVE_MS),
  );
}

function done(key: string, d: Local): void {
  savedDrafts.set((s) => ({ ...s, [key]: true }));
  if (d.text) return;
  // an empty draft is kept only as its version, so that another tab's older save loses
  drafts.set((all) => ({ ...all, [key]: { text: "", version: d.version } }));
}

/** Nothing is saved any more under whoever signs in next. */
export function rest(): void {
  for (const timer of timers.values()) clearTimeout(timer);
  timers.clear();
  running.clear();
  savedDrafts.set({});
}

/** Takes the hub's drafts where they are newer than ours: written on another machine. */
export async function pull(c: string): Promise<void> {
  const mine = owner();
  for (const note of [false, true]) {
    const key = draftKey(c, note);
    try {
      const d = await readDraft(c, note);
      if (owner() !== mine) return;
      if (d && d.version > (drafts.get()[key]?.version ?? 0)) {
        drafts.set((all) => ({ ...all, [key]: { text: d.text, version: d.version, ...(d.leg ? { leg: d.leg } : {}) } }));
        savedDrafts.set((s) => ({ ...s, [key]: true }));
      }
    } catch (e) {
      if (!(e instanceof Problem)) throw e; // without the hub the local draft is the draft
    }
  }
}

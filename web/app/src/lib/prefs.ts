// What I am doing and how I like it: survives a reload, stays in this browser.
import type { Sort } from "../model/list";
import { kept, store } from "./store";

export interface Prefs {
  sort: Sort;
  context: boolean; // the pane beside the thread, where it has room
}

export const prefs = kept<Prefs>("parley.prefs", { sort: "waiting", context: true });

/** Overlays: one at a time. */
export const overlay = store<
  "none" | "palette" | "start" | "keys" | "views" | "context" | "emoji" | "via" | "snooze" | "assign" | "state"
>("none");

export interface Toast {
  id: number;
  text: string;
  tone?: "bad";
  action?: { label: string; run: () => void };
}
export const toasts = store<readonly Toast[]>([]);
let last = 0;

/** Says something for six seconds, at the foot of the screen. */
export function say(text: string, o: Omit<Toast, "id" | "text"> = {}): void {
  const id = ++last;
  toasts.set((all) => [...all.slice(-2), { id, text, ...o }]);
  setTimeout(() => hush(id), 6000);
}

export function hush(id: number): void {
  toasts.set((all) => all.filter((x) => x.id !== id));
}

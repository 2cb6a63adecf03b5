// One declaration for each thing that somebody can do: it feeds the keys, the tooltips, the palette and
// the sheet of keys. Screens register what they offer while they are shown; two that want one key fail.
import { useEffect } from "react";
import type { IconName } from "../ui/icons";
import type { Key } from "./i18n";
import { store } from "./store";

export interface Action {
  id: string;
  title: Key;
  group: "conversation" | "write" | "list" | "go" | "app";
  icon: IconName;
  combo?: string; // "e", "shift+e", "mod+enter", "g i"
  /** Also while somebody types. */
  typing?: boolean;
  /** Left out of the palette: it makes sense only by its key. */
  keyOnly?: boolean;
  when?: () => boolean;
  run: () => void;
}

export const actions = store<readonly Action[]>([]);

/** Adds actions for as long as the component is there. */
export function useActions(make: () => Action[], deps: readonly unknown[]): void {
  useEffect(() => {
    const mine = make();
    actions.set((all) => {
      for (const a of mine) {
        const other = a.combo && all.find((b) => b.combo === a.combo && b.id !== a.id);
        if (other) throw new Error(`${a.id} and ${other.id} both want ${a.combo}`);
      }
      return [...all, ...mine];
    });
    return () => actions.set((all) => all.filter((a) => !mine.includes(a)));
    // biome-ignore lint/correctness/useExhaustiveDependencies: the caller names what its actions depend on
  }, deps);
}

function comboOf(e: KeyboardEvent): string {
  const key = e.key.length === 1 ? e.key.toLowerCase() : e.key.toLowerCase();
  const letter = /^[a-z]$/.test(key);
  return [(e.metaKey || e.ctrlKey) && "mod", e.altKey && "alt", e.shiftKey && (letter || key.length > 1) && "shift", key]
    .filter(Boolean)
    .join("+");
}

function isTyping(target: EventTarget | null): boolean {
  const el = target as HTMLElement | null;
  return (
    !!el &&
    (el.isContentEditable ||
      el.tagName === "TEXTAREA" ||
      el.tagName === "SELECT" ||
      (el.tagName === "INPUT" && !["checkbox", "radio", "button"].includes((el as HTMLInputElement).type)))
  );
}

const SEQUENCE_MS = 900;
let prefix = "";
let prefixAt = 0;

/** Runs what a key stands for. */
export function onKey(e: KeyboardEvent): void {
  if (e.defaultPrevented || e.isComposing || ["Shift", "Control", "Alt", "Meta"].includes(e.key)) return;
  const combo = comboOf(e);
  const typing = isTyping(e.target);
  const inMenu = (e.target as HTMLElement | null)?.closest?.('[role="menu"],[role="dialog"],[role="listbox"][data-own-keys]');
  if (inMenu && !combo.startsWith("mod")) return;
  const sequence = prefix && Date.now() - prefixAt < SEQUENCE_MS ? `${prefix} ${combo}` : "";
  prefix = "";
  const can = (a: Action) => (!typing || a.typing) && (!a.when || a.when());
  const hit = actions.get().find((a) => a.combo && (a.combo === sequence || a.combo === combo) && can(a));
  if (hit) {
    e.preventDefault();
    hit.run();
    return;
  }
  if (!typing && actions.get().some((a) => a.combo?.startsWith(`${combo} `))) {
    prefix = combo;
    prefixAt = Date.now();
  }
}

/** The key of an action, for a button that does the same. */
export function comboFor(id: string): string | undefined {
  return actions.get().find((a) => a.id === id)?.combo;
}

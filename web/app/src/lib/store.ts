// A value that others can watch: the smallest store that React can subscribe to.
import { useSyncExternalStore } from "react";

export interface Store<T> {
  get(): T;
  set(next: T | ((now: T) => T)): void;
  watch(f: () => void): () => void;
}

export function store<T>(first: T): Store<T> {
  let now = first;
  const watchers = new Set<() => void>();
  return {
    get: () => now,
    set(next) {
      const value = typeof next === "function" ? (next as (now: T) => T)(now) : next;
      if (Object.is(value, now)) return;
      now = value;
      for (const f of [...watchers]) f();
    },
    watch(f) {
      watchers.add(f);
      return () => watchers.delete(f);
    },
  };
}

export function useStore<T>(s: Store<T>): T {
  return useSyncExternalStore(s.watch, s.get, s.get);
}

/** A part of a store; the component draws again only when the part changes. */
export function usePart<T, P>(s: Store<T>, pick: (t: T) => P): P {
  return useSyncExternalStore(s.watch, () => pick(s.get()));
}

/** A store kept in this browser. What cannot be read back is forgotten. */
export function kept<T>(key: string, first: T): Store<T> {
  let saved = first;
  try {
    const raw = localStorage.getItem(key);
    if (raw) saved = JSON.parse(raw) as T;
  } catch {
    saved = first;
  }
  const s = store(saved);
  s.watch(() => {
    try {
      localStorage.setItem(key, JSON.stringify(s.get()));
    } catch {
      // a full or forbidden storage must not stop anybody from writing
    }
  });
  return s;
}

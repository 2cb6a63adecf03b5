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

/** What this browser keeps under a key. What cannot be read back is forgotten. */
export function read<T>(key: string, first: T): T {
  try {
    const raw = localStorage.getItem(key);
    return raw ? (JSON.parse(raw) as T) : first;
  } catch {
    return first;
  }
}

export function save(key: string, value: unknown): void {
  try {
    localStorage.setItem(key, JSON.stringify(value));
  } catch {
    // a full or forbidden storage must not stop anybody from writing
  }
}

/** A store kept in this browser, for whoever uses it. */
export function kept<T>(key: string, first: T): Store<T> {
  const s = store(read(key, first));
  s.watch(() => save(key, s.get()));
  return s;
}

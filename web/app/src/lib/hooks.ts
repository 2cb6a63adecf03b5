import { useEffect, useRef, useState, useSyncExternalStore } from "react";
import { useStore } from "./store";
import { clock } from "./time";

/** The present moment, moving on every quarter of a minute. */
export function useNow(): number {
  return useStore(clock);
}

export function useMedia(query: string): boolean {
  return useSyncExternalStore(
    (f) => {
      const m = matchMedia(query);
      m.addEventListener("change", f);
      return () => m.removeEventListener("change", f);
    },
    () => matchMedia(query).matches,
  );
}

export const usePhone = (): boolean => useMedia("(max-width: 767px)");

/** True once something lasts longer than `ms`: skeletons and spinners do not flash. */
export function useLasting(on: boolean, ms: number): boolean {
  const [lasts, setLasts] = useState(false);
  useEffect(() => {
    if (!on) return setLasts(false);
    const timer = setTimeout(() => setLasts(true), ms);
    return () => clearTimeout(timer);
  }, [on, ms]);
  return on && lasts;
}

/** The last value while `hold` is true. */
export function useHeld<T>(value: T, hold: boolean): T {
  const kept = useRef(value);
  if (!hold) kept.current = value;
  return kept.current;
}

import { useEffect, useRef, useState, useSyncExternalStore } from "react";
import { useStore } from "./store";
import { clock } from "./time";

/** The present moment, moving on every quarter of a minute. */
export function useNow(): number {
  return useStore(clock);
}

interface Media {
  watch: (f: () => void) => () => void;
  get: () => boolean;
}
const medias = new Map<string, Media>();

/** One list for each query: asking the browser anew at each drawing costs more than the drawing. */
function media(query: string): Media {
  let x = medias.get(query);
  if (!x) {
    const m = matchMedia(query);
    x = {
      watch: (f) => {
        m.addEventListener("change", f);
        return () => m.removeEventListener("change", f);
      },
      get: () => m.matches,
    };
    medias.set(query, x);
  }
  return x;
}

export function useMedia(query: string): boolean {
  const m = media(query);
  return useSyncExternalStore(m.watch, m.get);
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

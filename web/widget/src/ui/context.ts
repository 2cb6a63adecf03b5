import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Engine } from "../core/engine";
import type { Strings } from "../model/strings";

/** What every part of the panel may use. */
export interface Ctx {
  engine: Engine;
  s: Strings;
  locale: string;
}

export const PanelContext = createContext<Ctx | undefined>(undefined);

export function usePanel(): Ctx {
  const c = useContext(PanelContext);
  if (!c) throw new Error("outside of the panel");
  return c;
}

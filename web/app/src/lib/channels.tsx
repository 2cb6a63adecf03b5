// Channels by kind, as the hub describes them. The app knows none by name.
import { useQuery } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useMemo } from "react";
import type { Capabilities, Channel, Leg } from "../model/types";
import { channelsQuery } from "./hub";
import { said, useWords } from "./i18n";

export interface ChannelLook {
  kind: string;
  title: string;
  icon: string;
  hue: number;
  can?: Capabilities;
  places?: Record<string, Capabilities>;
}

/** What a channel allows on one sort of thread. */
export function canOn(look: ChannelLook, leg: Pick<Leg, "place"> | undefined): Capabilities | undefined {
  return look.places?.[leg?.place ?? ""] ?? look.can;
}

export type Look = (kind: string) => ChannelLook;

/** One that is not known (any more) has its kind as its word. */
const unknown: Look = (kind) => ({ kind, title: kind, icon: "message-circle", hue: 250 });
const Looks = createContext<Look>(unknown);

/** Asks for the channels once, for everything below it: a timeline draws thousands of glyphs. */
export function ChannelLooks({ children }: { children: ReactNode }) {
  const t = useWords();
  const { data } = useQuery(channelsQuery);
  // biome-ignore lint/correctness/useExhaustiveDependencies: titles follow the language
  const look = useMemo((): Look => {
    const known = new Map(
      (data ?? []).map((c: Channel): [string, ChannelLook] => [
        c.kind,
        { kind: c.kind, title: said(c.title, c.kind), icon: c.icon, hue: c.hue, can: c.can, places: c.places },
      ]),
    );
    return (kind) => known.get(kind) ?? unknown(kind);
  }, [data, t]);
  return <Looks.Provider value={look}>{children}</Looks.Provider>;
}

/** A leg as it looks: its channel, with the word for the sort of thread and what is allowed on it. */
export function legLook(look: Look, leg: Leg): ChannelLook {
  const x = look(leg.channel);
  const can = canOn(x, leg);
  if (!leg.place) return x;
  return { ...x, title: `${x.title} · ${said(can?.label, leg.place)}`, ...(can ? { can } : {}) };
}

/** How a channel looks. */
export function useLook(): Look {
  return useContext(Looks);
}

// Channels by kind, as the hub describes them. The app knows none by name.
import { useQuery } from "@tanstack/react-query";
import { useCallback, useMemo } from "react";
import type { Capabilities, Channel } from "../model/types";
import { channelsQuery } from "./hub";
import { said, useWords } from "./i18n";

export interface ChannelLook {
  kind: string;
  title: string;
  icon: string;
  hue: number;
  can?: Capabilities;
}

export type Look = (kind: string) => ChannelLook;

/** How a channel looks; one that is not known (any more) has its kind as its word. */
export function useLook(): Look {
  useWords();
  const { data } = useQuery(channelsQuery);
  const byKind = useMemo(() => new Map((data ?? []).map((c: Channel) => [c.kind, c])), [data]);
  return useCallback(
    (kind: string) => {
      const c = byKind.get(kind);
      if (!c) return { kind, title: kind, icon: "message-circle", hue: 250 };
      return { kind, title: said(c.title, kind), icon: c.icon, hue: c.hue, can: c.can };
    },
    [byKind],
  );
}

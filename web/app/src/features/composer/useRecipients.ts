import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { accountsQuery } from "../../lib/hub";
import { thread } from "../../lib/inbox";
import { usePart } from "../../lib/store";
import { answerAll, lastEnvelope, parse, type Recipients } from "../../model/envelope";
import type { Capabilities, Conversation, Envelope, Leg } from "../../model/types";

export interface Typed {
  to: string;
  cc: string;
  bcc: string;
}

export interface Addressing {
  /** Derived from the message answered. */
  derived: Recipients;
  /** What was typed instead; nothing: as derived. */
  typed: Typed | undefined;
  set: (t: Typed | undefined) => void;
  /** Parts that are no address. */
  bad: string[];
  /** What to send along; nothing where the channel knows no recipients. */
  envelope: Envelope | undefined;
}

/** Whom the answer goes to. What was typed counts until another message is answered. */
export function useRecipients(c: Conversation, leg: Leg | undefined, can: Capabilities | undefined): Addressing | undefined {
  const accounts = useQuery({ ...accountsQuery, retry: false, enabled: !!can?.envelope });
  const last = usePart(thread(c.id).timeline, (t) => (leg && can?.envelope ? lastEnvelope(t.byId.values(), leg.id) : undefined));
  const [typed, setTyped] = useState<{ of: string; text: Typed }>();
  const account = accounts.data?.find((x) => x.id === leg?.thread.account);
  const of = `${leg?.id ?? ""} ${last?.id ?? ""}`;
  const now = typed?.of === of ? typed.text : undefined;
  return useMemo(() => {
    if (!can?.envelope || !leg) return undefined;
    const own = [account?.handle, account?.settings.address].filter((x): x is string => !!x);
    const derived = answerAll(last?.message?.envelope, last?.direction ?? "in", own);
    if (derived.to.length === 0 && derived.cc.length === 0 && leg.peer) derived.to = [{ address: leg.peer }];
    const set = (text: Typed | undefined) => setTyped(text ? { of, text } : undefined);
    if (!now) return { derived, typed: undefined, set, bad: [], envelope: derived };
    const [to, cc, bcc] = [parse(now.to), parse(now.cc), parse(now.bcc)];
    const bad = [...to.bad, ...cc.bad, ...bcc.bad];
    return { derived, typed: now, set, bad, envelope: { to: to.list, cc: cc.list, bcc: bcc.list } };
  }, [can?.envelope, leg, account, last, now, of]);
}

import { useMemo } from "react";
import { flushSync } from "react-dom";
import { resolve } from "../../lib/changes";
import { clear, draftKey, empty } from "../../lib/drafts";
import { type Key, t } from "../../lib/i18n";
import { readAll, thread } from "../../lib/inbox";
import { dispatch, show } from "../../lib/outbox";
import { say } from "../../lib/prefs";
import { ulid } from "../../lib/ulid";
import { measure } from "../../model/legs";
import type { Capabilities, Conversation, Leg, Me } from "../../model/types";
import type { Attachments } from "./useAttachments";
import type { Addressing } from "./useRecipients";

export interface Sending {
  /** Why it cannot be sent now; nothing: it can. */
  blocked: Key | undefined;
  go: (thenResolve: boolean) => void;
}

interface What {
  c: Conversation;
  me: Me;
  note: boolean;
  text: string;
  leg: Leg | undefined;
  can: Capabilities | undefined;
  open: boolean;
  files: Attachments;
  to: Addressing | undefined;
  done: () => void;
}

function block(w: What): Key | undefined {
  const nothing = !w.text.trim() && w.files.ready.length === 0;
  if (w.files.busy) return "write.uploading";
  if (w.files.bad) return "write.badFile";
  if (nothing) return "write.nothing";
  if (w.note) return undefined;
  if (!w.leg) return "write.noLeg";
  if (!w.open) return "write.closed";
  if (w.to?.bad.length) return "write.badAddresses";
  if (w.to && !w.to.envelope?.to?.length) return "write.noRecipient";
  const max = w.can?.text.max ?? 0;
  if (max > 0 && measure(w.text, w.can?.text.unit) > max) return "write.tooLong";
  return undefined;
}

/** Sends what is written: the bubble is there before the hub has heard of it. */
export function useSend(w: What): Sending {
  const blocked = block(w);
  // biome-ignore lint/correctness/useExhaustiveDependencies: everything that is sent is named
  return useMemo(
    () => ({
      blocked,
      go: (thenResolve: boolean) => {
        if (blocked) {
          if (blocked !== "write.nothing") say(t(blocked), { tone: "bad" });
          return;
        }
        const seconds = w.me.settings.undo;
        const key = draftKey(w.c.id, w.note);
        const item = {
          conversation: w.c.id,
          name: w.c.name,
          at: new Date().toISOString(),
          actor: { id: w.me.id, name: w.me.name },
          parts: w.files.ready.map((f) => f.part),
          body: {
            id: ulid(),
            ...(w.text.trim() ? { text: w.text.trim() } : {}),
            ...(w.files.ready.length > 0 ? { parts: w.files.ready.map((f) => ({ file: f.part.file ?? "" })) } : {}),
            ...(w.note
              ? { note: true }
              : {
                  baseSeq: thread(w.c.id).timeline.get().seq,
                  ...(w.leg ? { leg: w.leg.id } : {}),
                  ...(w.to?.envelope ? { envelope: w.to.envelope } : {}),
                  undo: seconds,
                }),
          },
        };
        // drawn in the frame of the key; the network comes after
        flushSync(() => {
          show(item);
          empty(key);
          w.files.clear();
        });
        dispatch(item.body.id);
        clear(key);
        readAll(w.c);
        if (thenResolve && !w.note) void resolve(w.c);
        w.done();
      },
    }),
    [blocked, w.c, w.text, w.note, w.leg, w.files.ready, w.to],
  );
}

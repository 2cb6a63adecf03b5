import { type DragEvent, type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import { useActions } from "../../lib/actions";
import { canOn, useLook } from "../../lib/channels";
import { draftKey, drafts, savedDrafts, write } from "../../lib/drafts";
import { useNow } from "../../lib/hooks";
import { socket } from "../../lib/inbox";
import { undoable } from "../../lib/outbox";
import { overlay } from "../../lib/prefs";
import { replyLeg } from "../../lib/reply";
import { usePart } from "../../lib/store";
import { answerOn, opening } from "../../model/legs";
import type { Conversation, Leg } from "../../model/types";
import type { Sending } from "./useSend";
import { useUndo } from "./useUndo";

const TYPING_MS = 4000;
const TALLEST = 260;

/** By which leg the answer goes: the chosen one, the draft's, or the one last written on. */
export function useLeg(c: Conversation, drafted: string | undefined) {
  const look = useLook();
  const now = useNow();
  const chosen = usePart(replyLeg, (all) => all[c.id]);
  const leg =
    c.legs.find((l) => l.id === (chosen ?? drafted)) ?? answerOn(c.legs, (l) => canOn(look(l.channel), l), new Date(now));
  const can = leg ? canOn(look(leg.channel), leg) : undefined;
  const open = !!leg && opening(leg, can, new Date(now)).open;
  // the leg bar shows which leg is answered on, also before anybody chose
  const id = leg?.id;
  useEffect(() => {
    if (!chosen && id) replyLeg.set((all) => ({ ...all, [c.id]: id }));
  }, [chosen, id, c.id]);
  return { leg, can, open };
}

/** The draft that is being written. */
export function useDraft(c: Conversation, note: boolean) {
  const key = draftKey(c.id, note);
  const draft = usePart(drafts, (all) => all[key]);
  const saved = usePart(savedDrafts, (all) => all[key]);
  return { key, text: draft?.text ?? "", leg: draft?.leg, saved };
}

/** Writes the draft, and tells the others now and then that somebody types. */
export function useChange(c: Conversation, key: string, leg: Leg | undefined): (text: string) => void {
  const told = useRef(0);
  const id = leg?.id;
  return useCallback(
    (v: string) => {
      write(key, v, id);
      if (Date.now() - told.current > TYPING_MS && v) {
        told.current = Date.now();
        socket.send({ type: "presence", conversation: c.id, state: "typing" });
      }
    },
    [c.id, key, id],
  );
}

/** Puts an emoji where the cursor stands. */
export function useInsert(box: RefObject<HTMLTextAreaElement | null>, change: (text: string) => void): (emoji: string) => void {
  return useCallback(
    (emoji: string) => {
      const el = box.current;
      if (!el) return;
      const from = el.selectionStart;
      change(el.value.slice(0, from) + emoji + el.value.slice(el.selectionEnd));
      requestAnimationFrame(() => {
        el.focus();
        el.setSelectionRange(from + emoji.length, from + emoji.length);
      });
    },
    [box, change],
  );
}

/** The keys of the composer. */
export function useWritingKeys(send: Sending, focus: (note: boolean) => void, note: boolean): void {
  const undo = useUndo();
  useActions(
    () => [
      { id: "w.reply", title: "action.reply", group: "write", icon: "arrow-back-up", combo: "r", run: () => focus(false) },
      { id: "w.note", title: "action.note", group: "write", icon: "lock", combo: "n", run: () => focus(true) },
      { id: "w.via", title: "action.via", group: "write", icon: "plug", combo: "v", run: () => overlay.set("via") },
      {
        id: "w.send",
        title: "action.send",
        group: "write",
        icon: "send",
        combo: "mod+enter",
        typing: true,
        run: () => send.go(false),
      },
      {
        id: "w.sendResolve",
        title: "action.sendResolve",
        group: "write",
        icon: "circle-check",
        combo: "mod+shift+enter",
        typing: true,
        when: () => !note,
        run: () => send.go(true),
      },
      {
        id: "w.undo",
        title: "action.undo",
        group: "write",
        icon: "arrow-back-up",
        combo: "z",
        when: () => undoable.get().length > 0,
        run: () => {
          const u = undoable.get().at(-1);
          if (u) void undo(u);
        },
      },
    ],
    [focus, send, undo, note],
  );
}

/** A field as high as its text. */
export function useGrow(box: RefObject<HTMLTextAreaElement | null>, text: string): void {
  // biome-ignore lint/correctness/useExhaustiveDependencies: the height follows the text
  useLayoutEffect(() => {
    const el = box.current;
    if (!el) return;
    el.style.height = "0";
    el.style.height = `${Math.min(TALLEST, el.scrollHeight)}px`;
  }, [text, box]);
}

/** Takes files that are dropped on it. */
export function useDrop(add: (files: File[]) => void) {
  const [over, setOver] = useState(false);
  const on = {
    onDragOver: (e: DragEvent) => {
      if (!e.dataTransfer.types.includes("Files")) return;
      e.preventDefault();
      setOver(true);
    },
    onDragLeave: () => setOver(false),
    onDrop: (e: DragEvent) => {
      if (e.dataTransfer.files.length === 0) return;
      e.preventDefault();
      setOver(false);
      add([...e.dataTransfer.files]);
    },
  };
  return { over, on };
}

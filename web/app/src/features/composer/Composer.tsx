import { useQuery } from "@tanstack/react-query";
import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import { useActions } from "../../lib/actions";
import { useLook } from "../../lib/channels";
import { draftKey, drafts, savedDrafts, write } from "../../lib/drafts";
import { useNow } from "../../lib/hooks";
import { type Opened, openedKey } from "../../lib/hub";
import { useWords } from "../../lib/i18n";
import { socket, thread } from "../../lib/inbox";
import { undoable } from "../../lib/outbox";
import { overlay } from "../../lib/prefs";
import { replyLeg } from "../../lib/reply";
import { usePart, useStore } from "../../lib/store";
import { answerOn, opening } from "../../model/legs";
import type { Conversation, Me } from "../../model/types";
import { cx } from "../../ui/parts";
import s from "./composer.module.css";
import { Files } from "./Files";
import { Foot } from "./Foot";
import { Head } from "./Head";
import { useAttachments } from "./useAttachments";
import { useSend } from "./useSend";
import { useUndo } from "./useUndo";

/** Where one writes. Shown once the conversation is known. */
export function Composer({ id, me }: { id: string; me: Me }) {
  const opened = useQuery<Opened>({ queryKey: openedKey(id), enabled: false });
  const loaded = usePart(thread(id).timeline, (t) => t.loaded);
  const c = opened.data?.conversation;
  return c && loaded ? <Writing c={c} me={me} /> : null;
}

const TYPING_MS = 4000;

function Writing({ c, me }: { c: Conversation; me: Me }) {
  const t = useWords();
  const look = useLook();
  const now = useNow();
  const [note, setNote] = useState(false);
  const key = draftKey(c.id, note);
  const draft = useStore(drafts)[key];
  const saved = useStore(savedDrafts)[key];
  const text = draft?.text ?? "";
  const box = useRef<HTMLTextAreaElement>(null);
  const chosen = useStore(replyLeg)[c.id];
  const leg = c.legs.find((l) => l.id === (chosen ?? draft?.leg)) ?? answerOn(c.legs, (k) => look(k).can, new Date(now));
  const can = leg ? look(leg.channel).can : undefined;
  const open = !!leg && opening(leg, can, new Date(now)).open;
  const files = useAttachments(note ? undefined : can);
  const undo = useUndo();
  const send = useSend({ c, me, note, text, leg, can, open, files, done: () => box.current?.focus() });

  // the leg bar shows which leg is answered on, also before anybody chose
  const legID = leg?.id;
  useEffect(() => {
    if (!chosen && legID) replyLeg.set((all) => ({ ...all, [c.id]: legID }));
  }, [chosen, legID, c.id]);

  useGrow(box, text);
  const told = useRef(0);
  const change = (v: string) => {
    write(key, v, leg?.id);
    if (Date.now() - told.current > TYPING_MS && v) {
      told.current = Date.now();
      socket.send({ type: "presence", conversation: c.id, state: "typing" });
    }
  };
  const focus = useCallback((asNote: boolean) => {
    setNote(asNote);
    requestAnimationFrame(() => box.current?.focus());
  }, []);
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

  const insert = (emoji: string) => {
    const el = box.current;
    const from = el?.selectionStart ?? text.length;
    const to = el?.selectionEnd ?? from;
    change(text.slice(0, from) + emoji + text.slice(to));
    requestAnimationFrame(() => {
      el?.focus();
      el?.setSelectionRange(from + emoji.length, from + emoji.length);
    });
  };
  const [over, setOver] = useState(false);

  return (
    <section
      className={cx(s.cp, note && s.noting, over && s.over)}
      aria-label={t("write.name")}
      onDragOver={(e) => {
        if (e.dataTransfer.types.includes("Files")) {
          e.preventDefault();
          setOver(true);
        }
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(e) => {
        if (e.dataTransfer.files.length === 0) return;
        e.preventDefault();
        setOver(false);
        files.add([...e.dataTransfer.files]);
      }}
    >
      <Head c={c} note={note} setNote={focus} text={text} can={note ? undefined : can} {...(leg ? { leg } : {})} />
      <textarea
        ref={box}
        className={s.ta}
        rows={1}
        value={text}
        aria-label={t(note ? "write.noteLabel" : "write.replyLabel")}
        placeholder={
          note
            ? t("write.notePlaceholder")
            : open
              ? t("write.placeholder", { name: c.name.split(" ")[0] ?? c.name })
              : t("write.closed")
        }
        onChange={(e) => change(e.currentTarget.value)}
        onKeyDown={(e) => {
          if (e.key === "Escape") {
            e.currentTarget.blur();
            e.stopPropagation();
          }
        }}
        onPaste={(e) => {
          const list = [...e.clipboardData.files];
          if (list.length > 0) {
            e.preventDefault();
            files.add(list);
          }
        }}
      />
      <Files files={files} />
      <Foot
        note={note}
        send={send}
        saved={!!text && saved === true}
        local={!!text && saved === false}
        attach={files.add}
        can={note ? undefined : can}
        insert={insert}
      />
    </section>
  );
}

const TALLEST = 260;

function useGrow(box: RefObject<HTMLTextAreaElement | null>, text: string): void {
  // biome-ignore lint/correctness/useExhaustiveDependencies: the height follows the text
  useLayoutEffect(() => {
    const el = box.current;
    if (!el) return;
    el.style.height = "0";
    el.style.height = `${Math.min(TALLEST, el.scrollHeight)}px`;
  }, [text, box]);
}

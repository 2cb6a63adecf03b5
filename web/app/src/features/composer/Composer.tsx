import { useQuery } from "@tanstack/react-query";
import { useCallback, useRef, useState } from "react";
import { type Opened, openedKey } from "../../lib/hub";
import { useWords } from "../../lib/i18n";
import { thread } from "../../lib/inbox";
import { usePart } from "../../lib/store";
import type { Conversation, Me } from "../../model/types";
import { cx } from "../../ui/parts";
import s from "./composer.module.css";
import { Files } from "./Files";
import { Foot } from "./Foot";
import { Head } from "./Head";
import { Recipients } from "./Recipients";
import { useAttachments } from "./useAttachments";
import { useRecipients } from "./useRecipients";
import { useSend } from "./useSend";
import { useChange, useDraft, useDrop, useGrow, useInsert, useLeg, useWritingKeys } from "./useWriting";

/** Where one writes. Shown once the conversation is known. */
export function Composer({ id, me }: { id: string; me: Me }) {
  const opened = useQuery<Opened>({ queryKey: openedKey(id), enabled: false });
  const loaded = usePart(thread(id).timeline, (t) => t.loaded);
  const c = opened.data?.conversation;
  return c && loaded ? <Writing c={c} me={me} /> : null;
}

function Writing({ c, me }: { c: Conversation; me: Me }) {
  const t = useWords();
  const [note, setNote] = useState(false);
  const box = useRef<HTMLTextAreaElement>(null);
  const draft = useDraft(c, note);
  const { text, saved } = draft;
  const { leg, can: legCan, open } = useLeg(c, draft.leg);
  const can = note ? undefined : legCan;
  const files = useAttachments(can);
  const to = useRecipients(c, leg, can);
  const done = useCallback(() => box.current?.focus(), []);
  const send = useSend({ c, me, note, text, leg, can: legCan, open, files, to, done });
  const change = useChange(c, draft.key, leg);
  const insert = useInsert(box, change);
  const focus = useCallback((asNote: boolean) => {
    setNote(asNote);
    requestAnimationFrame(() => box.current?.focus());
  }, []);
  const drop = useDrop(files.add);
  useGrow(box, text);
  useWritingKeys(send, focus, note);
  const invitation = open ? t("write.placeholder", { name: c.name.split(" ")[0] ?? c.name }) : t("write.closed");

  return (
    <section className={cx(s.cp, note && s.noting, drop.over && s.over)} aria-label={t("write.name")} {...drop.on}>
      <Head c={c} note={note} setNote={focus} text={text} can={can} {...(leg ? { leg } : {})} />
      {to ? <Recipients a={to} /> : null}
      <textarea
        ref={box}
        className={s.ta}
        rows={1}
        value={text}
        aria-label={t(note ? "write.noteLabel" : "write.replyLabel")}
        placeholder={note ? t("write.notePlaceholder") : invitation}
        onChange={(e) => change(e.currentTarget.value)}
        onKeyDown={(e) => {
          if (e.key !== "Escape") return;
          e.currentTarget.blur();
          e.stopPropagation();
        }}
        onPaste={(e) => {
          const list = [...e.clipboardData.files];
          if (list.length === 0) return;
          e.preventDefault();
          files.add(list);
        }}
      />
      <Files files={files} />
      <Foot
        note={note}
        send={send}
        saved={!!text && saved === true}
        local={!!text && saved === false}
        attach={files.add}
        can={can}
        insert={insert}
      />
    </section>
  );
}

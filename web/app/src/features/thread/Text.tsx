import { useState } from "react";
import { useWords } from "../../lib/i18n";
import { pieces } from "../../model/links";
import type { Ref, TimelineEvent } from "../../model/types";
import { Icon } from "../../ui/Icon";
import s from "./bubble.module.css";

/** Plain text with its line breaks; addresses become links that tell nobody where they were clicked. */
export function Text({ text, mentions }: { text: string; mentions?: boolean }) {
  return (
    <span className={s.text}>
      {pieces(text).map((p, i) => {
        if (!p.href) return mentions ? <Mentions key={i} text={p.text} /> : <span key={i}>{p.text}</span>;
        return (
          <a key={i} href={p.href} target="_blank" rel="noopener noreferrer nofollow" referrerPolicy="no-referrer">
            {p.text}
          </a>
        );
      })}
    </span>
  );
}

function Mentions({ text }: { text: string }) {
  const parts = text.split(/(@\p{L}+(?: \p{Lu}\p{L}+)?)/u);
  return (
    <>
      {parts.map((p, i) =>
        p.startsWith("@") ? (
          <span key={i} className={s.men}>
            {p}
          </span>
        ) : (
          p
        ),
      )}
    </>
  );
}

/** What a mail program repeated of older messages: folded, with its length. */
export function Quoted({ text }: { text: string }) {
  const t = useWords();
  const [open, setOpen] = useState(false);
  const lines = text.split("\n").length;
  return (
    <>
      <button type="button" className={s.quote} aria-expanded={open} onClick={() => setOpen(!open)}>
        <Icon name="dots" size={14} />
        <span>{t("thread.quoted", { n: lines })}</span>
      </button>
      {open ? <blockquote className={s.quoted}>{text}</blockquote> : null}
    </>
  );
}

/** The message that this one answers, in one line. */
export function RepliedTo({ to, known }: { to: Ref; known: ReadonlyMap<string, TimelineEvent> }) {
  const t = useWords();
  const m = to.event ? known.get(to.event) : undefined;
  if (!m) {
    return (
      <span className={s.cap}>
        <Icon name="arrow-back-up" size={13} />
        {to.kind && to.kind !== "message" ? t("thread.repliedTo", { what: to.kind }) : t("thread.repliedToOlder")}
      </span>
    );
  }
  return (
    <button
      type="button"
      className={s.cap}
      onClick={() => document.getElementById(`e-${m.id}`)?.scrollIntoView({ block: "center" })}
    >
      <Icon name="arrow-back-up" size={13} />
      <span>
        {m.actor.name ? `${m.actor.name}: ` : ""}
        {m.message?.text ?? ""}
      </span>
    </button>
  );
}

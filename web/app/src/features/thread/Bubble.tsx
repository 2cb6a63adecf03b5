import { memo } from "react";
import { legLook, useLook } from "../../lib/channels";
import { useWords } from "../../lib/i18n";
import { full, short, timeOfDay } from "../../lib/time";
import { rich } from "../../model/mail";
import type { Pending } from "../../model/timeline";
import type { Conversation, Me, TimelineEvent } from "../../model/types";
import { AssistantMark, Icon } from "../../ui/Icon";
import { cx, Glyph, hue } from "../../ui/parts";
import { Attachments, drawable } from "./Attachments";
import s from "./bubble.module.css";
import { Delivery } from "./Delivery";
import { Mail } from "./Mail";
import { MailHead } from "./MailHead";
import { MessageMenu } from "./MessageMenu";
import { Moderated } from "./Moderated";
import { Quoted, RepliedTo, Text } from "./Text";

interface Props {
  e: TimelineEvent;
  head: boolean;
  c: Conversation;
  me: Me;
  known: ReadonlyMap<string, TimelineEvent>;
  pending?: Pending;
}

/** Something said: who, by which channel, when, what, and what became of it. */
export const Bubble = memo(function Bubble({ e, head, c, me, known, pending }: Props) {
  const us = e.direction === "out";
  const note = e.kind === "note";
  const failed = e.message?.delivery?.state === "failed" || pending?.state === "refused";
  return (
    <article className={cx(s.it, us && s.us, !head && s.next, failed && s.failed)} id={`e-${e.id}`}>
      {head ? <Head e={e} c={c} me={me} note={note} /> : null}
      {e.message && !e.message.unsent ? <MailHead m={e.message} out={us} /> : null}
      <Body e={e} c={c} note={note} known={known} />
      <Moderated e={e} />
      <Reactions e={e} />
      <MessageMenu e={e} c={c} />
      {us || pending ? <Delivery e={e} c={c} {...(pending ? { pending } : {})} /> : null}
    </article>
  );
});

function Head({ e, c, me, note }: { e: TimelineEvent; c: Conversation; me: Me; note: boolean }) {
  const t = useWords();
  const look = useLook();
  const leg = c.legs.find((l) => l.id === e.leg);
  const ch = leg ? legLook(look, leg) : undefined;
  const bot = e.actor.kind === "assistant";
  const name =
    e.direction === "in"
      ? e.actor.name || c.name
      : bot
        ? e.actor.name || t("actor.assistant")
        : e.actor.name || (e.actor.id === me.id ? me.name : t("actor.us"));
  return (
    <>
      {note ? (
        <span className={cx(s.gl, s.nt)}>
          <Icon name="lock" size={13} />
        </span>
      ) : ch ? (
        <span className={s.gl} style={hue(ch.hue)}>
          <Glyph bare icon={ch.icon} h={ch.hue} size={14} label={ch.title} />
        </span>
      ) : null}
      <header className={s.ih}>
        <b>
          {bot ? <AssistantMark size={13} /> : null}
          {name}
        </b>
        <span>{note ? t("thread.note") : (ch?.title ?? "")}</span>
        {e.actor.kind === "external" ? <span>{t("actor.external")}</span> : null}
        {e.message?.subject || leg?.place ? <span className={s.sbj}>{e.message?.subject || leg?.about}</span> : null}
        {e.message?.automated && e.direction === "in" ? <span>{t("thread.automatic")}</span> : null}
        {e.late ? (
          <span className={s.late} title={e.received ? t("thread.lateHelp", { time: full(e.received) }) : undefined}>
            <Icon name="clock" size={12} />
            {t("thread.late", { time: e.received ? timeOfDay(new Date(e.received)) : "" })}
          </span>
        ) : null}
        <time dateTime={e.at} title={full(e.at)}>
          {timeOfDay(new Date(e.at))}
        </time>
      </header>
    </>
  );
}

function Body({
  e,
  c,
  note,
  known,
}: {
  e: TimelineEvent;
  c: Conversation;
  note: boolean;
  known: ReadonlyMap<string, TimelineEvent>;
}) {
  const t = useWords();
  const m = e.message;
  if (e.postback) return <Pressed word={t("event.pressed")} text={e.postback.title} />;
  if (e.referral)
    return (
      <Pressed
        word={t("event.referral")}
        text={e.referral.title || e.referral.ref || e.referral.source || ""}
        href={e.referral.url}
      />
    );
  if (e.unknown) return <Pressed word={t("event.unknown")} text={e.unknown.summary || e.unknown.type} />;
  if (!m) return null;
  if (m.unsent) {
    return (
      <div className={s.tomb}>
        <Icon name="trash" size={14} />
        {t(e.direction === "in" ? "thread.unsentThem" : "thread.unsentUs", { name: c.name, time: short(m.unsent) })}
      </div>
    );
  }
  const long = !!m.subject || !!m.quoted || !!m.html;
  const html = m.html && rich(m.html) ? m.html : "";
  const carried = (m.parts ?? []).filter(
    (p) => p.kind !== "source" && !(html && p.inline && m.html?.toLowerCase().includes(p.inline.toLowerCase())),
  );
  const images = carried.filter(drawable);
  const others = carried.filter((p) => !images.includes(p));
  const inside = long || note;
  return (
    <>
      {m.replyTo ? <RepliedTo to={m.replyTo} known={known} /> : null}
      {!inside && images.length > 0 ? <Attachments parts={images} /> : null}
      {m.text || inside ? (
        <div
          className={cx(s.bb, note ? s.nb : e.direction === "out" ? s.out : s.in, long && s.mail, !!html && s.wide)}
          dir="auto"
        >
          {html ? <Mail html={html} parts={m.parts ?? []} /> : <Text text={m.text ?? ""} mentions={note} />}
          {m.quoted ? <Quoted text={m.quoted} /> : null}
          {inside && carried.length > 0 ? <Attachments parts={carried} small /> : null}
          {m.edited ? (
            <span className={s.edited} title={full(m.edited.at)}>
              {t("thread.edited")}
            </span>
          ) : null}
        </div>
      ) : null}
      {!inside && others.length > 0 ? <Attachments parts={others} bubble={e.direction === "out" ? "out" : "in"} /> : null}
    </>
  );
}

function Pressed({ word, text, href }: { word: string; text: string; href?: string | undefined }) {
  return (
    <div className={s.pressed}>
      <span>{word}</span>
      {href && /^https?:/.test(href) ? (
        <a href={href} target="_blank" rel="noopener noreferrer nofollow">
          {text}
        </a>
      ) : (
        <b>{text}</b>
      )}
    </div>
  );
}

function Reactions({ e }: { e: TimelineEvent }) {
  const list = e.message?.reactions ?? [];
  if (list.length === 0) return null;
  const by = new Map<string, string[]>();
  for (const r of list) by.set(r.emoji, [...(by.get(r.emoji) ?? []), r.by.name ?? ""]);
  return (
    <ul className={s.reactions}>
      {[...by].map(([emoji, names]) => (
        <li key={emoji} title={names.filter(Boolean).join(", ")}>
          {emoji}
          {names.length > 1 ? <b>{names.length}</b> : null}
          <span className="hidden">{names.join(", ")}</span>
        </li>
      ))}
    </ul>
  );
}

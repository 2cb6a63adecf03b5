// One message, as the thread has it.
import { Component } from "preact";
import { linkify, safeHref } from "../model/linkify";
import { sizeOf, timeOf } from "../model/show";
import type { Msg } from "../model/thread";
import type { Part, ReactionBy } from "../model/wire";
import { usePanel } from "./context";
import { Icon } from "./icon";
import { Picture, shownSize } from "./picture";

export function RichText({ text }: { text: string }) {
  return (
    <>
      {linkify(text).map((p, i) =>
        p.href ? (
          <a key={i} href={p.href} target="_blank" rel="noopener noreferrer nofollow">
            {p.text}
          </a>
        ) : (
          p.text
        ),
      )}
    </>
  );
}

interface Props {
  msg: Msg;
  quoted: string | undefined;
  state: "read" | "delivered" | undefined;
  last: boolean; // of a run by one speaker
}

function BubbleNow({ msg, quoted, state, last }: Props) {
  const { s, locale } = usePanel();
  const time = timeOf(msg.at, locale);
  const who = msg.mine ? s.you : msg.actor.name || s.us;
  return (
    <div class={msg.mine ? "wm me" : "wm"} data-id={msg.id}>
      <span class="sr">{`${who}, ${time}: `}</span>
      {msg.body.unsent ? <p class="b gone">{s.deleted}</p> : <Content msg={msg} quoted={quoted} time={time} />}
      {msg.body.reactions && msg.body.reactions.length > 0 && <Reactions of={msg.body.reactions} />}
      {!msg.mine && last && <Source msg={msg} time={time} />}
      {(state || (msg.mine && msg.body.edited)) && (
        <div class="f">
          {state && <Icon name={state === "read" ? "checks" : "check"} size={14} />}
          {[msg.body.edited && s.edited, state && (state === "read" ? s.read : s.delivered)].filter(Boolean).join(", ")}
        </div>
      )}
    </div>
  );
}

/** Drawn again only when something about it changed: a thread may be long. */
export class Bubble extends Component<Props> {
  override shouldComponentUpdate(p: Props): boolean {
    const q = this.props;
    return p.msg !== q.msg || p.quoted !== q.quoted || p.state !== q.state || p.last !== q.last;
  }
  override render() {
    return <BubbleNow {...this.props} />;
  }
}

function Content({ msg, quoted, time }: { msg: Msg; quoted: string | undefined; time: string }) {
  return (
    <>
      {(msg.body.parts ?? []).map((p, i) => (
        <Attachment key={p.file ?? i} part={p} />
      ))}
      {msg.body.text && (
        <div class="b" dir="auto" title={time}>
          {quoted && <div class="quo">{quoted}</div>}
          <RichText text={msg.body.text} />
        </div>
      )}
    </>
  );
}

/** Who wrote it. A machine says that it is one. */
function Source({ msg, time }: { msg: Msg; time: string }) {
  const { s } = usePanel();
  const edited = msg.body.edited ? `, ${s.edited}` : "";
  if (msg.actor.kind === "assistant")
    return (
      <div class="wn">
        <Icon name="assistant" size={13} />
        {s.assistant + edited}
      </div>
    );
  const name = msg.actor.kind === "rule" || msg.actor.kind === "system" ? s.automatic : msg.actor.name;
  return <div class="wn">{[name, time].filter(Boolean).join(", ") + edited}</div>;
}

function Reactions({ of }: { of: ReactionBy[] }) {
  const counts = new Map<string, string[]>();
  for (const r of of) counts.set(r.emoji, [...(counts.get(r.emoji) ?? []), r.by.name ?? ""]);
  return (
    <div class="rea">
      {[...counts].map(([emoji, names]) => (
        <span key={emoji} title={names.filter(Boolean).join(", ")}>
          {names.length > 1 ? `${emoji} ${names.length}` : emoji}
        </span>
      ))}
    </div>
  );
}

function Attachment({ part }: { part: Part }) {
  const { engine, s } = usePanel();
  const href = part.file ? engine.api.fileURL(part.file) : safeHref(part.url ?? "");
  const name = part.name || s.file;
  const file = part.file;
  if (part.kind !== "image" || !file) return <FileCard href={href} name={name} size={part.size} />;
  const [w, h] = shownSize(part.width, part.height);
  return (
    <a class="img" style={{ width: w, height: h }} href={href} target="_blank" rel="noopener noreferrer">
      <Picture
        load={() => engine.api.fileBlob(file)}
        label={s.openImage(part.name ?? s.picture)}
        width={w}
        height={h}
        fallback={<FileCard href={undefined} name={name} size={part.size} />}
      />
    </a>
  );
}

function FileCard({ href, name, size }: { href: string | undefined; name: string; size: number | undefined }) {
  const inside = (
    <>
      <Icon name="file" size={20} />
      <div>
        <b>{name}</b>
        {size !== undefined && <small>{sizeOf(size)}</small>}
      </div>
      {href && <Icon name="download" size={18} />}
    </>
  );
  if (!href) return <div class="fil">{inside}</div>;
  return (
    <a class="fil" href={href} target="_blank" rel="noopener noreferrer" download={name}>
      {inside}
    </a>
  );
}

// The thread: greeting, days, messages, what is on its way, and who types. Keeps its place when older messages come
// in above, and follows the end only while the person is there.
import { Fragment } from "preact";
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { View } from "../core/view";
import { dayOf, hello, sameDay } from "../model/show";
import type { Msg } from "../model/thread";
import { Bubble } from "./bubble";
import { usePanel } from "./context";
import { Form } from "./form";
import { Icon } from "./icon";
import { Outgoing } from "./outgoing";

const NEAR = 48; // px from an end that count as there

export function Log({ view, onEnd }: { view: View; onEnd: (there: boolean) => void }) {
  const { engine, s } = usePanel();
  const box = useRef<HTMLDivElement>(null);
  const scroll = useScroll(box, view, onEnd);
  const { messages, more } = view.thread;
  return (
    <>
      <div
        class="wb"
        ref={box}
        onScroll={scroll.onScroll}
        tabIndex={0}
        role="log"
        aria-live="polite"
        aria-relevant="additions"
        aria-label={s.log}
        aria-busy={view.loading}
      >
        <div class="log">
          {more && (
            <div class="more">
              <button type="button" disabled={view.loading} onClick={() => void engine.earlier()}>
                {view.loading ? s.loading : s.earlier}
              </button>
            </div>
          )}
          {!more && <Greeting view={view} />}
          {view.session !== "ready" &&
            view.line === "connecting" &&
            messages.length === 0 &&
            view.outbox.length === 0 &&
            engine.returning && <div class="skel" />}
          <Messages messages={messages} view={view} />
          {!view.formDone && view.session === "ready" && (
            <Form fields={view.config.form ?? []} problem={view.formProblem} />
          )}
          {view.outbox.map((o) => (
            <Outgoing key={o.id} out={o} up={view.line !== "down"} />
          ))}
          {view.typing !== undefined && view.line === "up" && (
            <div class="wt" role="status" aria-label={s.typing(view.typing)}>
              <i />
              <i />
              <i />
            </div>
          )}
        </div>
      </div>
      {!scroll.atEnd && (
        <div style={{ position: "relative" }}>
          <button type="button" class="toend" onClick={scroll.toEnd}>
            <Icon name="arrowDown" />
            {view.unread.length > 0 ? s.newMessages(view.unread.length) : s.toEnd}
          </button>
        </div>
      )}
    </>
  );
}

function useScroll(box: { current: HTMLDivElement | null }, view: View, onEnd: (there: boolean) => void) {
  const { engine } = usePanel();
  const [atEnd, setAtEnd] = useState(true);
  const was = useRef({ height: 0, first: "", end: true, out: 0 });
  const first = view.thread.messages[0]?.id ?? "";
  const toEnd = useCallback(() => {
    if (box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [box]);
  useLayoutEffect(() => {
    const el = box.current;
    if (!el) return;
    const w = was.current;
    if (w.end || view.outbox.length > w.out) el.scrollTop = el.scrollHeight;
    else if (w.first !== first && w.first !== "" && el.scrollTop < NEAR) el.scrollTop += el.scrollHeight - w.height;
    was.current = { ...w, height: el.scrollHeight, first, out: view.outbox.length };
  });
  useEffect(() => {
    const el = box.current;
    if (!el) return;
    const o = new ResizeObserver(() => was.current.end && toEnd()); // the keyboard, the composer, a picture
    o.observe(el);
    if (el.firstElementChild) o.observe(el.firstElementChild);
    return () => o.disconnect();
  }, [box, toEnd]);
  const onScroll = () => {
    const el = box.current;
    if (!el) return;
    const end = el.scrollHeight - el.scrollTop - el.clientHeight < NEAR;
    was.current.end = end;
    if (end !== atEnd) {
      setAtEnd(end);
      onEnd(end);
    }
    if (el.scrollTop < NEAR && !end) void engine.earlier();
  };
  return { atEnd, toEnd, onScroll };
}

function Greeting({ view }: { view: View }) {
  const { s } = usePanel();
  const [head, ...rest] = (view.config.greeting ?? "").split("\n");
  const own = s.greet(hello(new Date(), s), view.name);
  const two = rest.length > 0;
  return (
    <div class="gre">
      <h2>{two ? head : own}</h2>
      <p>{two ? rest.join("\n") : head || s.askAnything}</p>
    </div>
  );
}

function Messages({ messages, view }: { messages: readonly Msg[]; view: View }) {
  const { s, locale } = usePanel();
  const now = new Date();
  const answered = lastIndex(messages, (m) => !m.mine && m.actor.kind !== "rule" && m.actor.kind !== "system");
  const lastMine = lastIndex(messages, (m) => m.mine);
  const lastRead = lastIndex(messages, (m, i) => m.mine && i < answered);
  const last = messages[messages.length - 1];
  return (
    <>
      {messages.map((m, i) => {
        const before = messages[i - 1];
        const after = messages[i + 1];
        const newDay = before ? !sameDay(before.at, m.at) : !sameDay(m.at, now.toISOString());
        const quoted = m.body.replyTo?.event
          ? messages.find((q) => q.id === m.body.replyTo?.event)?.body.text
          : undefined;
        const ends =
          !after || after.mine !== m.mine || after.actor.id !== m.actor.id || after.actor.kind !== m.actor.kind;
        return (
          <Fragment key={m.id}>
            {newDay && <div class="day">{dayOf(m.at, now, locale, s)}</div>}
            <Bubble
              msg={m}
              quoted={quoted}
              state={i === lastRead ? "read" : i === lastMine ? "delivered" : undefined}
              last={ends}
            />
          </Fragment>
        );
      })}
      {last && !last.mine && !view.outbox.some((o) => o.replyTo === last.id) && <QuickReplies msg={last} />}
    </>
  );
}

function lastIndex(messages: readonly Msg[], is: (m: Msg, i: number) => boolean): number {
  for (let i = messages.length - 1; i >= 0; i--) if (is(messages[i] as Msg, i)) return i;
  return -1;
}

function QuickReplies({ msg }: { msg: Msg }) {
  const { engine } = usePanel();
  const buttons = msg.body.unsent ? [] : (msg.body.buttons ?? []);
  if (buttons.length === 0) return null;
  return (
    <div class="qr">
      {buttons.map((b) =>
        b.kind === "link" ? (
          <a key={b.title} href={linkOf(b.value)} target="_blank" rel="noopener noreferrer">
            {b.title}
          </a>
        ) : (
          <button type="button" key={b.title} onClick={() => engine.send(b.title, msg.id)}>
            {b.title}
          </button>
        ),
      )}
    </div>
  );
}

function linkOf(value: string | undefined): string | undefined {
  return value && /^https?:/i.test(value) ? value : undefined;
}

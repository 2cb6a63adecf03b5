import { useEffect, useState } from "react";
import { useUndo } from "../features/composer/useUndo";
import { useNow } from "../lib/hooks";
import { useWords } from "../lib/i18n";
import { socket } from "../lib/inbox";
import { useListQuery } from "../lib/lists";
import { outbox, undoable } from "../lib/outbox";
import { usePart, useStore } from "../lib/store";
import { span, timeOfDay } from "../lib/time";
import type { Me } from "../model/types";
import { Button, cx, Dot, Kbd, Ring } from "../ui/parts";
import s from "./app.module.css";

const QUIET_MS = 2000;
const ALL_CAUGHT_UP_MS = 4000;

/** The foot of the screen: the connection, what can still be taken back, who I am. */
export function Strip({ me }: { me: Me }) {
  return (
    <footer className={s.strip}>
      <Connection />
      <Waiting />
      <span className={s.mid}>
        <Undo seconds={me.settings.undo} />
      </span>
      <span className={s.who}>{me.name}</span>
    </footer>
  );
}

/** How many people wait for an answer, and the longest of them. */
function Waiting() {
  const t = useWords();
  const now = useNow();
  const all = useListQuery("all", "waiting").data;
  const waiting = (all?.items ?? []).filter((c) => c.waitingSince);
  const longest = waiting[0]?.waitingSince;
  if (!longest) return null;
  const more = all?.next && waiting.length === all.items.length;
  return (
    <span className={s.queue}>
      <i className={s.sep} />
      {t("strip.queue", { n: more ? `${waiting.length}+` : waiting.length, span: span(now - Date.parse(longest)) })}
    </span>
  );
}

function Connection() {
  const t = useWords();
  const link = useStore(socket.link);
  const waiting = usePart(outbox, (o) => Object.values(o).filter((x) => !x.refused).length);
  const [late, setLate] = useState(false);
  const [back, setBack] = useState(false);
  useNow();

  useEffect(() => {
    if (link.state === "live") {
      setLate((was) => {
        if (was) setBack(true);
        return false;
      });
      const timer = setTimeout(() => setBack(false), ALL_CAUGHT_UP_MS);
      return () => clearTimeout(timer);
    }
    const timer = setTimeout(() => setLate(true), Math.max(0, QUIET_MS - (Date.now() - link.since)));
    return () => clearTimeout(timer);
  }, [link]);

  if (late) {
    return (
      <span className={cx(s.cn, s.amber)} role="status">
        <Dot look="warn" />
        {t("strip.since", { time: timeOfDay(new Date(link.since)) })} {t("strip.safe")}
        {waiting > 0 ? <b>{t("strip.waiting", { n: waiting })}</b> : null}
        <Button size="small" onClick={socket.now}>
          {t("action.tryNow")}
        </Button>
      </span>
    );
  }
  return (
    <span className={s.cn} role="status">
      <Dot look={link.state === "live" ? "ok" : "warn"} />
      {back ? t("strip.caughtUp") : link.state === "live" ? t("strip.live") : t("strip.connecting")}
      {waiting > 0 ? (
        <>
          <i className={s.sep} />
          {t("strip.waiting", { n: waiting })}
        </>
      ) : null}
    </span>
  );
}

function Undo({ seconds }: { seconds: number }) {
  const t = useWords();
  const all = useStore(undoable);
  const take = useUndo();
  const last = all[all.length - 1];
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    if (!last) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 200);
    return () => clearInterval(timer);
  }, [last]);
  if (!last) return null;
  const left = Math.max(0, last.until - now);
  return (
    <span className={s.undo} role="status">
      <Ring part={left / (seconds * 1000 || 1)} />
      {t("undo.sending", { name: last.name.split(" ")[0] ?? last.name, n: Math.ceil(left / 1000) })}
      <button type="button" onClick={() => void take(last)}>
        {t("undo.do")}
        <Kbd>Z</Kbd>
      </button>
    </span>
  );
}

import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { pull } from "../../lib/drafts";
import { useLasting } from "../../lib/hooks";
import { type Opened, openedKey } from "../../lib/hub";
import { useWords } from "../../lib/i18n";
import { load, marks, readAll, socket, thread } from "../../lib/inbox";
import { useStore } from "../../lib/store";
import type { Me } from "../../model/types";
import { Button, Empty, Spinner } from "../../ui/parts";
import { Header } from "./Header";
import { LegBar } from "./LegBar";
import { Timeline } from "./Timeline";
import s from "./thread.module.css";

const READ_AFTER_MS = 600;
const PRESENCE_MS = 10_000;

/** An open conversation: its header, its legs and what was said. */
export function Thread({ id, me }: { id: string; me: Me }) {
  const t = useWords();
  const x = thread(id);
  const timeline = useStore(x.timeline);
  const problem = useStore(x.problem);
  const opened = useQuery<Opened>({ queryKey: openedKey(id), enabled: false });
  const c = opened.data?.conversation;
  const slow = useLasting(!timeline.loaded && !problem, 300);
  const readUpTo = useUnreadLine(id, timeline.loaded);

  useEffect(() => {
    void load(id);
    void pull(id);
    socket.follow(id, () => thread(id).timeline.get().seq);
    return () => socket.leave(id);
  }, [id]);
  useHere(id);

  // what stands on a visible screen for a moment is read
  const seq = c?.seq ?? 0;
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new seq is what makes it unread again
  useEffect(() => {
    if (!c || !timeline.loaded) return;
    const read = () => document.visibilityState === "visible" && document.hasFocus() && readAll(c);
    const timer = setTimeout(read, READ_AFTER_MS);
    addEventListener("focus", read);
    return () => {
      clearTimeout(timer);
      removeEventListener("focus", read);
    };
  }, [seq, timeline.loaded]);

  if (problem && (!timeline.loaded || problem.status === 403)) {
    const gone = problem.status === 404 || problem.status === 403;
    return (
      <Empty
        icon={gone ? "lock" : "wifi-off"}
        title={problem.status === 0 ? t("problem.unreachable") : problem.status === 403 ? t("thread.denied") : problem.title}
        action={gone ? undefined : <Button onClick={() => void load(id, true)}>{t("action.tryNow")}</Button>}
      >
        {problem.status === 0 ? t("problem.unreachableHelp") : problem.status === 403 ? t("thread.deniedHelp") : problem.detail}
      </Empty>
    );
  }
  if (!timeline.loaded || !c) return <div className={s.loading}>{slow ? <Spinner /> : null}</div>;
  return (
    <>
      <Header c={c} me={me} />
      <LegBar c={c} />
      <Timeline id={id} c={c} timeline={timeline} readUpTo={readUpTo} me={me} />
    </>
  );
}

/** The seq up to which I had read when I opened the conversation; it stays while I am here. */
function useUnreadLine(id: string, loaded: boolean): number {
  const line = useRef<number | undefined>(undefined);
  if (loaded && line.current === undefined) {
    const m = marks.get()[id];
    line.current = m ? m.seq : -1;
  }
  return line.current ?? -1;
}

/** Tells the others that I am here, and how. */
function useHere(id: string): void {
  const t = useRef<ReturnType<typeof setInterval>>(undefined);
  useEffect(() => {
    const tell = () =>
      socket.send({ type: "presence", conversation: id, state: document.visibilityState === "visible" ? "viewing" : "idle" });
    tell();
    t.current = setInterval(tell, PRESENCE_MS);
    document.addEventListener("visibilitychange", tell);
    const stop = socket.link.watch(tell);
    return () => {
      clearInterval(t.current);
      document.removeEventListener("visibilitychange", tell);
      stop();
      socket.send({ type: "presence", conversation: id, state: "away" });
    };
  }, [id]);
}

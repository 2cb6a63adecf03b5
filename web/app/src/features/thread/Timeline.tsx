import { useVirtualizer } from "@tanstack/react-virtual";
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { useActions } from "../../lib/actions";
import { useWords } from "../../lib/i18n";
import { loadOlder } from "../../lib/inbox";
import { type Row, rows as toRows } from "../../model/rows";
import type { Timeline as State } from "../../model/timeline";
import type { Conversation, Me } from "../../model/types";
import { Icon } from "../../ui/Icon";
import { cx, Spinner } from "../../ui/parts";
import { RowOf } from "./RowOf";
import { Typing } from "./Typing";
import s from "./thread.module.css";

const END_PX = 80;
const OLDER_PX = 1200;

function estimate(r: Row | undefined): number {
  if (!r) return 60;
  if (r.kind === "day") return 32;
  if (r.kind === "unread") return 22;
  if (r.kind === "changes") return 26;
  const lines = Math.ceil((r.event.message?.text?.length ?? 30) / 58);
  const image = r.event.message?.parts?.some((p) => p.kind === "image") ? 170 : 0;
  return (r.head ? 30 : 8) + 16 + lines * 19 + image + (r.event.direction === "out" ? 18 : 0);
}

/** What was said, windowed. Older pages never move what is on screen; new messages follow only at the end. */
export function Timeline({
  id,
  c,
  timeline,
  readUpTo,
  me,
}: {
  id: string;
  c: Conversation;
  timeline: State;
  readUpTo: number;
  me: Me;
}) {
  const t = useWords();
  const rows = useMemo(() => toRows(timeline, readUpTo), [timeline, readUpTo]);
  const scroller = useRef<HTMLDivElement>(null);
  const [atEnd, setAtEnd] = useState(true);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: (i) => estimate(rows[i]),
    getItemKey: (i) => rows[i]?.key ?? i,
    overscan: 4,
    paddingStart: 12,
    paddingEnd: 10,
    anchorTo: "end",
    followOnAppend: true,
    scrollEndThreshold: END_PX,
  });

  const unreadAt = rows.findIndex((r) => r.kind === "unread");
  const lastRow = rows.length - 1;
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each conversation
  useLayoutEffect(() => {
    // the first look: the unread line in sight, or the end
    if (unreadAt > 0 && lastRow - unreadAt > 12) virtual.scrollToIndex(unreadAt, { align: "start" });
    else if (lastRow >= 0) virtual.scrollToIndex(lastRow, { align: "end" });
  }, [id]);

  // what I send is always shown
  const mine = timeline.pending.length;
  const before = useRef(mine);
  useEffect(() => {
    if (mine > before.current) virtual.scrollToIndex(lastRow, { align: "end" });
    before.current = mine;
  }, [mine, lastRow, virtual]);

  const fresh = useFresh(timeline, atEnd);
  const onScroll = useCallback(() => {
    const el = scroller.current;
    if (!el) return;
    setAtEnd(el.scrollHeight - el.scrollTop - el.clientHeight < END_PX);
    if (el.scrollTop < OLDER_PX) void loadOlder(id);
  }, [id]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: new rows may leave room for older ones
  useEffect(onScroll, [onScroll, rows.length]);

  const end = useCallback(() => virtual.scrollToIndex(lastRow, { align: "end" }), [virtual, lastRow]);
  useActions(
    () => [
      { id: "thread.end", title: "action.toEnd", group: "conversation", icon: "arrow-down", combo: "end", run: end },
      {
        id: "thread.unread",
        title: "action.toUnread",
        group: "conversation",
        icon: "history",
        combo: "shift+u",
        when: () => unreadAt >= 0,
        run: () => virtual.scrollToIndex(unreadAt, { align: "start" }),
      },
    ],
    [end, unreadAt],
  );

  const items = virtual.getVirtualItems();
  const top = items[0]?.start ?? 0;
  return (
    <div className={s.tlWrap}>
      <div className={s.tl} ref={scroller} onScroll={onScroll} role="log" aria-label={t("thread.timeline")} aria-live="off">
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolled region must be reachable by keys */}
        <div className={s.tli} style={{ height: virtual.getTotalSize() }} tabIndex={0}>
          {items.map((v) => {
            const r = rows[v.index];
            return r ? (
              <div key={v.key} data-index={v.index} ref={virtual.measureElement} className={s.slot} style={{ top: v.start }}>
                <RowOf row={r} c={c} me={me} known={timeline.byId} />
              </div>
            ) : null;
          })}
        </div>
        {timeline.more && top < 200 ? (
          <div className={s.older}>
            <Spinner />
          </div>
        ) : null}
      </div>
      <Typing c={c} />
      {!atEnd ? (
        <button
          type="button"
          className={cx(s.toEnd, fresh > 0 && s.hasNew)}
          onClick={end}
          aria-label={fresh > 0 ? undefined : t("action.toEnd")}
        >
          <Icon name="arrow-down" size={15} />
          {fresh > 0 ? t("thread.newBelow", { n: fresh }) : null}
        </button>
      ) : null}
    </div>
  );
}

/** How many messages arrived below what I am looking at. */
function useFresh(timeline: State, atEnd: boolean): number {
  const seen = useRef(timeline.seq);
  if (atEnd) seen.current = timeline.seq;
  if (atEnd) return 0;
  let n = 0;
  for (let i = timeline.order.length - 1; i >= 0; i--) {
    const e = timeline.byId.get(timeline.order[i] ?? "");
    if (!e || (e.seq ?? 0) <= seen.current) break;
    if (e.kind === "message" || e.kind === "note") n++;
  }
  return n;
}

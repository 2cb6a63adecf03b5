import { useVirtualizer } from "@tanstack/react-virtual";
import { useCallback, useEffect, useRef, useState } from "react";
import { useActions } from "../../lib/actions";
import { useLasting, usePhone } from "../../lib/hooks";
import { useWords } from "../../lib/i18n";
import { prefetch } from "../../lib/inbox";
import { useHeldOrder, useList } from "../../lib/lists";
import { prefs } from "../../lib/prefs";
import { go, inboxPath } from "../../lib/router";
import { useStore } from "../../lib/store";
import type { Conversation, Me } from "../../model/types";
import { Button, cx, Spinner } from "../../ui/parts";
import { ListHeader } from "./ListHeader";
import { ListState } from "./ListState";
import s from "./list.module.css";
import { RowView } from "./RowView";

const ROW = 74;
const PHONE_ROW = 79;

/** A view's conversations: windowed, live, and never moving under the pointer. */
export function ConversationList({ me, view, selected }: { me: Me; view: string; selected?: string }) {
  const t = useWords();
  const { sort } = useStore(prefs);
  const { query, more, loadingMore } = useList(view, sort);
  const [inside, setInside] = useState(false);
  const { rows, fresh, release } = useHeldOrder(query.data?.items ?? [], inside);
  const scroller = useRef<HTMLDivElement>(null);
  const phone = usePhone();
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => (phone ? PHONE_ROW : ROW),
    getItemKey: (i) => rows[i]?.id ?? i,
    overscan: 8,
    paddingStart: phone ? 0 : 4,
    paddingEnd: 4,
  });
  const items = virtual.getVirtualItems();
  const last = items[items.length - 1]?.index ?? 0;
  useEffect(() => {
    if (rows.length > 0 && last >= rows.length - 12) void more();
  }, [last, rows.length, more]);

  useMoves(rows, view, selected, (i) => virtual.scrollToIndex(i));
  const leave = useCallback(() => setInside(false), []);
  const show = () => {
    release();
    setInside(false);
    scroller.current?.scrollTo({ top: 0 });
  };
  const waiting = useLasting(query.isPending, 150);

  return (
    <section className={s.list} aria-label={t("list.name")}>
      <ListHeader me={me} view={view} count={rows.length} more={!!query.data?.next} fresh={fresh} show={show} />
      {/* biome-ignore lint/a11y/noStaticElementInteractions: it only notes whether somebody points at the list */}
      <div
        className={s.rows}
        ref={scroller}
        onPointerEnter={(e) => e.pointerType === "mouse" && setInside(true)}
        onPointerLeave={leave}
        onFocus={(e) => e.target.matches(":focus-visible") && setInside(true)}
        onBlur={(e) => !e.currentTarget.contains(e.relatedTarget) && !e.currentTarget.matches(":hover") && leave()}
      >
        {rows.length === 0 ? (
          <ListState
            view={view}
            loading={waiting}
            pending={query.isPending}
            problem={query.error}
            again={() => void query.refetch()}
          />
        ) : (
          <ul className={s.window} style={{ height: virtual.getTotalSize() }} aria-label={t("list.name")}>
            {items.map((v) => {
              const c = rows[v.index];
              if (!c) return null;
              return (
                <li
                  key={v.key}
                  className={s.slot}
                  style={{ transform: `translateY(${v.start}px)` }}
                  aria-setsize={query.data?.next ? -1 : rows.length}
                  aria-posinset={v.index + 1}
                >
                  <RowView c={c} me={me} view={view} selected={c.id === selected} first={v.index === 0} />
                </li>
              );
            })}
          </ul>
        )}
        {loadingMore ? (
          <div className={s.more}>
            <Spinner />
          </div>
        ) : null}
        {query.error && rows.length > 0 ? (
          <div className={cx(s.more, s.bad)} role="alert">
            {t("list.stale")}
            <Button size="small" onClick={() => void query.refetch()}>
              {t("action.tryNow")}
            </Button>
          </div>
        ) : null}
      </div>
    </section>
  );
}

/** J and K go down and up; the neighbours are loaded before anybody asks. */
function useMoves(rows: Conversation[], view: string, selected: string | undefined, scroll: (i: number) => void): void {
  const at = rows.findIndex((c) => c.id === selected);
  const to = (i: number) => {
    const c = rows[Math.max(0, Math.min(rows.length - 1, i))];
    if (!c) return;
    go(inboxPath(view, c.id), true);
    scroll(rows.indexOf(c));
  };
  const next = rows[at + 1]?.id;
  const before = at > 0 ? rows[at - 1]?.id : undefined;
  useEffect(() => {
    if (at < 0) return;
    const timer = setTimeout(() => {
      prefetch(next);
      prefetch(before);
    }, 250);
    return () => clearTimeout(timer);
  }, [at, next, before]);
  useActions(
    () => [
      { id: "list.next", title: "action.next", group: "list", icon: "arrow-down", combo: "j", run: () => to(at + 1) },
      {
        id: "list.previous",
        title: "action.previous",
        group: "list",
        icon: "arrow-up",
        combo: "k",
        run: () => to(at < 0 ? 0 : at - 1),
      },
      {
        id: "list.back",
        title: "action.backToList",
        group: "list",
        icon: "arrow-left",
        combo: "escape",
        keyOnly: true,
        when: () => !!selected,
        run: () => go(inboxPath(view)),
      },
    ],
    [at, rows, view, selected],
  );
}

import { useQuery } from "@tanstack/react-query";
import { useCallback, useMemo, useRef, useState } from "react";
import { hold, join, type Sort, unread } from "../model/list";
import type { Conversation } from "../model/types";
import { cache, type ListPage, list, listKey } from "./hub";
import { keepMarks, marks } from "./inbox";
import { prefs } from "./prefs";
import { usePart, useStore } from "./store";

const PAGE = 50;
const MOST = 500;

/** A view's list, as far as it is loaded. Live events change it in the query cache. */
export function useListQuery(view: string, sort: Sort, enabled = true) {
  return useQuery({
    queryKey: listKey(view, sort),
    enabled,
    staleTime: 60_000,
    gcTime: 600_000,
    queryFn: async (): Promise<ListPage> => {
      const have = cache.getQueryData<ListPage>(listKey(view, sort))?.items.length ?? 0;
      const page = await list(view, sort, undefined, Math.min(MOST, Math.max(PAGE, have)));
      keepMarks(page);
      return page;
    },
  });
}

export function useList(view: string, sort: Sort) {
  const query = useListQuery(view, sort);
  const [loadingMore, setLoadingMore] = useState(false);
  const next = query.data?.next;
  const more = useCallback(async () => {
    if (!next || loadingMore) return;
    setLoadingMore(true);
    try {
      const page = await list(view, sort, next, PAGE);
      keepMarks(page);
      cache.setQueryData<ListPage>(listKey(view, sort), (old) => (old ? { ...join(old, page), reads: {} } : page));
    } finally {
      setLoadingMore(false);
    }
  }, [view, sort, next, loadingMore]);
  return { query, more, loadingMore };
}

/** The rows in the order to show: held while somebody points at them. */
export function useHeldOrder(items: readonly Conversation[], held: boolean) {
  const now = useMemo(() => items.map((c) => c.id), [items]);
  const shown = useRef<readonly string[]>(now);
  const known = useRef(new Map<string, Conversation>());
  for (const c of items) known.current.set(c.id, c);
  const { ids, fresh } = hold(shown.current, now, held);
  shown.current = ids;
  const rows = ids.flatMap((id) => {
    const c = known.current.get(id);
    return c ? [c] : [];
  });
  const release = useCallback(() => {
    shown.current = now;
  }, [now]);
  return { rows, fresh, release };
}

/** How many conversations of mine have something unread. */
export function useNumber(agent: string): number {
  const { sort } = useStore(prefs);
  const mine = useListQuery("mine", sort, !!agent);
  return usePart(marks, (m) => (mine.data?.items ?? []).filter((c) => unread(c, m[c.id]) > 0).length);
}

import type { ReactNode } from "react";
import { useLasting } from "../../lib/hooks";
import { Problem } from "../../lib/http";
import { useWords } from "../../lib/i18n";
import { Button, Empty, Spinner } from "../../ui/parts";
import s from "./settings.module.css";

/** What a query has, or why it has nothing. */
export function Loading({
  query,
  children,
}: {
  query: { isPending: boolean; error: Error | null; refetch: () => unknown };
  children: ReactNode;
}) {
  const t = useWords();
  const slow = useLasting(query.isPending, 300);
  if (query.isPending) return <div className={s.wait}>{slow ? <Spinner /> : null}</div>;
  if (query.error) {
    const p = query.error instanceof Problem && query.error.status !== 0 ? query.error : undefined;
    return (
      <Empty
        icon="wifi-off"
        title={p?.title ?? t("problem.unreachable")}
        action={<Button onClick={() => query.refetch()}>{t("action.tryNow")}</Button>}
      >
        {p ? p.detail : t("problem.unreachableHelp")}
      </Empty>
    );
  }
  return children;
}

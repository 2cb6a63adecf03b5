import { Problem } from "../../lib/http";
import { type Key, useWords } from "../../lib/i18n";
import { go, inboxPath } from "../../lib/router";
import { Button, Empty } from "../../ui/parts";
import s from "./list.module.css";

const words: Record<string, [Key, Key]> = {
  mine: ["empty.mine", "empty.mineHelp"],
  unassigned: ["empty.unassigned", "empty.unassignedHelp"],
  snoozed: ["empty.snoozed", "empty.snoozedHelp"],
  resolved: ["empty.resolved", "empty.resolvedHelp"],
  all: ["empty.all", "empty.allHelp"],
};

/** What the list shows while it has no rows. */
export function ListState({
  view,
  loading,
  pending,
  problem,
  again,
}: {
  view: string;
  loading: boolean;
  pending: boolean;
  problem: Error | null;
  again: () => void;
}) {
  const t = useWords();
  if (problem) {
    const p = problem instanceof Problem && problem.status !== 0 ? problem : undefined;
    return (
      <Empty
        icon="wifi-off"
        title={p ? p.title : t("problem.unreachable")}
        action={<Button onClick={again}>{t("action.tryNow")}</Button>}
      >
        {p ? p.detail : t("problem.unreachableHelp")}
      </Empty>
    );
  }
  if (pending) return loading ? <Skeleton /> : null;
  const [title, help] = words[view] ?? (["empty.team", "empty.teamHelp"] as const);
  return (
    <Empty
      icon="inbox"
      title={t(title)}
      action={
        view === "mine" ? <Button onClick={() => go(inboxPath("unassigned"))}>{t("empty.toUnassigned")}</Button> : undefined
      }
    >
      {t(help)}
    </Empty>
  );
}

function Skeleton() {
  const t = useWords();
  return (
    <div aria-busy="true" aria-label={t("state.loading")} role="status">
      {[62, 48, 70, 40, 56, 64, 44, 58].map((w, i) => (
        <div key={i} className={s.bone}>
          <i className={s.b0} />
          <i className={s.b1} style={{ width: `${w - 14}%` }} />
          <i className={s.b2} style={{ width: `${w}%` }} />
          <i className={s.b3} style={{ width: `${w + 18}%` }} />
        </div>
      ))}
    </div>
  );
}

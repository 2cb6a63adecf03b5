import { useActions } from "../../lib/actions";
import { useWords } from "../../lib/i18n";
import { marks } from "../../lib/inbox";
import { useListQuery } from "../../lib/lists";
import { overlay, prefs } from "../../lib/prefs";
import { go, inboxPath } from "../../lib/router";
import { usePart, useStore } from "../../lib/store";
import { fixedViews } from "../../lib/views";
import { unread } from "../../model/list";
import type { Me } from "../../model/types";
import { Icon } from "../../ui/Icon";
import type { IconName } from "../../ui/icons";
import { cx, initials, Keys } from "../../ui/parts";
import s from "./views.module.css";

/** The views, with how many conversations each holds where that is known. */
export function Views({ me, view }: { me: Me; view: string }) {
  const t = useWords();
  return (
    <aside className={s.views} aria-label={t("nav.views")}>
      <button type="button" className={s.find} onClick={() => overlay.set("palette")}>
        <Icon name="search" />
        <span>{t("palette.open")}</span>
        <Keys combo="mod+k" joined />
      </button>
      {fixedViews.map((v) => (
        <ViewItem
          key={v.id}
          id={v.id}
          on={v.id === view}
          icon={v.icon}
          name={t(v.word)}
          count={v.id !== "resolved" && v.id !== "snoozed"}
        />
      ))}
      {me.teamList.length > 0 ? <h2>{t("nav.teams")}</h2> : null}
      {me.teamList.map((x) => (
        <ViewItem key={x.id} id={`team:${x.id}`} on={view === `team:${x.id}`} name={x.name} count={me.teamList.length <= 8} />
      ))}
    </aside>
  );
}

function ViewItem({ id, on, icon, name, count }: { id: string; on: boolean; icon?: IconName; name: string; count: boolean }) {
  const { sort } = useStore(prefs);
  const list = useListQuery(id, sort, count || on);
  const items = list.data?.items;
  const fresh = usePart(
    marks,
    (m) => id !== "mine" && id !== "resolved" && !!items?.some((c) => !c.assignee && unread(c, m[c.id]) > 0),
  );
  const to = inboxPath(id);
  return (
    <a
      className={cx(s.vi, on && s.on, fresh && s.new)}
      href={to}
      aria-current={on ? "true" : undefined}
      onClick={(e) => {
        if (e.metaKey || e.ctrlKey || e.shiftKey) return;
        e.preventDefault();
        overlay.set("none");
        go(to);
      }}
    >
      {icon ? <Icon name={icon} /> : <i className={s.tm}>{initials(name).slice(0, 1)}</i>}
      <span>{name}</span>
      {items && items.length > 0 ? <b>{list.data?.next ? `${items.length}+` : items.length}</b> : null}
    </a>
  );
}

/** G and a letter go to a view. */
export function useViewActions(): void {
  useActions(
    () =>
      fixedViews.map((v) => ({
        id: `go.${v.id}`,
        title: v.word,
        group: "go" as const,
        icon: v.icon,
        combo: v.combo,
        run: () => go(inboxPath(v.id)),
      })),
    [],
  );
}

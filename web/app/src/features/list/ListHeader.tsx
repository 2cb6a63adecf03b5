import { Menu } from "@mantine/core";
import { useMedia } from "../../lib/hooks";
import type { Key } from "../../lib/i18n";
import { useWords } from "../../lib/i18n";
import { overlay, prefs } from "../../lib/prefs";
import { useStore } from "../../lib/store";
import { viewTitle } from "../../lib/views";
import type { Sort } from "../../model/list";
import type { Me } from "../../model/types";
import { Icon } from "../../ui/Icon";
import { Button, IconButton } from "../../ui/parts";
import s from "./list.module.css";

const sorts: { value: Sort; word: Key }[] = [
  { value: "waiting", word: "sort.waiting" },
  { value: "newest", word: "sort.newest" },
  { value: "oldest", word: "sort.oldest" },
];

export function ListHeader({
  me,
  view,
  count,
  more,
  fresh,
  show,
}: {
  me: Me;
  view: string;
  count: number;
  more: boolean;
  fresh: number;
  show: () => void;
}) {
  const t = useWords();
  const { sort } = useStore(prefs);
  const wide = useMedia("(min-width: 1344px)");
  const word = sorts.find((x) => x.value === sort)?.word ?? "sort.newest";
  return (
    <header className={s.head}>
      {wide ? (
        <h1>{viewTitle(view, me)}</h1>
      ) : (
        <h1>
          <button type="button" className={s.pick} onClick={() => overlay.set("views")} aria-haspopup="true">
            {viewTitle(view, me)}
            <Icon name="chevron-down" size={14} />
          </button>
        </h1>
      )}
      {count > 0 ? <span className={s.count}>{more ? `${count}+` : count}</span> : null}
      {fresh > 0 ? (
        <button type="button" className={s.fresh} onClick={show} title={t("list.held")}>
          <Icon name="arrow-up" size={13} />
          {t("list.new", { n: fresh })}
        </button>
      ) : null}
      <span className="grow" />
      <span className={s.find}>
        <IconButton icon="search" label={t("palette.open")} onClick={() => overlay.set("palette")} />
      </span>
      <Menu position="bottom-end" width={190} offset={4} transitionProps={{ duration: 140 }}>
        <Menu.Target>
          <Button look="plain" className={s.sort ?? ""} aria-label={`${t("sort.title")}: ${t(word)}`}>
            {t(word)}
            <Icon name="chevron-down" size={14} />
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>{t("sort.title")}</Menu.Label>
          {sorts.map((x) => (
            <Menu.Item
              key={x.value}
              rightSection={x.value === sort ? <Icon name="check" label={t("menu.chosen")} /> : null}
              onClick={() => prefs.set((p) => ({ ...p, sort: x.value }))}
            >
              {t(x.word)}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
    </header>
  );
}

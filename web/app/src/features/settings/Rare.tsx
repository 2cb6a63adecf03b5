import type { ReactNode } from "react";
import { useWords } from "../../lib/i18n";
import type { Setting } from "../../model/types";
import { Icon } from "../../ui/Icon";
import s from "./settings.module.css";

/** Settings that most leave alone, behind one line. */
export function Rare({ settings, line, open }: { settings: Setting[]; line: (x: Setting) => ReactNode; open: boolean }) {
  const t = useWords();
  const rare = settings.filter((x) => x.advanced);
  if (rare.length === 0) return null;
  return (
    <details className={s.rare} open={open || undefined}>
      <summary>
        <Icon name="chevron-right" size={14} />
        {t("account.more", { n: rare.length })}
      </summary>
      <div className={s.set}>{rare.map(line)}</div>
    </details>
  );
}

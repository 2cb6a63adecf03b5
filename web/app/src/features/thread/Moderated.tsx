import { useWords } from "../../lib/i18n";
import { short } from "../../lib/time";
import type { TimelineEvent } from "../../model/types";
import { Icon } from "../../ui/Icon";
import { cx } from "../../ui/parts";
import s from "./mail.module.css";

/** What we did to what the person said in public, and how far that got. */
export function Moderated({ e }: { e: TimelineEvent }) {
  const t = useWords();
  const m = e.message?.moderated;
  if (!m || (m.action === "unhide" && m.state === "done")) return null;
  if (m.state === "failed") {
    return (
      <span className={cx(s.mod, s.bad)}>
        <Icon name="alert-circle" size={13} />
        {t(m.action === "delete" ? "moderated.deleteFailed" : "moderated.hideFailed")} {m.failure?.said} {m.failure?.advice}
      </span>
    );
  }
  if (m.state === "asked") {
    return (
      <span className={s.mod}>
        <Icon name="clock" size={13} />
        {t("moderated.asked")}
      </span>
    );
  }
  return (
    <span className={s.mod}>
      <Icon name="eye-off" size={13} />
      {t("moderated.hidden", { name: m.by.name ?? "", time: short(m.at) })}
    </span>
  );
}

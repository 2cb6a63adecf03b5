import { said, useWords } from "../lib/i18n";
import { full, span } from "../lib/time";
import { opening } from "../model/legs";
import type { Capabilities, Leg } from "../model/types";
import { cx, Dot, Ring, parts as s } from "./parts";

const AMBER = 0.35;

/** What a leg still allows, in two words. */
export function LegWindow({ leg, can, now, online }: { leg: Leg; can: Capabilities | undefined; now: number; online: boolean }) {
  const t = useWords();
  if (leg.closed) return <span className={s.due}>{t("legs.closed")}</span>;
  const o = opening(leg, can, new Date(now));
  if (o.open && o.until) {
    return (
      <span className={cx(s.due, (o.left ?? 1) < AMBER && s.warn)} title={full(o.until.toISOString())}>
        <Ring part={o.left ?? 1} />
        {o.label ? `${said(o.label)} · ` : ""}
        {t("legs.left", { span: span(o.until.getTime() - now) })}
      </span>
    );
  }
  if (!o.open) return <span className={s.due}>{t(o.used ? "legs.used" : "legs.over")}</span>;
  if (online) {
    return (
      <span className={s.due}>
        <Dot look="ok" />
        {t("legs.online")}
      </span>
    );
  }
  return <span className={s.due}>{t("legs.any")}</span>;
}

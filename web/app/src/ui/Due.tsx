import { useWords } from "../lib/i18n";
import { full, span } from "../lib/time";
import { Icon } from "./Icon";
import { cx, parts as s } from "./parts";

const SOON_MS = 15 * 60_000;

/** What is left until a deadline: grey, amber when it is near, red with the word when it is past. */
export function Due({ at, now, pill }: { at: string; now: number; pill?: boolean }) {
  const t = useWords();
  const left = Date.parse(at) - now;
  const over = left < 0;
  const text = over ? t("due.over", { span: span(-left) }) : pill ? t("due.in", { span: span(left) }) : span(left);
  return (
    <span className={cx(s.due, over ? s.bad : left <= SOON_MS ? s.warn : s.mute, pill && s.pill)} title={full(at)}>
      <Icon name={over ? "alert-triangle" : "clock"} size={pill ? 14 : 13} />
      {text}
    </span>
  );
}

import { useWords } from "../../lib/i18n";
import { presenceOf } from "../../lib/inbox";
import { useStore } from "../../lib/store";
import type { Conversation } from "../../model/types";
import s from "./thread.module.css";

/** The person writes, or one of us does. */
export function Typing({ c }: { c: Conversation }) {
  const t = useWords();
  const here = useStore(presenceOf(c.id));
  const colleague = here.agents.find((a) => a.state === "typing");
  if (!here.customer?.typing && !colleague) return null;
  return (
    <div className={s.typing} role="status">
      {here.customer?.typing ? (
        <em>
          <i />
          <i />
          <i />
          {t("thread.typing", { name: c.name.split(" ")[0] ?? c.name })}
        </em>
      ) : null}
      {colleague ? <span>{t("presence.writes", { name: colleague.name })}</span> : null}
    </div>
  );
}

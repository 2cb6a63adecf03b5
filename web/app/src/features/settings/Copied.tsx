import { useWords } from "../../lib/i18n";
import { say } from "../../lib/prefs";
import { IconButton } from "../../ui/parts";
import s from "./settings.module.css";

/** A text to be taken elsewhere: read-only, with a button that copies it. */
export function Copied({ label, help, text }: { label: string; help?: string; text: string }) {
  const t = useWords();
  async function copy() {
    try {
      await navigator.clipboard.writeText(text);
      say(t("account.copied"));
    } catch {
      say(t("account.copyByHand"), { tone: "bad" });
    }
  }
  return (
    <div className={s.field}>
      <span className={s.flabel}>{label}</span>
      <div>
        <div className={s.ro}>
          <code>{text}</code>
          <IconButton icon="copy" size={16} label={t("account.copy")} onClick={() => void copy()} />
        </div>
        {help ? <p className={s.hint}>{help}</p> : null}
      </div>
    </div>
  );
}

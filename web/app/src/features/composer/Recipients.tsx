import { useId } from "react";
import { type Key, useWords } from "../../lib/i18n";
import { type Address, format } from "../../model/envelope";
import { Icon } from "../../ui/Icon";
import { cx } from "../../ui/parts";
import s from "./composer.module.css";
import type { Addressing, Typed } from "./useRecipients";

const lines: [keyof Typed, Key][] = [
  ["to", "write.to"],
  ["cc", "write.cc"],
  ["bcc", "write.bcc"],
];

function short(list: readonly Address[]): string {
  return list.map((a) => a.name || a.address).join(", ");
}

/** Whom the answer goes to: one line, or three fields where it is changed. */
export function Recipients({ a }: { a: Addressing }) {
  const t = useWords();
  const id = useId();
  const { derived, typed, set, bad } = a;
  if (!typed) {
    const all = { to: format(derived.to), cc: format(derived.cc), bcc: "" };
    return (
      <div className={s.rcp}>
        <button type="button" className={s.rcpLine} onClick={() => set(all)} title={t("write.recipients")}>
          <span>{t("write.to")}</span>
          <b>{short(derived.to)}</b>
          {derived.cc.length > 0 ? (
            <>
              <span>{t("write.cc")}</span>
              <b>{short(derived.cc)}</b>
            </>
          ) : null}
          <Icon name="pencil" size={13} />
        </button>
        {derived.cc.length > 0 ? (
          <button type="button" className={s.rcpOnly} onClick={() => set({ ...all, cc: "" })}>
            {t("write.onlyWriter")}
          </button>
        ) : null}
      </div>
    );
  }
  return (
    <div className={cx(s.rcp, s.rcpOpen)}>
      {lines.map(([key, word]) => (
        <div key={key} className={s.rcpField}>
          <label htmlFor={`${id}-${key}`}>{t(word)}</label>
          <input
            id={`${id}-${key}`}
            value={typed[key]}
            autoComplete="off"
            spellCheck={false}
            onChange={(e) => set({ ...typed, [key]: e.currentTarget.value })}
          />
        </div>
      ))}
      <div className={s.rcpFoot}>
        {bad.length > 0 ? (
          <span role="alert" className={s.rcpBad}>
            {t("write.badAddress", { text: bad.join(", ") })}
          </span>
        ) : null}
        <button type="button" onClick={() => set(undefined)}>
          {t("write.asBefore")}
        </button>
      </div>
    </div>
  );
}

import { useWords } from "../../lib/i18n";
import type { Message } from "../../model/types";
import { Icon } from "../../ui/Icon";
import { cx } from "../../ui/parts";
import s from "./mail.module.css";

const FEW = 3;

type Address = { name?: string; address: string };

function named(list: readonly Address[] | null | undefined): string {
  const all = (list ?? []).map((a) => a.name || a.address);
  return all.length > FEW ? `${all.slice(0, FEW).join(", ")} +${all.length - FEW}` : all.join(", ");
}

function whole(list: readonly Address[] | null | undefined): string {
  return (list ?? []).map((a) => (a.name ? `${a.name} <${a.address}>` : a.address)).join("\n");
}

/** Whom a message names beside the person, and what is known of its origin. */
export function MailHead({ m, out }: { m: Message; out: boolean }) {
  const t = useWords();
  const e = m.envelope;
  const bad = (m.checks ?? []).filter((c) => c.result === "fail");
  const good = (m.checks ?? []).filter((c) => c.result === "pass");
  const others = [
    ["mail.to", out || (e?.to?.length ?? 0) > 1 ? e?.to : undefined],
    ["mail.cc", e?.cc],
    ["mail.bcc", e?.bcc],
  ] as const;
  if (!others.some(([, list]) => list?.length) && bad.length === 0 && good.length === 0) return null;
  return (
    <div className={s.head}>
      {others.map(([key, list]) =>
        list?.length ? (
          <span key={key} title={whole(list)}>
            {t(key, { names: named(list) })}
          </span>
        ) : null,
      )}
      {bad.map((c) => (
        <span key={c.name} className={cx(s.check, s.fail)} title={c.detail}>
          <Icon name="alert-triangle" size={13} />
          {t("mail.checkFail", { name: c.name })}
        </span>
      ))}
      {bad.length === 0 && good.length > 0 ? (
        <span className={cx(s.check, s.pass)} title={good.map((c) => [c.name, c.detail].filter(Boolean).join(": ")).join("\n")}>
          <Icon name="circle-check" size={13} />
          {t("mail.checkPass", { name: good.map((c) => c.name).join(", ") })}
        </span>
      ) : null}
    </div>
  );
}

import { useState } from "react";
import { Problem } from "../../lib/http";
import { cache, checkAccount } from "../../lib/hub";
import { type Key, useWords } from "../../lib/i18n";
import { say } from "../../lib/prefs";
import { full, short } from "../../lib/time";
import type { Account } from "../../model/types";
import { Icon } from "../../ui/Icon";
import type { IconName } from "../../ui/icons";
import { Button, cx } from "../../ui/parts";
import s from "./settings.module.css";

const looks: Record<string, { icon: IconName; word: Key; look: string }> = {
  green: { icon: "circle-check", word: "health.ok", look: "ok" },
  amber: { icon: "alert-triangle", word: "health.warn", look: "warn" },
  red: { icon: "alert-circle", word: "health.bad", look: "bad" },
  off: { icon: "circle-dashed", word: "health.off", look: "off" },
  unknown: { icon: "circle-dashed", word: "health.unknown", look: "off" },
};

function lookOf(a: Account) {
  const key = a.enabled ? a.health?.state || "unknown" : "off";
  return looks[key] ?? (looks.unknown as NonNullable<(typeof looks)[string]>);
}

export function HealthWord({ a }: { a: Account }) {
  const t = useWords();
  const x = lookOf(a);
  return (
    <span className={cx(s.health, s[x.look])}>
      <Icon name={x.icon} size={15} />
      {t(x.word)}
    </span>
  );
}

/** How the account is doing: the state, the reason in their words, and what to do. */
export function HealthCard({ a, may }: { a: Account; may: boolean }) {
  const t = useWords();
  const [busy, setBusy] = useState(false);
  const check = async () => {
    setBusy(true);
    try {
      await checkAccount(a.id);
      await cache.invalidateQueries({ queryKey: ["accounts"] });
    } catch (e) {
      if (!(e instanceof Problem)) throw e;
      say(e.status === 0 ? t("problem.unreachable") : e.words, { tone: "bad" });
    } finally {
      setBusy(false);
    }
  };
  const x = lookOf(a);
  const h = a.health;
  return (
    <section className={cx(s.side, s[`side_${x.look}`])}>
      <h2>
        <span className={cx(s.health, s[x.look])}>
          <Icon name={x.icon} size={17} />
        </span>
        {t(x.word)}
        {h?.since && !h.since.startsWith("0001") ? (
          <time title={full(h.since)}>{t("health.since", { time: short(h.since) })}</time>
        ) : null}
      </h2>
      {h?.reason || h?.next ? (
        <div className={s.why}>
          {h.reason ? <b>{h.reason}</b> : null}
          {h.next ? <p>{h.next}</p> : null}
        </div>
      ) : null}
      <div className={s.sideFoot}>
        {a.lastIn ? <span title={full(a.lastIn)}>{t("health.lastIn", { time: short(a.lastIn) })}</span> : null}
        <span className="grow" />
        {may && a.enabled ? (
          <Button size="small" busy={busy} onClick={() => void check()}>
            {t("health.check")}
          </Button>
        ) : null}
      </div>
    </section>
  );
}

import { useState } from "react";
import { useLook } from "../../lib/channels";
import { write } from "../../lib/drafts";
import { Problem } from "../../lib/http";
import { retry } from "../../lib/hub";
import { type Key, useWords } from "../../lib/i18n";
import { socket } from "../../lib/inbox";
import { again, withdraw } from "../../lib/outbox";
import { say } from "../../lib/prefs";
import { useStore } from "../../lib/store";
import { full, timeOfDay } from "../../lib/time";
import { ulid } from "../../lib/ulid";
import type { Pending } from "../../model/timeline";
import type { Conversation, DeliveryState, TimelineEvent } from "../../model/types";
import { Icon } from "../../ui/Icon";
import type { IconName } from "../../ui/icons";
import { Button, cx } from "../../ui/parts";
import s from "./bubble.module.css";

const looks: Record<DeliveryState, { icon: IconName; word: Key }> = {
  queued: { icon: "clock", word: "delivery.queued" },
  sending: { icon: "send", word: "delivery.sending" },
  sent: { icon: "check", word: "delivery.sent" },
  delivered: { icon: "checks", word: "delivery.delivered" },
  read: { icon: "checks", word: "delivery.read" },
  failed: { icon: "alert-circle", word: "delivery.failed" },
  unknown: { icon: "help-circle", word: "delivery.unknown" },
  cancelled: { icon: "x", word: "delivery.cancelled" },
};

/** What became of a message of ours: always an icon and a word; a failure with the reason and what helps. */
export function Delivery({ e, c, pending }: { e: TimelineEvent; c: Conversation; pending?: Pending }) {
  const t = useWords();
  const link = useStore(socket.link);
  if (pending?.state === "refused") return <Refused e={e} pending={pending} c={c} />;
  if (pending) {
    const offline = pending.state === "waiting" && link.state === "offline";
    return (
      <div className={s.dl}>
        <Icon name="clock" size={13} />
        {t(offline ? "delivery.offline" : "delivery.queued")}
      </div>
    );
  }
  const d = e.message?.delivery;
  if (!d || e.message?.unsent) return null;
  if (d.state === "failed" || d.state === "unknown") return <Trouble e={e} c={c} />;
  const look = looks[d.state];
  const later =
    e.message?.sendAt && d.state === "queued" && Date.parse(e.message.sendAt) - Date.now() > 60_000
      ? e.message.sendAt
      : undefined;
  return (
    <div className={s.dl} title={full(later ?? d.at)}>
      <Icon name={look.icon} size={13} />
      {later ? t("delivery.later", { time: full(later) }) : t(look.word)}
      {d.state === "read" || d.state === "delivered" || d.state === "sent" ? ` ${timeOfDay(new Date(d.at))}` : null}
    </div>
  );
}

function Trouble({ e, c }: { e: TimelineEvent; c: Conversation }) {
  const t = useWords();
  const look = useLook();
  const [busy, setBusy] = useState(false);
  const d = e.message?.delivery;
  if (!d) return null;
  const f = d.failure;
  const leg = c.legs.find((l) => l.id === e.leg);
  const channel = leg ? look(leg.channel).title : t("actor.provider");
  const unsure = d.state === "unknown";
  async function once() {
    setBusy(true);
    try {
      await retry(c.id, e.id, ulid());
    } catch (err) {
      if (!(err instanceof Problem)) throw err;
      say(err.status === 0 ? t("problem.unreachable") : err.words, { tone: "bad" });
    } finally {
      setBusy(false);
    }
  }
  return (
    <div className={cx(s.fx, unsure && s.unsure)} role="alert">
      <Icon name={unsure ? "help-circle" : "alert-circle"} size={15} />
      <span>
        <b>{t(unsure ? "delivery.unknownIs" : "delivery.failedIs")}</b>{" "}
        {f?.said ? (
          <>
            {t("delivery.said", { name: channel })} <q>{f.said}</q>{" "}
          </>
        ) : null}
        {f?.code ? <code>{f.code}</code> : null}
        {f?.code && (f.advice || unsure) ? ". " : " "}
        {f?.advice || (unsure ? t("delivery.unknownHelp") : "")}
        {f?.retry ? ` ${t("delivery.triesAgain", { time: timeOfDay(new Date(f.retry)) })}` : ""}
      </span>
      <Button size="small" busy={busy} onClick={() => void once()}>
        <Icon name="refresh" size={14} />
        {t(unsure ? "delivery.sendAgain" : "delivery.retry")}
      </Button>
    </div>
  );
}

/** The hub did not take it: nothing left the house. It stays here until somebody decides. */
function Refused({ e, pending, c }: { e: TimelineEvent; pending: Pending; c: Conversation }) {
  const t = useWords();
  const client = e.client ?? e.id;
  const p = pending.problem;
  const edit = () => {
    const x = withdraw(client);
    if (x?.body.text) write(x.body.note ? `${c.id}#note` : c.id, x.body.text, x.body.leg);
  };
  return (
    <div className={cx(s.fx, p?.stale && s.unsure)} role="alert">
      <Icon name="alert-circle" size={15} />
      <span>
        <b>{p?.stale ? t("stale.title") : t("delivery.refused")}</b>{" "}
        {p?.stale ? t("stale.help") : [p?.title, p?.detail].filter(Boolean).join(". ")}
      </span>
      <Button size="small" onClick={edit}>
        <Icon name="pencil" size={14} />
        {t("delivery.edit")}
      </Button>
      <Button size="small" onClick={() => again(client)}>
        {t(p?.stale ? "stale.send" : "delivery.retry")}
      </Button>
    </div>
  );
}

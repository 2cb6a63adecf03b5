import { useWords } from "../../lib/i18n";
import { bytes, span } from "../../lib/time";
import type { Capabilities, Ways } from "../../model/types";
import s from "./settings.module.css";

// an adapter may end a window a little before the far side does
const HOUR_NS = 3600e9;
const HOUR_MS = 3600e3;

/** What the channel can do, as its adapter says. */
export function CanCard({ can, title }: { can: Capabilities; title?: string }) {
  const t = useWords();
  const ways = (w: Ways | undefined) =>
    t(w?.in && w.out ? "can.ways.both" : w?.in ? "can.ways.in" : w?.out ? "can.ways.out" : "can.no");
  const media = (k: string) => {
    const m = can.media?.[k];
    if (!m) return t("can.no");
    const types = (m.mime ?? [])
      .map((x) => x.replace(/^.*\//, "").replace("*", "").toUpperCase())
      .filter(Boolean)
      .join(", ");
    if (!m.maxBytes) return types || t("can.yes");
    return types ? t("can.typesUpTo", { types, max: bytes(m.maxBytes) }) : t("can.upTo", { max: bytes(m.maxBytes) });
  };
  const first = can.windows?.[0];
  const unit = can.text.unit === "bytes" ? t("limit.bytes", { n: can.text.max }) : t("limit.characters", { n: can.text.max });
  const lines: [string, string][] = [
    [t("can.longest"), can.text.max > 0 ? unit : t("can.noLimit")],
    [
      t("can.window"),
      first ? t("can.windowAfter", { span: span(Math.ceil(first.for / HOUR_NS) * HOUR_MS) }) : t("can.windowAny"),
    ],
    [t("can.pictures"), media("image")],
    [t("can.files"), media("file")],
    [
      t("can.receipts"),
      can.receipts?.length ? can.receipts.map((r) => t(`delivery.${r}`).toLocaleLowerCase()).join(t("list.comma")) : t("can.no"),
    ],
    [t("can.edits"), ways(can.edits)],
    [t("can.unsends"), ways(can.unsends)],
    [t("can.starts"), t(can.starts ? "can.yes" : "can.no")],
  ];
  return (
    <section className={s.side}>
      <h2>
        {title ?? t("can.title")}
        <time>{t("can.from")}</time>
      </h2>
      <dl className={s.can}>
        {lines.map(([k, v]) => (
          <div key={k}>
            <dt>{k}</dt>
            <dd>{v}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

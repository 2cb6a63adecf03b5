import { type Key, useWords } from "../../lib/i18n";
import type { Third } from "../../model/list";
import { Icon } from "../../ui/Icon";
import s from "./list.module.css";

const partWords: Record<string, Key> = {
  image: "part.image",
  video: "part.video",
  audio: "part.audio",
  sticker: "part.sticker",
  location: "part.location",
};

/** The most urgent of typing, draft, not delivered and the last text. */
export function ThirdLine({ line }: { line: Third }) {
  const t = useWords();
  switch (line.kind) {
    case "typing":
      return (
        <em className={s.ty}>
          <i />
          <i />
          <i />
          {t("row.typing")}
        </em>
      );
    case "draft":
      return (
        <>
          <em className={s.dr}>
            <Icon name="pencil" size={13} />
            {t("row.draft")}
          </em>
          {line.text}
        </>
      );
    case "failed":
      return (
        <em className={line.state === "failed" ? s.fl : s.uk}>
          <Icon name={line.state === "failed" ? "alert-circle" : "help-circle"} size={13} />
          {t(line.state === "failed" ? "delivery.failed" : "delivery.unknown")}
        </em>
      );
    case "snoozed":
      return t("row.snoozed");
    case "last":
      return (
        <>
          {line.ours ? <Icon name="arrow-back-up" size={13} label={t("row.ours")} /> : null}
          {line.ours ? " " : ""}
          {line.text || (line.part ? t(partWords[line.part] ?? "part.file") : "")}
        </>
      );
  }
}

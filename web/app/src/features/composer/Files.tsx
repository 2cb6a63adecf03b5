import { useWords } from "../../lib/i18n";
import { bytes } from "../../lib/time";
import { Icon } from "../../ui/Icon";
import { cx, Ring } from "../../ui/parts";
import s from "./composer.module.css";
import type { Attachments } from "./useAttachments";

/** What will be sent along, with how far it is. */
export function Files({ files }: { files: Attachments }) {
  const t = useWords();
  if (files.all.length === 0) return null;
  return (
    <ul className={s.files} aria-label={t("file.list")}>
      {files.all.map((x) => (
        <li key={x.key} className={cx(s.file, x.problem && s.badFile)}>
          {x.problem ? (
            <Icon name="alert-circle" size={15} />
          ) : x.part ? (
            <Icon name={x.mime.startsWith("image/") ? "photo" : "file"} size={15} />
          ) : (
            <Ring part={x.progress} size={14} />
          )}
          <b>{x.name}</b>
          <small role={x.problem ? "alert" : undefined}>
            {x.problem ?? (x.part ? bytes(x.size) : `${Math.round(x.progress * 100)} %`)}
          </small>
          {x.problem && !x.part ? (
            <button type="button" aria-label={t("delivery.retry")} onClick={() => files.retry(x.key)}>
              <Icon name="refresh" size={14} />
            </button>
          ) : null}
          <button type="button" aria-label={t("file.remove", { name: x.name })} onClick={() => files.remove(x.key)}>
            <Icon name="x" size={14} />
          </button>
        </li>
      ))}
    </ul>
  );
}

import { Modal } from "@mantine/core";
import { useState } from "react";
import { fileUrl, smallUrl } from "../../lib/hub";
import { type Key, useWords } from "../../lib/i18n";
import { bytes } from "../../lib/time";
import type { Part } from "../../model/types";
import { Icon } from "../../ui/Icon";
import type { IconName } from "../../ui/icons";
import { cx } from "../../ui/parts";
import s from "./bubble.module.css";

const icons: Record<string, IconName> = {
  image: "photo",
  video: "video",
  audio: "microphone",
  location: "map-pin",
  sticker: "mood-smile",
  share: "link",
};

/** Where a part can be fetched. What the far side keeps is a link only: loading it here would tell it who looks. */
function address(p: Part): string | undefined {
  if (p.file) return fileUrl(p.file);
  return p.url && /^https?:/.test(p.url) ? p.url : undefined;
}

/** Can the browser draw it, from us? */
export function drawable(p: Part): boolean {
  return (p.kind === "image" || p.kind === "sticker") && !!p.file && !/heic|heif|tiff|svg/.test(p.mime ?? "");
}

const reasons: Record<string, Key> = {
  expired: "part.expired",
  too_large: "part.tooLarge",
  refused: "part.refused",
  gone: "part.gone",
};

/** What a message carries: pictures to look at, the rest to fetch. */
export function Attachments({ parts, small, bubble }: { parts: Part[]; small?: boolean; bubble?: "in" | "out" }) {
  const [shown, setShown] = useState<Part>();
  return (
    <div className={small || bubble ? s.atts : s.pics}>
      {parts.map((p, i) => {
        const picture = drawable(p);
        if (picture && !small) return <Picture key={i} p={p} open={() => setShown(p)} />;
        if (!small && p.file && (p.kind === "audio" || p.kind === "video")) return <Player key={i} p={p} />;
        return <File key={i} p={p} {...(picture ? { open: () => setShown(p) } : {})} />;
      })}
      {shown ? <Lightbox p={shown} close={() => setShown(undefined)} /> : null}
    </div>
  );
}

const WIDEST = 260;
const HIGHEST = 220;

function Picture({ p, open }: { p: Part; open: () => void }) {
  const t = useWords();
  const [broken, setBroken] = useState(false);
  if (broken) return <File p={p} />;
  const ratio = p.width && p.height ? p.width / p.height : 1.5;
  const width = Math.round(Math.min(WIDEST, HIGHEST * ratio));
  return (
    <button type="button" className={s.pic} onClick={open} aria-label={t("part.open", { name: p.name || t("part.image") })}>
      <img
        src={p.file ? smallUrl(p.file) : address(p)}
        alt={p.name ?? ""}
        width={width}
        height={Math.round(width / ratio)}
        loading="lazy"
        decoding="async"
        onError={() => setBroken(true)}
      />
    </button>
  );
}

function Player({ p }: { p: Part }) {
  const t = useWords();
  const name = p.name || t(p.kind === "audio" ? "part.audio" : "part.video");
  if (p.kind === "audio") {
    // biome-ignore lint/a11y/useMediaCaption: what people send has no captions
    return <audio className={s.player} controls preload="metadata" src={address(p)} aria-label={name} />;
  }
  return (
    // biome-ignore lint/a11y/useMediaCaption: what people send has no captions
    <video className={s.player} controls preload="metadata" src={address(p)} aria-label={name} />
  );
}

/** What is known of a part that is not here, or its size. */
function remark(p: Part, gone: boolean, t: ReturnType<typeof useWords>): string {
  if (p.retention === "never") return t("part.notKept");
  if (p.missing) return t(reasons[p.missing] ?? "part.gone");
  if (gone) return t("part.gone");
  if (!p.file && p.url) return t("part.elsewhere");
  return p.size ? bytes(p.size) : "";
}

function File({ p, open }: { p: Part; open?: () => void }) {
  const t = useWords();
  const url = address(p);
  const gone = !url || (!p.file && !!p.expires && Date.parse(p.expires) < Date.now());
  const name =
    p.name ||
    p.data?.title ||
    t(
      p.kind === "image"
        ? "part.image"
        : p.kind === "video"
          ? "part.video"
          : p.kind === "audio"
            ? "part.audio"
            : p.kind === "location"
              ? "part.location"
              : "part.file",
    );
  const icon: IconName = /pdf/.test(p.mime ?? "") ? "file-type-pdf" : (icons[p.kind] ?? "file");
  const inner = (
    <>
      {open && p.file ? (
        <img src={smallUrl(p.file)} alt="" width={30} height={30} loading="lazy" />
      ) : (
        <Icon name={icon} size={18} />
      )}
      <span>
        <b>{name}</b>
        <small>{remark(p, gone, t)}</small>
      </span>
    </>
  );
  if (open) {
    return (
      <button type="button" className={s.att} onClick={open}>
        {inner}
      </button>
    );
  }
  if (gone) return <span className={s.att}>{inner}</span>;
  return (
    <a
      className={s.att}
      href={url}
      {...(p.file ? { download: p.name ?? "" } : {})}
      target="_blank"
      rel="noopener noreferrer"
      referrerPolicy="no-referrer"
    >
      {inner}
    </a>
  );
}

function Lightbox({ p, close }: { p: Part; close: () => void }) {
  const t = useWords();
  const [big, setBig] = useState(false);
  return (
    <Modal
      opened
      onClose={close}
      size="auto"
      centered
      padding={0}
      lockScroll={false}
      title={p.name || t("part.image")}
      classNames={{ content: s.box ?? "", body: s.boxBody ?? "" }}
      closeButtonProps={{ "aria-label": t("action.close") }}
    >
      <button type="button" className={cx(s.zoom, big && s.big)} onClick={() => setBig(!big)} aria-label={t("part.zoom")}>
        <img src={address(p)} alt={p.name ?? ""} />
      </button>
      <footer className={s.boxFoot}>
        <span>
          {[p.width && p.height ? `${p.width} × ${p.height}` : "", p.size ? bytes(p.size) : ""].filter(Boolean).join(" · ")}
        </span>
        <a href={address(p)} download={p.name ?? ""}>
          <Icon name="download" size={15} />
          {t("part.download")}
        </a>
      </footer>
    </Modal>
  );
}

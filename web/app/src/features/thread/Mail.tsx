import { useComputedColorScheme } from "@mantine/core";
import { useCallback, useEffect, useRef, useState } from "react";
import { fileUrl } from "../../lib/hub";
import { useWords } from "../../lib/i18n";
import { ownPaper, remoteImages } from "../../model/mail";
import type { Part } from "../../model/types";
import { Icon } from "../../ui/Icon";
import { cx } from "../../ui/parts";
import s from "./mail.module.css";

const TALLEST = 900;

/** A mail as it came, in a frame that can run nothing. Pictures from elsewhere wait until they are asked for. */
export function Mail({ html, parts }: { html: string; parts: Part[] }) {
  const t = useWords();
  const [images, setImages] = useState(false);
  const [whole, setWhole] = useState(false);
  const [height, setHeight] = useState(0);
  const remote = remoteImages(html);
  const long = height > TALLEST;
  return (
    <>
      {remote > 0 && !images ? (
        <div className={s.blocked}>
          <Icon name="photo" size={14} />
          <span>{t("mail.blocked", { n: remote })}</span>
          <button type="button" onClick={() => setImages(true)}>
            {t("mail.showImages")}
          </button>
        </div>
      ) : null}
      <div className={cx(s.clip, long && !whole && s.cut)}>
        <Frame key={String(images)} html={html} parts={parts} images={images} onHeight={setHeight} height={height} />
      </div>
      {long ? (
        <button type="button" className={s.more} aria-expanded={whole} onClick={() => setWhole(!whole)}>
          <Icon name={whole ? "arrow-up" : "chevron-down"} size={14} />
          {t(whole ? "mail.less" : "mail.whole")}
        </button>
      ) : null}
    </>
  );
}

interface FrameProps {
  html: string;
  parts: Part[];
  images: boolean;
  height: number;
  onHeight: (px: number) => void;
}

function Frame({ html, parts, images, height, onHeight }: FrameProps) {
  const t = useWords();
  const dark = useComputedColorScheme("light") === "dark";
  const frame = useRef<HTMLIFrameElement>(null);
  const stop = useRef<() => void>(undefined);
  const fill = useCallback(() => {
    const doc = frame.current?.contentDocument;
    if (!doc?.body || doc.URL === "about:blank") return;
    stop.current?.();
    doc.documentElement.className = cx(dark && "dark", ownPaper(html) && "paper");
    doc.body.innerHTML = html; // in the frame's own document, whose policy runs nothing
    putPictures(doc, parts, images);
    const measure = () => onHeight(Math.ceil(doc.documentElement.getBoundingClientRect().height));
    const watch = new ResizeObserver(measure);
    watch.observe(doc.documentElement);
    stop.current = () => watch.disconnect();
    measure();
  }, [html, parts, images, dark, onHeight]);
  useEffect(() => {
    fill();
    return () => stop.current?.();
  }, [fill]);
  return (
    <iframe
      ref={frame}
      className={s.frame}
      title={t("mail.frame")}
      src={`/mail.html${images ? "?images" : ""}`}
      sandbox="allow-same-origin allow-popups allow-popups-to-escape-sandbox"
      height={Math.max(height, 20)}
      onLoad={fill}
    />
  );
}

/** Puts the pictures in: those that came with the mail, and, when asked, those from elsewhere. */
function putPictures(doc: Document, parts: Part[], images: boolean): void {
  for (const img of doc.querySelectorAll<HTMLImageElement>("img[data-cid]")) {
    const cid = (img.dataset.cid ?? "").toLowerCase();
    const p = parts.find((x) => x.inline?.toLowerCase() === cid);
    if (p?.file) img.src = fileUrl(p.file);
  }
  for (const img of doc.querySelectorAll<HTMLImageElement>("img[data-remote]")) {
    const from = img.dataset.remote ?? "";
    if (images && /^https?:/i.test(from)) img.src = from;
  }
}

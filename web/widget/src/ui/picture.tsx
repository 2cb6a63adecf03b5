// Pictures are drawn on a canvas: a host page's policy for images does not stop them, and no address with a token
// gets into the page.
import { useEffect, useRef, useState } from "preact/hooks";

interface Props {
  load: () => Promise<Blob | undefined>;
  label: string;
  width: number; // CSS pixels
  height: number;
  fallback: preact.JSX.Element;
}

export function Picture({ load, label, width, height, fallback }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [failed, setFailed] = useState(false);
  // Once: the picture behind an id never changes.
  useEffect(() => {
    let gone = false;
    load()
      .then(async (blob) => {
        if (!blob) throw new Error("no bytes");
        const bitmap = await createImageBitmap(blob);
        if (!gone && canvas.current) paint(canvas.current, bitmap, width, height);
        bitmap.close();
      })
      .catch(() => !gone && setFailed(true));
    return () => {
      gone = true;
    };
  }, []);
  if (failed) return fallback;
  return <canvas ref={canvas} role="img" aria-label={label} width={width} height={height} />;
}

/** Fills the canvas with the middle of the picture. */
function paint(c: HTMLCanvasElement, b: ImageBitmap, width: number, height: number): void {
  const dense = Math.min(3, window.devicePixelRatio || 1);
  c.width = width * dense;
  c.height = height * dense;
  const scale = Math.max(c.width / b.width, c.height / b.height);
  const [w, h] = [b.width * scale, b.height * scale];
  c.getContext("2d")?.drawImage(b, (c.width - w) / 2, (c.height - h) / 2, w, h);
}

const MAX_W = 240;
const MAX_H = 240;

/** The size at which a picture is shown. */
export function shownSize(w: number | undefined, h: number | undefined): [number, number] {
  if (!w || !h) return [200, 150];
  const scale = Math.min(1, MAX_W / w, MAX_H / h);
  return [Math.max(60, Math.round(w * scale)), Math.max(44, Math.round(h * scale))];
}

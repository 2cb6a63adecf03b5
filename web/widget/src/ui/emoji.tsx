// A small picker of our own: the ones people use most, drawn by the system's font.
import { useEffect, useRef } from "preact/hooks";
import { usePanel } from "./context";

const EMOJI = [
  ..."😀😄😁😅😂🙂😉😊😍😘😎🤔😐🙄😬😢😭😞😕😮😴😷🤒🤯😡🤗🙃😇👍👎👌🙏👏🙌💪👋🤝🤞🤷🤦🎉🎁🌟🔥💡✅❌❓❗💬📷📎📦🚚⏰☀🌧☕🍀",
  "❤️",
];
const COLUMNS = 7;

export function Emoji({ pick, close }: { pick: (e: string) => void; close: () => void }) {
  const { s } = usePanel();
  const grid = useRef<HTMLDivElement>(null);
  useEffect(() => grid.current?.querySelector("button")?.focus(), []);
  const keys = (e: KeyboardEvent) => {
    const all = [...(grid.current?.querySelectorAll("button") ?? [])];
    const at = all.indexOf(e.target as HTMLButtonElement);
    const rtl = getComputedStyle(grid.current as HTMLElement).direction === "rtl" ? -1 : 1;
    const by = { ArrowRight: rtl, ArrowLeft: -rtl, ArrowDown: COLUMNS, ArrowUp: -COLUMNS }[e.key];
    if (e.key === "Escape") {
      e.stopPropagation();
      close();
    } else if (by !== undefined) {
      e.preventDefault();
      all[Math.min(all.length - 1, Math.max(0, at + by))]?.focus();
    }
  };
  return (
    <div class="pop emo" ref={grid} role="dialog" aria-label={s.emoji} onKeyDown={keys}>
      {EMOJI.map((e, i) => (
        <button type="button" key={e} tabIndex={i === 0 ? 0 : -1} onClick={() => pick(e)}>
          {e}
        </button>
      ))}
    </div>
  );
}

import { type KeyboardEvent, useRef } from "react";
import { useWords } from "../../lib/i18n";
import { kept, useStore } from "../../lib/store";
import s from "./composer.module.css";

const all = [
  ..."😀😃😄😁😅😂🙂😉😊😇🥰😍😘😋😎🤗🤔😐🙄😏😴😌😔😕🙁😢😭😤😡😳😱🥳🤝👍👎👌✌️🤞👏🙌🙏💪👋✋💙💚💛🧡💜🖤💔💯🔥🎉🎁⭐✨✅❌⚠️❓❗⏰📦🚚📅📎📷📞✉️💬🏠🌍☀️🌧️⛺🥾🎒🧦🧥🍀☕🍕🍰".matchAll(
    /\p{Extended_Pictographic}\uFE0F?/gu,
  ),
].map((m) => m[0]);
const COLUMNS = 10;
const MOST_RECENT = 10;
const recent = kept<readonly string[]>("parley.emoji", []);

/** A small picker: the symbols people send in service, those used last first. Arrow keys move. */
export function Emoji({ pick }: { pick: (e: string) => void }) {
  const t = useWords();
  const used = useStore(recent);
  const grid = useRef<HTMLDivElement>(null);
  const list = [...used, ...all.filter((e) => !used.includes(e))];
  function choose(e: string) {
    recent.set((now) => [e, ...now.filter((x) => x !== e)].slice(0, MOST_RECENT));
    pick(e);
  }
  function move(e: KeyboardEvent) {
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: COLUMNS, ArrowUp: -COLUMNS }[e.key];
    if (!step) return;
    e.preventDefault();
    const buttons = [...(grid.current?.querySelectorAll("button") ?? [])];
    const at = buttons.indexOf(document.activeElement as HTMLButtonElement);
    buttons[Math.max(0, Math.min(buttons.length - 1, at + step))]?.focus();
  }
  return (
    // biome-ignore lint/a11y/useSemanticElements: a grid of buttons is no fieldset
    <div className={s.emoji} role="group" aria-label={t("write.emoji")} ref={grid} onKeyDown={move}>
      {list.map((e, i) => (
        <button key={e} type="button" tabIndex={i === 0 ? 0 : -1} onClick={() => choose(e)}>
          {e}
        </button>
      ))}
    </div>
  );
}

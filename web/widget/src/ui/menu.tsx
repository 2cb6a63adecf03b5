// The "More" menu: what a person may set for this device.
import { useEffect, useRef } from "preact/hooks";
import { usePanel } from "./context";

export interface Choice {
  title: string;
  bad?: boolean;
  run: () => void;
}

export function Menu({ choices, close }: { choices: readonly Choice[]; close: () => void }) {
  const { s } = usePanel();
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => list.current?.querySelector("button")?.focus(), []);
  useEffect(() => {
    const root = list.current?.getRootNode() as ShadowRoot;
    const away = (e: Event) => {
      if (!list.current?.contains(e.target as Node)) close();
    };
    root.addEventListener("pointerdown", away);
    return () => root.removeEventListener("pointerdown", away);
  }, [close]);
  const keys = (e: KeyboardEvent) => {
    const all = [...(list.current?.querySelectorAll("button") ?? [])];
    const at = all.indexOf(e.target as HTMLButtonElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[e.key];
    if (e.key === "Escape" || e.key === "Tab") {
      e.stopPropagation();
      close();
    } else if (to !== undefined) {
      e.preventDefault();
      all[(to + all.length) % all.length]?.focus();
    }
  };
  return (
    <div class="pop menu" ref={list} role="menu" tabIndex={-1} aria-label={s.more} onKeyDown={keys}>
      {choices.map((c) => (
        <button
          type="button"
          role="menuitem"
          key={c.title}
          class={c.bad ? "bad" : ""}
          onClick={() => {
            close();
            c.run();
          }}
        >
          {c.title}
        </button>
      ))}
    </div>
  );
}

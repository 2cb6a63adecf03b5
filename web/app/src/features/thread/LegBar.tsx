import { useEffect, useRef } from "react";
import { legLook, useLook } from "../../lib/channels";
import { useNow } from "../../lib/hooks";
import { useWords } from "../../lib/i18n";
import { presenceOf } from "../../lib/inbox";
import { replyLeg } from "../../lib/reply";
import { useStore } from "../../lib/store";
import type { Conversation } from "../../model/types";
import { LegWindow } from "../../ui/LegWindow";
import { cx, Glyph, hue } from "../../ui/parts";
import s from "./thread.module.css";

/** Every way to reach the person, with what is left of its window. The lit one is answered on. */
export function LegBar({ c }: { c: Conversation }) {
  const t = useWords();
  const look = useLook();
  const now = useNow();
  const here = useStore(presenceOf(c.id));
  const chosen = useStore(replyLeg)[c.id];
  const bar = useRef<HTMLDivElement>(null);
  // where there are more legs than room, the lit one is in sight
  // biome-ignore lint/correctness/useExhaustiveDependencies: a newly chosen leg is what moves it
  useEffect(() => {
    bar.current?.querySelector('[aria-pressed="true"]')?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [chosen]);
  return (
    // biome-ignore lint/a11y/useSemanticElements: a row of switches is no fieldset
    <div ref={bar} className={s.legs} role="group" aria-label={t("legs.title")}>
      {c.legs.map((l) => {
        const ch = legLook(look, l);
        const online = here.customer?.online && (!here.customer.leg || here.customer.leg === l.id) && ch.can?.typing?.in;
        return (
          <button
            key={l.id}
            type="button"
            className={cx(s.leg, chosen === l.id && s.on)}
            style={hue(ch.hue)}
            aria-pressed={chosen === l.id}
            title={[ch.title, l.display, l.about].filter(Boolean).join(" · ")}
            onClick={() => replyLeg.set((all) => ({ ...all, [c.id]: l.id }))}
          >
            <Glyph icon={ch.icon} h={ch.hue} size={15} />
            <b>{ch.title}</b>
            <LegWindow leg={l} can={ch.can} now={now} online={!!online} />
          </button>
        );
      })}
    </div>
  );
}

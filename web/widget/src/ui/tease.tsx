// A new message beside the closed button: who, what, when; opens the panel or goes away.
import { ago, initialsOf } from "../model/show";
import type { Msg } from "../model/thread";
import { usePanel } from "./context";
import { Icon } from "./icon";

interface Props {
  msg: Msg;
  onOpen: () => void;
  onHide: () => void;
}

export function Tease({ msg, onOpen, onHide }: Props) {
  const { s, locale } = usePanel();
  const name = msg.actor.name ?? "";
  const when = ago(msg.at, Date.now(), locale, s);
  const text = msg.body.text || msg.body.parts?.[0]?.name || s.file;
  return (
    <aside class="tease" role="status">
      <button type="button" aria-label={s.open} onClick={onOpen} />
      <span class="av" aria-hidden="true">
        {name ? initialsOf(name) : <Icon name="assistant" size={14} />}
      </span>
      <div>
        <p dir="auto">{text}</p>
        <small>{[name.split(" ")[0], when].filter(Boolean).join(", ")}</small>
      </div>
      <button type="button" class="ib" aria-label={s.hide} onClick={onHide}>
        <Icon name="x" />
      </button>
    </aside>
  );
}

import { Menu } from "@mantine/core";
import { legLook, useLook } from "../../lib/channels";
import { drafts, write } from "../../lib/drafts";
import { useNow } from "../../lib/hooks";
import { useWords } from "../../lib/i18n";
import { presenceOf } from "../../lib/inbox";
import { overlay } from "../../lib/prefs";
import { replyLeg } from "../../lib/reply";
import { useStore } from "../../lib/store";
import { bytes } from "../../lib/time";
import { measure, opening } from "../../model/legs";
import type { Capabilities, Conversation, Leg } from "../../model/types";
import { Icon } from "../../ui/Icon";
import { LegWindow } from "../../ui/LegWindow";
import { cx, Glyph, Kbd } from "../../ui/parts";
import s from "./composer.module.css";

interface Props {
  c: Conversation;
  note: boolean;
  setNote: (n: boolean) => void;
  leg?: Leg;
  can: Capabilities | undefined;
  text: string;
}

/** Reply or note, by which leg, and how much room is left. */
export function Head({ c, note, setNote, leg, can, text }: Props) {
  const t = useWords();
  return (
    <header className={s.head}>
      <div className={s.seg} role="tablist" aria-label={t("write.kind")}>
        <button type="button" role="tab" aria-selected={!note} className={cx(!note && s.on)} onClick={() => setNote(false)}>
          {t("write.reply")}
        </button>
        <button type="button" role="tab" aria-selected={note} className={cx(note && s.on)} onClick={() => setNote(true)}>
          {t("write.note")}
        </button>
      </div>
      {note ? <span className={s.inside}>{t("write.inside")}</span> : leg ? <Via c={c} leg={leg} /> : null}
      <span className="grow" />
      <Counter can={can} text={text} />
    </header>
  );
}

function Counter({ can, text }: { can: Capabilities | undefined; text: string }) {
  const t = useWords();
  const max = can?.text.max ?? 0;
  if (!max) return null;
  const n = measure(text, can?.text.unit);
  if (n < max / 2 && max > 4000) return null;
  const over = n > max;
  return (
    <span className={cx(s.count, over && s.overCount)} role={over ? "alert" : undefined}>
      {t(can?.text.unit === "bytes" ? "count.bytes" : "count.characters", { used: n, n: max })}
    </span>
  );
}

function Via({ c, leg }: { c: Conversation; leg: Leg }) {
  const t = useWords();
  const look = useLook();
  const now = useNow();
  const over = useStore(overlay);
  const here = useStore(presenceOf(c.id));
  const ch = legLook(look, leg);
  const online = (l: Leg) =>
    !!here.customer?.online && (!here.customer.leg || here.customer.leg === l.id) && !!legLook(look, l).can?.typing?.in;
  // the address tells two legs of one channel apart
  const twice = (l: Leg) => c.legs.filter((x) => x.channel === l.channel).length > 1;
  const pick = (l: Leg) => {
    replyLeg.set((all) => ({ ...all, [c.id]: l.id }));
    const d = drafts.get()[c.id];
    if (d?.text) write(c.id, d.text, l.id);
  };
  return (
    <Menu
      opened={over === "via"}
      onChange={(o) => overlay.set(o ? "via" : "none")}
      position="top-start"
      width={396}
      offset={6}
      transitionProps={{ duration: 140 }}
    >
      <Menu.Target>
        <button type="button" className={s.via}>
          <span className={s.viaWord}>{t("write.via")}</span>
          <Glyph icon={ch.icon} h={ch.hue} size={15} />
          <b>{ch.title}</b>
          <LegWindow leg={leg} can={ch.can} now={now} online={online(leg)} />
          <Icon name="chevron-down" size={14} />
        </button>
      </Menu.Target>
      <Menu.Dropdown
        onKeyDown={(e) => {
          const l = /^[1-9]$/.test(e.key) ? c.legs[Number(e.key) - 1] : undefined;
          if (!l) return;
          e.preventDefault();
          pick(l);
          overlay.set("none");
        }}
      >
        <Menu.Label className={s.viaLabel ?? ""}>
          <span>{t("write.replyVia")}</span>
          <Kbd>V</Kbd>
        </Menu.Label>
        {c.legs.map((l, i) => {
          const x = legLook(look, l);
          const open = opening(l, x.can, new Date(now)).open;
          return (
            <Menu.Item
              key={l.id}
              className={cx(s.viaItem)}
              data-off={open ? undefined : true}
              leftSection={<Glyph icon={x.icon} h={x.hue} size={17} />}
              onClick={() => pick(l)}
              rightSection={
                <span className={s.viaEnd}>
                  <LegWindow leg={l} can={x.can} now={now} online={online(l)} />
                  {open ? <Kbd>{String(i + 1)}</Kbd> : null}
                </span>
              }
            >
              <b>{x.title}</b>
              <small>
                {l.closed || [l.about || (twice(l) ? l.display : ""), limits(x.can)].filter(Boolean).join(" · ") || l.display}
              </small>
            </Menu.Item>
          );
        })}
      </Menu.Dropdown>
    </Menu>
  );

  /** What fits into one message, in words. */
  function limits(k: Capabilities | undefined): string {
    if (!k) return "";
    const parts: string[] = [];
    if (k.public) parts.push(t("limit.public"));
    if (k.text.max > 0) parts.push(t(k.text.unit === "bytes" ? "limit.bytes" : "limit.characters", { n: k.text.max }));
    const file = k.media?.file;
    if (file) parts.push(file.maxBytes ? t("limit.files", { max: bytes(file.maxBytes) }) : t("limit.filesAny"));
    else if (k.media?.image) parts.push(t("limit.pictures"), t("limit.noFiles"));
    return parts.join(t("list.comma"));
  }
}

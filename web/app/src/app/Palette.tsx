import { Modal } from "@mantine/core";
import { type KeyboardEvent, type ReactNode, useMemo, useRef, useState } from "react";
import { type Action, actions } from "../lib/actions";
import { useLook } from "../lib/channels";
import { cache, type ListPage } from "../lib/hub";
import { type Key, useWords } from "../lib/i18n";
import { overlay } from "../lib/prefs";
import { go, inboxPath } from "../lib/router";
import { useStore } from "../lib/store";
import { matter } from "../model/list";
import type { Conversation, Me } from "../model/types";
import { Icon } from "../ui/Icon";
import { cx, Glyph, Kbd, Keys } from "../ui/parts";
import s from "./overlays.module.css";
import { useFound } from "./useFound";

/** A line of the palette. */
export interface Hit {
  id: string;
  group: Key;
  title: string;
  side?: ReactNode;
  when?: string;
  combo?: string;
  icon: ReactNode;
  run: () => void;
}

const MOST = 8;
const groupWords: Record<Action["group"], Key> = {
  list: "group.list",
  conversation: "group.conversation",
  write: "group.write",
  go: "group.go",
  app: "group.app",
};

const order: Key[] = [
  "group.conversations",
  "group.people",
  "group.messages",
  "group.conversation",
  "group.write",
  "group.go",
  "group.list",
  "group.app",
];

/** What is known here and what the hub found, each once, by group. */
function together(here: Hit[], found: Hit[]): Hit[] {
  const known = new Set(here.map((h) => h.id));
  return [...here, ...found.filter((h) => !known.has(h.id))].sort((a, b) => order.indexOf(a.group) - order.indexOf(b.group));
}

function matches(text: string, words: string[]): boolean {
  const low = text.toLocaleLowerCase();
  return words.every((w) => low.includes(w));
}

/** Runs every action and finds every loaded conversation. */
export function Palette({ me }: { me: Me }) {
  const t = useWords();
  const all = useStore(actions);
  const look = useLook();
  const [query, setQuery] = useState("");
  const [at, setAt] = useState(0);
  const list = useRef<HTMLDivElement>(null);

  const found = useFound(query, look);
  const here = useMemo((): Hit[] => {
    const words = query.toLocaleLowerCase().split(/\s+/).filter(Boolean);
    const known = new Map<string, Conversation>();
    for (const [, page] of cache.getQueriesData<ListPage>({ queryKey: ["list"] }))
      for (const c of page?.items ?? []) known.set(c.id, c);
    const acts = all
      .filter((a) => !a.keyOnly && (!a.when || a.when()) && matches(t(a.title), words))
      .map(
        (a): Hit => ({
          id: a.id,
          group: groupWords[a.group],
          title: t(a.title),
          ...(a.combo ? { combo: a.combo } : {}),
          icon: <Icon name={a.icon} />,
          run: a.run,
        }),
      );
    const teams = me.teamList
      .filter((x) => matches(x.name, words))
      .map(
        (x): Hit => ({
          id: `team:${x.id}`,
          group: "group.go",
          title: x.name,
          icon: <Icon name="flag" />,
          run: () => go(inboxPath(`team:${x.id}`)),
        }),
      );
    const people = [...known.values()]
      .filter((c) => words.length > 0 && matches(`${c.name} ${matter(c)} ${c.number}`, words))
      .slice(0, MOST)
      .map((c): Hit => {
        const ch = look(c.legs[0]?.channel ?? "");
        return {
          id: `conversation:${c.id}`,
          group: "group.conversations",
          title: c.name,
          side: matter(c),
          icon: <Glyph icon={ch.icon} h={ch.hue} size={16} label={ch.title} />,
          run: () => go(inboxPath("all", c.id)),
        };
      });
    return [...people, ...acts, ...teams];
  }, [all, query, t, look, me]);
  const hits = useMemo(() => together(here, found.hits), [here, found.hits]);

  function close(run?: () => void) {
    overlay.set("none");
    if (run) setTimeout(run);
  }
  function key(e: KeyboardEvent) {
    const step = e.key === "ArrowDown" ? 1 : e.key === "ArrowUp" ? -1 : 0;
    if (step && hits.length > 0) {
      e.preventDefault();
      const next = (at + step + hits.length) % hits.length;
      setAt(next);
      list.current?.querySelector(`[data-i="${next}"]`)?.scrollIntoView({ block: "nearest" });
    } else if (e.key === "Enter") {
      e.preventDefault();
      close(hits[at]?.run);
    }
  }

  return (
    <Modal
      opened
      onClose={() => close()}
      withCloseButton={false}
      size={640}
      yOffset={104}
      padding={0}
      lockScroll={false}
      transitionProps={{ duration: 140 }}
      aria-label={t("palette.open")}
    >
      <div className={s.pin}>
        <Icon name="search" size={20} />
        <input
          data-autofocus
          value={query}
          placeholder={t("palette.placeholder")}
          aria-label={t("palette.placeholder")}
          role="combobox"
          aria-expanded="true"
          aria-controls="palette-list"
          aria-activedescendant={hits[at] ? `hit-${hits[at].id}` : undefined}
          onChange={(e) => {
            setQuery(e.currentTarget.value);
            setAt(0);
          }}
          onKeyDown={key}
        />
      </div>
      <div className={s.hits} id="palette-list" role="listbox" aria-label={t("palette.open")} ref={list}>
        {hits.length === 0 ? <p className={s.none}>{t(found.looking ? "palette.looking" : "palette.none", { query })}</p> : null}
        {hits.map((h, i) => (
          <div key={h.id} role="presentation">
            {hits[i - 1]?.group !== h.group ? <h2 role="presentation">{t(h.group)}</h2> : null}
            {/* biome-ignore lint/a11y/useKeyWithClickEvents: the field above has the keys */}
            <div
              id={`hit-${h.id}`}
              data-i={i}
              role="option"
              tabIndex={-1}
              aria-selected={i === at}
              className={cx(s.pi, i === at && s.onPi)}
              onMouseMove={() => setAt(i)}
              onClick={() => close(h.run)}
            >
              {h.icon}
              <b>{h.title}</b>
              <span>{h.side}</span>
              {h.when ? <time>{h.when}</time> : null}
              {h.combo ? <Keys combo={h.combo} /> : null}
            </div>
          </div>
        ))}
      </div>
      <footer className={s.pf}>
        <span>
          <Kbd>↵</Kbd> {t("palette.run")}
        </span>
        <span className="grow" />
        <span>{t("palette.foot")}</span>
        <Kbd>?</Kbd>
      </footer>
    </Modal>
  );
}

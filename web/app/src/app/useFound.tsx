import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import type { Look } from "../lib/channels";
import { searchQuery } from "../lib/hub";
import { type Key, useWords } from "../lib/i18n";
import { go, inboxPath } from "../lib/router";
import { short } from "../lib/time";
import { marked } from "../model/found";
import { matter } from "../model/list";
import type { Conversation, Hit as Finding, Found } from "../model/types";
import { Icon } from "../ui/Icon";
import { Glyph } from "../ui/parts";
import s from "./overlays.module.css";
import type { Hit } from "./Palette";

const WAIT_MS = 120;
const groups: Record<Finding["kind"], Key> = {
  conversation: "group.conversations",
  person: "group.people",
  message: "group.messages",
};

/** What the hub finds for the words, as lines of the palette. The last finds stay while others are looked for. */
export function useFound(query: string, look: Look): { hits: Hit[]; looking: boolean } {
  const t = useWords();
  const [words, setWords] = useState("");
  useEffect(() => {
    const timer = setTimeout(() => setWords(query.trim()), WAIT_MS);
    return () => clearTimeout(timer);
  }, [query]);
  const found = useQuery({ ...searchQuery(words), enabled: words.length > 0, placeholderData: keepPreviousData });
  const data = words ? found.data : undefined;
  return { hits: (data?.hits ?? []).flatMap((h) => line(h, data as Found) ?? []), looking: found.isFetching };

  function line(h: Finding, all: Found): Hit | undefined {
    const c = h.conversation ? all.conversations[h.conversation] : undefined;
    if (!c) return undefined;
    const ch = look(h.channel ?? c.legs[0]?.channel ?? "");
    const field = h.fields[0];
    return {
      id: `${h.kind}:${h.id}`,
      group: groups[h.kind],
      title: title(h, c),
      side: field ? <Marked text={field.text} ranges={field.ranges} /> : matter(c),
      when: short(h.at),
      icon: h.kind === "person" ? <Icon name="user" /> : <Glyph icon={ch.icon} h={ch.hue} size={16} label={ch.title} />,
      run: () => go(inboxPath("all", c.id)),
    };
  }

  function title(h: Finding, c: Conversation): string {
    if (h.kind === "message" && h.direction === "internal") return `${c.name} · ${t("thread.note")}`;
    return c.name;
  }
}

/** A text with what was found in it. */
function Marked({ text, ranges }: { text: string; ranges: number[][] }) {
  return (
    <>
      {marked(text, ranges).map((p, i) =>
        p.found ? (
          <mark key={i} className={s.mark}>
            {p.text}
          </mark>
        ) : (
          <span key={i}>{p.text}</span>
        ),
      )}
    </>
  );
}

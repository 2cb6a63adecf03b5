import { Menu } from "@mantine/core";
import { useState } from "react";
import { ask } from "../../lib/changes";
import { type Key, useWords } from "../../lib/i18n";
import type { Conversation } from "../../model/types";
import { Icon } from "../../ui/Icon";
import { Button } from "../../ui/parts";
import s from "./person.module.css";

const priorities: Key[] = ["priority.0", "priority.1", "priority.2", "priority.3", "priority.4"];

/** Labels and priority of the conversation. */
export function Labels({ c }: { c: Conversation }) {
  const t = useWords();
  const [adding, setAdding] = useState(false);
  function add(text: string) {
    setAdding(false);
    const label = text.trim();
    if (label && !c.labels?.includes(label)) void ask(c, { addLabels: [label] });
  }
  return (
    <section className={s.part}>
      <h3>{t("person.labels")}</h3>
      <div className={s.tags}>
        <Menu position="bottom-start" width={180} offset={4} transitionProps={{ duration: 140 }}>
          <Menu.Target>
            <button
              type="button"
              className={s.tag}
              aria-label={`${t("priority.title")}: ${t(priorities[c.priority ?? 0] ?? "priority.0")}`}
            >
              <Icon name="flag" size={12} />
              {t(priorities[c.priority ?? 0] ?? "priority.0")}
            </button>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Label>{t("priority.title")}</Menu.Label>
            {priorities.map((p, i) => (
              <Menu.Item
                key={p}
                rightSection={(c.priority ?? 0) === i ? <Icon name="check" label={t("menu.chosen")} /> : null}
                onClick={() => void ask(c, { priority: i })}
              >
                {t(p)}
              </Menu.Item>
            ))}
          </Menu.Dropdown>
        </Menu>
        {(c.labels ?? []).map((l) => (
          <span key={l} className={s.tag}>
            {l}
            <button type="button" aria-label={t("label.remove", { label: l })} onClick={() => void ask(c, { removeLabels: [l] })}>
              <Icon name="x" size={11} />
            </button>
          </span>
        ))}
        {adding ? (
          <input
            className={s.addLabel}
            autoFocus
            aria-label={t("label.add")}
            maxLength={40}
            onBlur={(e) => add(e.currentTarget.value)}
            onKeyDown={(e) => {
              if (e.key === "Enter") add(e.currentTarget.value);
              if (e.key === "Escape") setAdding(false);
            }}
          />
        ) : (
          <Button size="small" look="plain" className={s.plus ?? ""} onClick={() => setAdding(true)}>
            <Icon name="plus" size={13} />
            {t("label.add")}
          </Button>
        )}
      </div>
    </section>
  );
}

import { Menu } from "@mantine/core";
import { reopen, resolve, snooze } from "../../lib/changes";
import { type Key, useWords } from "../../lib/i18n";
import { overlay } from "../../lib/prefs";
import { useStore } from "../../lib/store";
import { comesBack, upcoming } from "../../lib/time";
import { choices } from "../../model/snooze";
import type { Conversation, State } from "../../model/types";
import { Icon } from "../../ui/Icon";
import type { IconName } from "../../ui/icons";
import { cx, IconButton, Kbd } from "../../ui/parts";
import s from "./thread.module.css";

const states: Record<State, { word: Key; icon: IconName }> = {
  open: { word: "state.open", icon: "circle-dashed" },
  snoozed: { word: "state.snoozed", icon: "clock-pause" },
  resolved: { word: "state.resolved", icon: "circle-check" },
};

/** Where the conversation stands, and where it can go. */
export function StateMenu({ c }: { c: Conversation }) {
  const t = useWords();
  const over = useStore(overlay);
  const word = t(states[c.state].word);
  return (
    <Menu
      opened={over === "state"}
      onChange={(o) => overlay.set(o ? "state" : "none")}
      position="bottom-start"
      width={210}
      offset={4}
      transitionProps={{ duration: 140 }}
    >
      <Menu.Target>
        <button type="button" className={s.stb} aria-label={t("state.is", { word })}>
          <i className={cx(s.sd, s[c.state])} />
          <span>{c.state === "snoozed" ? t("state.snoozedUntil", { when: comesBack(c.snoozeUntil) }) : word}</span>
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        {c.state !== "open" ? (
          <Menu.Item leftSection={<Icon name="arrow-up-circle" />} onClick={() => void reopen(c)}>
            {t("action.reopen")}
          </Menu.Item>
        ) : null}
        {c.state !== "resolved" ? (
          <Menu.Item leftSection={<Icon name="circle-check" />} rightSection={<Kbd>E</Kbd>} onClick={() => void resolve(c)}>
            {t("action.resolve")}
          </Menu.Item>
        ) : null}
        <Menu.Item
          leftSection={<Icon name="clock-pause" />}
          rightSection={<Kbd>S</Kbd>}
          onClick={() => setTimeout(() => overlay.set("snooze"))}
        >
          {t("action.snooze")}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

/** When a snoozed conversation comes back. It comes back sooner if the person writes. */
export function SnoozeMenu({ c }: { c: Conversation }) {
  const t = useWords();
  const over = useStore(overlay);
  const now = new Date();
  return (
    <Menu
      opened={over === "snooze"}
      onChange={(o) => overlay.set(o ? "snooze" : "none")}
      position="bottom-end"
      width={260}
      offset={4}
      transitionProps={{ duration: 140 }}
    >
      <Menu.Target>
        <IconButton icon="clock-pause" label={t("action.snooze")} combo="s" />
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{t("snooze.title")}</Menu.Label>
        {choices(now).map((x) => {
          const when = upcoming(x.at.toISOString(), now);
          return (
            <Menu.Item
              key={x.word}
              rightSection={<span className={s.side}>{when}</span>}
              onClick={() => void snooze(c, x.at, when)}
            >
              {t(`snooze.${x.word}`)}
            </Menu.Item>
          );
        })}
        <Menu.Item onClick={() => void snooze(c, undefined, t("snooze.untilReply"))}>{t("snooze.reply")}</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

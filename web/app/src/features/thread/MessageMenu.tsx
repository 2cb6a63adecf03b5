import { Menu } from "@mantine/core";
import { canOn, useLook } from "../../lib/channels";
import { Problem } from "../../lib/http";
import { fileUrl, type ModerationAction, moderate } from "../../lib/hub";
import { type Key, useWords } from "../../lib/i18n";
import { say } from "../../lib/prefs";
import { ulid } from "../../lib/ulid";
import type { Conversation, TimelineEvent } from "../../model/types";
import { Icon } from "../../ui/Icon";
import type { IconName } from "../../ui/icons";
import { IconButton } from "../../ui/parts";
import s from "./bubble.module.css";

const looks: Record<ModerationAction, { icon: IconName; word: Key }> = {
  hide: { icon: "eye-off", word: "moderate.hide" },
  unhide: { icon: "eye", word: "moderate.unhide" },
  delete: { icon: "trash", word: "moderate.delete" },
};

/** What can be done to one message. Nothing is drawn where there is nothing to do. */
export function MessageMenu({ e, c }: { e: TimelineEvent; c: Conversation }) {
  const t = useWords();
  const look = useLook();
  const leg = c.legs.find((l) => l.id === e.leg);
  const can = leg ? canOn(look(leg.channel), leg) : undefined;
  const m = e.message;
  if (!m || m.unsent) return null;
  const hidden = m.moderated?.action === "hide" && m.moderated.state === "done";
  const actions = (e.direction === "in" ? ((can?.moderation ?? []) as ModerationAction[]) : []).filter((a) =>
    a === "hide" ? !hidden : a === "unhide" ? hidden : true,
  );
  const source = m.parts?.find((p) => p.kind === "source" && p.file);
  if (actions.length === 0 && !source) return null;
  const act = async (a: ModerationAction) => {
    try {
      await moderate(c.id, ulid(), e.id, a);
    } catch (x) {
      if (!(x instanceof Problem)) throw x;
      say(x.status === 0 ? t("problem.unreachable") : x.words, { tone: "bad" });
    }
  };
  return (
    <span className={s.menu}>
      <Menu position="bottom-end" width={220} offset={4} transitionProps={{ duration: 140 }}>
        <Menu.Target>
          <IconButton icon="dots" label={t("message.more")} />
        </Menu.Target>
        <Menu.Dropdown>
          {actions.map((a) => (
            <Menu.Item key={a} leftSection={<Icon name={looks[a].icon} />} onClick={() => void act(a)}>
              {t(looks[a].word)}
            </Menu.Item>
          ))}
          {source?.file ? (
            <Menu.Item
              component="a"
              href={fileUrl(source.file)}
              target="_blank"
              rel="noopener"
              leftSection={<Icon name="file-code" />}
            >
              {t("message.source")}
            </Menu.Item>
          ) : null}
        </Menu.Dropdown>
      </Menu>
    </span>
  );
}

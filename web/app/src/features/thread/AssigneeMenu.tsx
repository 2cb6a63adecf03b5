import { Menu } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { ask, assign, toMe } from "../../lib/changes";
import { agentsQuery } from "../../lib/hub";
import { useWords } from "../../lib/i18n";
import { overlay } from "../../lib/prefs";
import { useStore } from "../../lib/store";
import type { Conversation, Me } from "../../model/types";
import { Icon } from "../../ui/Icon";
import { Avatar, Kbd } from "../../ui/parts";
import s from "./thread.module.css";

/** Whose conversation it is, and to whom it can go. */
export function AssigneeMenu({ c, me }: { c: Conversation; me: Me }) {
  const t = useWords();
  const agents = useQuery(agentsQuery);
  const over = useStore(overlay);
  const list = (agents.data ?? []).filter((a) => !a.disabled && a.id !== me.id);
  const owner = c.assignee === me.id ? me : agents.data?.find((a) => a.id === c.assignee);
  const name = owner?.name ?? (c.assignee ? t("assign.somebody") : t("assign.nobody"));
  return (
    <Menu
      opened={over === "assign"}
      onChange={(o) => overlay.set(o ? "assign" : "none")}
      position="bottom-start"
      width={230}
      offset={4}
      transitionProps={{ duration: 140 }}
    >
      <Menu.Target>
        <button type="button" className={s.stb} aria-label={t("assign.to", { name })}>
          {c.assignee ? <Avatar name={name} size={18} kind="agent" /> : <Icon name="user-plus" size={15} />}
          <span>{c.assignee ? name.split(" ")[0] : name}</span>
        </button>
      </Menu.Target>
      <Menu.Dropdown mah={360} className={s.scroll ?? ""}>
        <Menu.Item
          leftSection={<Avatar name={me.name} size={18} kind="agent" />}
          rightSection={c.assignee === me.id ? <Icon name="check" label={t("menu.chosen")} /> : <Kbd>I</Kbd>}
          onClick={() => void toMe(c, me)}
        >
          {t("assign.me")}
        </Menu.Item>
        {list.map((a) => (
          <Menu.Item
            key={a.id}
            leftSection={<Avatar name={a.name} size={18} kind="agent" />}
            rightSection={c.assignee === a.id ? <Icon name="check" label={t("menu.chosen")} /> : null}
            onClick={() => void assign(c, a.id)}
          >
            {a.name}
          </Menu.Item>
        ))}
        {c.assignee ? (
          <Menu.Item leftSection={<Icon name="x" />} onClick={() => void assign(c, "")}>
            {t("assign.remove")}
          </Menu.Item>
        ) : null}
        {me.teamList.length > 0 ? <Menu.Label>{t("nav.teams")}</Menu.Label> : null}
        {me.teamList.map((x) => (
          <Menu.Item
            key={x.id}
            leftSection={<Icon name="flag" />}
            rightSection={c.team === x.id ? <Icon name="check" label={t("menu.chosen")} /> : null}
            onClick={() => void ask(c, { team: c.team === x.id ? "" : x.id })}
          >
            {x.name}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

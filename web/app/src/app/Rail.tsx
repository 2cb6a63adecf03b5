import { Menu, useMantineColorScheme } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { MouseEvent } from "react";
import { usePhone } from "../lib/hooks";
import { signedOut } from "../lib/http";
import { accountsQuery, signOut } from "../lib/hub";
import { useWords } from "../lib/i18n";
import { socket } from "../lib/inbox";
import { overlay } from "../lib/prefs";
import { go } from "../lib/router";
import { useStore } from "../lib/store";
import type { Me } from "../model/types";
import { Icon } from "../ui/Icon";
import type { IconName } from "../ui/icons";
import { Logo } from "../ui/Logo";
import { Avatar, cx, Hint } from "../ui/parts";

import s from "./app.module.css";

/** Where one can go: at the left, or at the foot of a phone. */
export function Rail({ me, settings, unread }: { me: Me; settings: boolean; unread: number }) {
  const t = useWords();
  const phone = usePhone();
  const accounts = useQuery({ ...accountsQuery, enabled: me.permissions.includes("account.read"), refetchInterval: 60_000 });
  const trouble = accounts.data?.some((a) => a.enabled && (a.health?.state === "amber" || a.health?.state === "red"));
  return (
    <nav className={s.rail} aria-label={t("nav.main")}>
      <a className={s.logo} href="/inbox/mine" aria-label="Parley" onClick={(e) => follow(e, "/inbox/mine")}>
        <Logo />
      </a>
      <Item icon="inbox" label={t("nav.inbox")} to="/inbox/mine" on={!settings} count={phone ? unread : 0} />
      <span className={s.grow} />
      <Hint label={t("nav.keys")} combo="?">
        <button type="button" className={cx(s.ri, s.keys)} aria-label={t("nav.keys")} onClick={() => overlay.set("keys")}>
          <Icon name="keyboard" size={20} stroke={1.6} />
        </button>
      </Hint>
      <Item
        icon="settings"
        label={t("nav.settings")}
        to="/settings"
        on={settings}
        {...(trouble ? { pip: t("nav.trouble") } : {})}
      />
      <MeMenu me={me} />
    </nav>
  );
}

function follow(e: MouseEvent, to: string) {
  if (e.metaKey || e.ctrlKey || e.shiftKey) return;
  e.preventDefault();
  go(to);
}

function Item({
  icon,
  label,
  to,
  on,
  pip,
  count = 0,
}: {
  icon: IconName;
  label: string;
  to: string;
  on: boolean;
  pip?: string;
  count?: number;
}) {
  return (
    <Hint label={label}>
      <a
        className={cx(s.ri, on && s.on)}
        href={to}
        aria-label={pip ? `${label}, ${pip}` : label}
        aria-current={on ? "page" : undefined}
        onClick={(e) => follow(e, to)}
      >
        <Icon name={icon} size={20} stroke={1.6} />
        {pip ? <i className={s.pip} /> : null}
        {count > 0 ? <b className={s.badge}>{count > 99 ? "99+" : count}</b> : null}
        <span className={s.rl}>{label}</span>
      </a>
    </Hint>
  );
}

const schemes: { value: "light" | "dark" | "auto"; icon: IconName; word: "theme.light" | "theme.dark" | "theme.auto" }[] = [
  { value: "light", icon: "sun", word: "theme.light" },
  { value: "dark", icon: "moon", word: "theme.dark" },
  { value: "auto", icon: "device-desktop", word: "theme.auto" },
];

function MeMenu({ me }: { me: Me }) {
  const t = useWords();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const live = useStore(socket.link).state === "live";
  async function leave() {
    await signOut().catch(() => undefined);
    signedOut.set(true);
  }
  return (
    <Menu position="right-end" width={210} offset={8} transitionProps={{ duration: 140 }}>
      <Menu.Target>
        <button type="button" className={cx(s.ri, s.me)} aria-label={`${me.name}, ${t(live ? "strip.live" : "strip.offline")}`}>
          <Avatar name={me.name} size={26} kind="agent">
            <i className={cx(s.st, !live && s.away)} />
          </Avatar>
          <span className={s.rl}>{t("nav.me")}</span>
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{me.email ?? me.name}</Menu.Label>
        <Menu.Item leftSection={<Icon name="user-circle" />} onClick={() => go("/settings/me")}>
          {t("settings.me")}
        </Menu.Item>
        <Menu.Divider />
        <Menu.Label>{t("theme.title")}</Menu.Label>
        {schemes.map((x) => (
          <Menu.Item
            key={x.value}
            leftSection={<Icon name={x.icon} />}
            rightSection={colorScheme === x.value ? <Icon name="check" label={t("menu.chosen")} /> : null}
            onClick={() => setColorScheme(x.value)}
          >
            {t(x.word)}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item leftSection={<Icon name="logout" />} onClick={() => void leave()}>
          {t("signin.out")}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

import { useQuery } from "@tanstack/react-query";
import type { MouseEvent, ReactNode } from "react";
import { useLook } from "../../lib/channels";
import { accountsQuery, channelsQuery } from "../../lib/hub";
import { type Key, useWords } from "../../lib/i18n";
import { go, usePlace } from "../../lib/router";
import type { Me, Permission } from "../../model/types";
import { Icon } from "../../ui/Icon";
import type { IconName } from "../../ui/icons";
import { cx, Empty, Glyph } from "../../ui/parts";
import { AccountPage } from "./AccountPage";
import { Agents } from "./Agents";
import { AppPage } from "./AppPage";
import { Channels } from "./Channels";
import { Dead } from "./Dead";
import s from "./frame.module.css";
import { Profile } from "./Profile";
import { Teams } from "./Teams";

/** The settings: their own navigation at the left, one page beside it. */
export function Settings({ me }: { me: Me }) {
  const t = useWords();
  const { path } = usePlace();
  const [, , page = "me", id = ""] = path.split("/");
  return (
    <div className={s.frame}>
      <header className={s.crumbs}>
        <a href="/inbox/mine" onClick={(e) => follow(e, "/inbox/mine")}>
          <Icon name="arrow-left" />
          {t("settings.back")}
        </a>
        <span>{t("nav.settings")}</span>
      </header>
      <SettingsNav me={me} page={page} id={id} />
      <main className={s.body} key={path}>
        <Page me={me} page={page} id={id} />
      </main>
    </div>
  );
}

function Page({ me, page, id }: { me: Me; page: string; id: string }) {
  const t = useWords();
  const may = (p: Permission) => me.permissions.includes(p);
  const denied = (
    <Empty icon="lock" title={t("settings.denied")}>
      {t("settings.deniedHelp")}
    </Empty>
  );
  switch (page) {
    case "accounts":
    case "channels":
      if (!may("account.read")) return denied;
      if (id.startsWith("app:")) return <AppPage kind={decodeURIComponent(id.slice(4))} may={may("account.manage")} />;
      return id ? (
        <AccountPage id={decodeURIComponent(id)} may={may("account.manage")} />
      ) : (
        <Channels may={may("account.manage")} />
      );
    case "agents":
      return may("agent.read") ? <Agents me={me} may={may("agent.manage")} /> : denied;
    case "teams":
      return may("agent.read") ? <Teams may={may("team.manage")} /> : denied;
    case "dead":
      return may("dead.manage") ? <Dead /> : denied;
    default:
      return <Profile me={me} />;
  }
}

function follow(e: MouseEvent, to: string) {
  if (e.metaKey || e.ctrlKey || e.shiftKey) return;
  e.preventDefault();
  go(to);
}

function Link({
  to,
  on,
  icon,
  children,
  count,
}: {
  to: string;
  on: boolean;
  icon: ReactNode;
  children: ReactNode;
  count?: number;
}) {
  return (
    <a className={cx(s.ni, on && s.on)} href={to} aria-current={on ? "page" : undefined} onClick={(e) => follow(e, to)}>
      {icon}
      <span>{children}</span>
      {count ? <b>{count}</b> : null}
    </a>
  );
}

const fixed: { page: string; word: Key; icon: IconName; needs: Permission; group: Key }[] = [
  { page: "agents", word: "settings.agents", icon: "users", needs: "agent.read", group: "settings.people" },
  { page: "teams", word: "settings.teams", icon: "flag", needs: "agent.read", group: "settings.people" },
  { page: "dead", word: "settings.dead", icon: "mailbox", needs: "dead.manage", group: "settings.system" },
];

function SettingsNav({ me, page, id }: { me: Me; page: string; id: string }) {
  const t = useWords();
  const look = useLook();
  const sees = me.permissions.includes("account.read");
  const channels = useQuery({ ...channelsQuery, enabled: sees });
  const accounts = useQuery({ ...accountsQuery, enabled: sees });
  const current = accounts.data?.find((a) => a.id === id)?.channel ?? (/^(new|app):/.test(id) ? id.slice(4) : "");
  const shown = fixed.filter((x) => me.permissions.includes(x.needs));
  return (
    <nav className={s.nav} aria-label={t("nav.settings")}>
      <h2>{t("settings.you")}</h2>
      <Link to="/settings/me" on={page === "me"} icon={<Icon name="user-circle" />}>
        {t("settings.me")}
      </Link>
      {sees ? (
        <>
          <h2>{t("settings.accounts")}</h2>
          {(channels.data ?? []).map((c) => {
            const x = look(c.kind);
            const mine = (accounts.data ?? []).filter((a) => a.channel === c.kind);
            const only = mine.length === 1 ? mine[0] : undefined;
            const to = only
              ? `/settings/channels/${encodeURIComponent(only.id)}`
              : mine.length === 0 && me.permissions.includes("account.manage")
                ? `/settings/channels/new:${c.kind}`
                : "/settings/channels";
            return (
              <Link
                key={c.kind}
                to={to}
                on={page === "channels" && current === c.kind}
                icon={<Glyph icon={x.icon} h={x.hue} size={16} />}
                count={mine.length}
              >
                {x.title}
              </Link>
            );
          })}
          <Link to="/settings/channels" on={page === "channels" && !id} icon={<Icon name="list" />}>
            {t("account.all")}
          </Link>
        </>
      ) : null}
      {shown.map((x, i) => (
        <div key={x.page}>
          {shown[i - 1]?.group !== x.group ? <h2>{t(x.group)}</h2> : null}
          <Link to={`/settings/${x.page}`} on={page === x.page} icon={<Icon name={x.icon} />}>
            {t(x.word)}
          </Link>
        </div>
      ))}
    </nav>
  );
}

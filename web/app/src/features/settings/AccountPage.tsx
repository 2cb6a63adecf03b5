import { useQuery } from "@tanstack/react-query";
import { useLook } from "../../lib/channels";
import { accountsQuery, channelsQuery } from "../../lib/hub";
import { said, useWords } from "../../lib/i18n";
import { go } from "../../lib/router";
import { date } from "../../lib/time";
import { Icon } from "../../ui/Icon";
import { Button, Empty, Glyph, hue } from "../../ui/parts";
import { AccountForm } from "./AccountForm";
import { CanCard } from "./CanCard";
import { Connect } from "./Connect";
import { HealthCard } from "./Health";
import { Loading } from "./Loading";
import s from "./settings.module.css";

/** One account: its form, how it is doing, what its channel can do. "new:<kind>" makes one. */
export function AccountPage({ id, may }: { id: string; may: boolean }) {
  const t = useWords();
  const look = useLook();
  const accounts = useQuery({ ...accountsQuery, refetchInterval: 30_000 });
  const channels = useQuery(channelsQuery);
  const a = accounts.data?.find((x) => x.id === id);
  const kind = a?.channel ?? (id.startsWith("new:") ? id.slice(4) : "");
  const channel = channels.data?.find((c) => c.kind === kind);
  const ch = look(kind);
  return (
    <Loading query={accounts.isPending ? accounts : channels}>
      {channel ? (
        <div className={s.account}>
          <section className={s.form} style={hue(ch.hue)}>
            <header className={s.title}>
              <span className={s.tile} style={hue(ch.hue)}>
                <Glyph bare icon={ch.icon} h={ch.hue} size={20} />
              </span>
              <div>
                <h1>{a?.name ?? t("account.add", { name: ch.title })}</h1>
                <p>
                  {a
                    ? a.createdAt
                      ? t("account.since", { name: ch.title, date: date(a.createdAt) })
                      : ch.title
                    : t("account.new", { name: ch.title })}
                </p>
              </div>
            </header>
            {may ? <Connect channel={channel} again={!!a} /> : null}
            <AccountForm key={id} channel={channel} may={may} {...(a ? { account: a } : {})} />
          </section>
          <aside className={s.aside}>
            {a ? <HealthCard a={a} may={may} /> : null}
            {channel.app.length > 0 ? (
              <Button onClick={() => go(`/settings/channels/app:${channel.kind}`)}>
                <Icon name="settings" size={14} />
                {t("app.title", { name: ch.title })}
              </Button>
            ) : null}
            <CanCard can={channel.can} />
            {Object.entries(channel.places).map(([place, can]) => (
              <CanCard key={place} can={can} title={said(can.label, place)} />
            ))}
          </aside>
        </div>
      ) : (
        <Empty icon="plug" title={t("account.gone")} />
      )}
    </Loading>
  );
}

import { useQuery } from "@tanstack/react-query";
import { useLook } from "../../lib/channels";
import { accountsQuery, channelsQuery } from "../../lib/hub";
import { useWords } from "../../lib/i18n";
import { go, usePlace } from "../../lib/router";
import { Icon } from "../../ui/Icon";
import { Button, Empty, Glyph, hue } from "../../ui/parts";
import { HealthWord } from "./Health";
import { Loading } from "./Loading";
import s from "./settings.module.css";

/** Every account with its health, and what can be added. */
export function Channels({ may }: { may: boolean }) {
  const t = useWords();
  const look = useLook();
  const accounts = useQuery(accountsQuery);
  const channels = useQuery(channelsQuery);
  const { query } = usePlace();
  const [connected, failed] = [query.get("connected"), query.get("failed")];
  return (
    <div className={s.page}>
      <h1>{t("settings.accounts")}</h1>
      {connected ? (
        <p className={s.hint} role="status">
          {t("connect.done", { names: connected })}
        </p>
      ) : null}
      {failed ? (
        <p className={s.err} role="alert">
          {t("connect.failed")} {failed}
        </p>
      ) : null}
      <Loading query={accounts}>
        {accounts.data?.length === 0 ? (
          <Empty icon="plug" title={t("account.none")}>
            {t("account.noneHelp")}
          </Empty>
        ) : (
          <ul className={s.cards}>
            {accounts.data?.map((a) => {
              const ch = look(a.channel);
              return (
                <li key={a.id}>
                  <a
                    href={`/settings/channels/${encodeURIComponent(a.id)}`}
                    className={s.card}
                    onClick={(e) => {
                      e.preventDefault();
                      go(`/settings/channels/${encodeURIComponent(a.id)}`);
                    }}
                  >
                    <span className={s.tile} style={hue(ch.hue)}>
                      <Glyph bare icon={ch.icon} h={ch.hue} size={20} />
                    </span>
                    <span className={s.cardText}>
                      <b>{a.name}</b>
                      <small>{ch.title}</small>
                    </span>
                    <HealthWord a={a} />
                    <Icon name="chevron-right" />
                  </a>
                </li>
              );
            })}
          </ul>
        )}
      </Loading>
      {may ? (
        <div className={s.adds}>
          {channels.data?.map((c) => (
            <Button key={c.kind} onClick={() => go(`/settings/channels/new:${c.kind}`)}>
              <Icon name="plus" size={14} />
              {t("account.add", { name: look(c.kind).title })}
            </Button>
          ))}
        </div>
      ) : null}
    </div>
  );
}

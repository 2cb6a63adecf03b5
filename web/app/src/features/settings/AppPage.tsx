import { useQuery } from "@tanstack/react-query";
import { useLook } from "../../lib/channels";
import { type AppSettings, appQuery, cache, channelsQuery, saveApp } from "../../lib/hub";
import { useWords } from "../../lib/i18n";
import type { Channel } from "../../model/types";
import { Empty, Glyph, hue } from "../../ui/parts";
import { Copied } from "./Copied";
import { Loading } from "./Loading";
import { Rare } from "./Rare";
import s from "./settings.module.css";
import { SettingsFoot, useSettings } from "./useSettings";

/** What every account of a channel shares: our app on the far side. */
export function AppPage({ kind, may }: { kind: string; may: boolean }) {
  const t = useWords();
  const look = useLook();
  const channels = useQuery(channelsQuery);
  const app = useQuery(appQuery(kind));
  const channel = channels.data?.find((c) => c.kind === kind);
  const ch = look(kind);
  return (
    <Loading query={channels.isPending ? channels : app}>
      {channel && app.data ? (
        <div className={s.account}>
          <section className={s.form} style={hue(ch.hue)}>
            <header className={s.title}>
              <span className={s.tile} style={hue(ch.hue)}>
                <Glyph bare icon={ch.icon} h={ch.hue} size={20} />
              </span>
              <div>
                <h1>{t("app.title", { name: ch.title })}</h1>
                <p>{t("app.shared", { name: ch.title })}</p>
              </div>
            </header>
            <AppForm key={kind} channel={channel} app={app.data} may={may} />
          </section>
        </div>
      ) : (
        <Empty icon="plug" title={t("account.gone")} />
      )}
    </Loading>
  );
}

function AppForm({ channel, app, may }: { channel: Channel; app: AppSettings; may: boolean }) {
  const t = useWords();
  const form = useSettings({
    settings: channel.app,
    set: app.settings,
    defaults: true,
    secrets: app.secrets,
    may,
    save: async (values) => {
      await saveApp(channel.kind, values);
      await Promise.all([["channels"], ["app", channel.kind]].map((queryKey) => cache.invalidateQueries({ queryKey })));
    },
  });
  return (
    <form onSubmit={form.submit} className={s.fields}>
      <div className={s.set}>
        {channel.app.filter((x) => !x.advanced).map(form.line)}
        {app.callback ? <Copied label={t("account.callback")} help={t("account.callbackHelp")} text={app.callback} /> : null}
      </div>
      <Rare settings={channel.app} line={form.line} open={form.folded} />
      <SettingsFoot form={form} may={may} />
    </form>
  );
}

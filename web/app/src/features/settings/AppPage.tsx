import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useLook } from "../../lib/channels";
import { Problem } from "../../lib/http";
import { type AppSettings, appQuery, cache, channelsQuery, saveApp } from "../../lib/hub";
import { useWords } from "../../lib/i18n";
import { say } from "../../lib/prefs";
import type { Channel, Setting } from "../../model/types";
import { Button, Empty, Glyph, hue } from "../../ui/parts";
import { Copied } from "./Copied";
import { Field } from "./Field";
import { Loading } from "./Loading";
import { Rare } from "./Rare";
import s from "./settings.module.css";

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
  const [values, setValues] = useState(() =>
    Object.fromEntries(channel.app.map((x) => [x.name, app.settings[x.name] ?? (x.kind === "secret" ? "" : (x.default ?? ""))])),
  );
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  async function save(e: FormEvent) {
    e.preventDefault();
    setBusy(true);
    setProblem(undefined);
    const settings = Object.fromEntries(
      channel.app.filter((x) => x.kind !== "secret" || values[x.name]).map((x) => [x.name, values[x.name] ?? ""]),
    );
    try {
      await saveApp(channel.kind, settings);
      await Promise.all([
        cache.invalidateQueries({ queryKey: ["channels"] }),
        cache.invalidateQueries({ queryKey: ["app", channel.kind] }),
      ]);
      say(t("settings.saved"));
    } catch (err) {
      if (!(err instanceof Problem)) throw err;
      setProblem(err);
    } finally {
      setBusy(false);
    }
  }
  const line = (x: Setting) => (
    <Field
      key={x.name}
      x={x}
      value={values[x.name] ?? ""}
      kept={!!app.secrets[x.name]}
      disabled={!may}
      error={problem?.field(x.name)}
      set={(v) => setValues((all) => ({ ...all, [x.name]: v }))}
    />
  );
  return (
    <form onSubmit={save} className={s.fields}>
      <div className={s.set}>
        {channel.app.filter((x) => !x.advanced).map(line)}
        {app.callback ? <Copied label={t("account.callback")} help={t("account.callbackHelp")} text={app.callback} /> : null}
      </div>
      <Rare settings={channel.app} line={line} open={channel.app.some((x) => x.advanced && problem?.field(x.name))} />
      <footer className={s.foot}>
        {may ? (
          <Button look="primary" size="large" type="submit" busy={busy}>
            {t("settings.save")}
          </Button>
        ) : (
          <span className={s.hint}>{t("settings.deniedHelp")}</span>
        )}
        {problem ? (
          <span className={s.err} role="alert">
            {problem.status === 0 ? t("problem.unreachable") : problem.words}
          </span>
        ) : null}
      </footer>
    </form>
  );
}

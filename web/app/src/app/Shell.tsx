import { useMantineColorScheme } from "@mantine/core";
import { lazy, Suspense, useEffect } from "react";
import { chosen, useWords } from "../lib/i18n";
import { arrived } from "../lib/inbox";
import { useNumber } from "../lib/lists";
import { go, usePlace } from "../lib/router";
import { useStore } from "../lib/store";
import type { Me } from "../model/types";
import s from "./app.module.css";
import { Inbox } from "./Inbox";
import { Overlays } from "./Overlays";
import { Rail } from "./Rail";
import { Strip } from "./Strip";

const Settings = lazy(async () => ({ default: (await import("../features/settings/Settings")).Settings }));

/** The frame around every screen: rail, page, strip, and what floats over them. */
export function Shell({ me }: { me: Me }) {
  const t = useWords();
  const { path } = usePlace();
  const settings = path.startsWith("/settings");
  const unread = useNumber(me.id);
  const news = useStore(arrived);

  useEffect(() => {
    if (!path.startsWith("/inbox") && !settings) go("/inbox/mine", true);
  }, [path, settings]);

  useEffect(() => {
    const page = settings ? t("nav.settings") : t("nav.inbox");
    document.title = unread > 0 ? `(${unread}) ${page} · Parley` : `${page} · Parley`;
  }, [unread, settings, t]);

  useMySettings(me);

  return (
    <div className={s.shell}>
      <Rail me={me} settings={settings} unread={unread} />
      {settings ? (
        <Suspense fallback={<main className={s.page} />}>
          <Settings me={me} />
        </Suspense>
      ) : (
        <Inbox me={me} />
      )}
      <Strip me={me} />
      <Overlays me={me} />
      <p className="hidden" aria-live="polite">
        {news.n > 0 ? t("live.message", { name: news.name, text: news.text }) : ""}
      </p>
    </div>
  );
}

/** A browser that knows nothing of me yet takes what I chose elsewhere. */
function useMySettings(me: Me): void {
  const { setColorScheme } = useMantineColorScheme();
  const { theme, locale } = me.settings;
  useEffect(() => {
    if (theme && !localStorage.getItem("mantine-color-scheme-value")) setColorScheme(theme);
    if (locale && !localStorage.getItem("parley.language")) chosen.set(locale.startsWith("zh") ? "zh" : "en");
  }, [theme, locale, setColorScheme]);
}

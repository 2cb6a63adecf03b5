import { lazy, Suspense } from "react";
import { useViewActions } from "../features/views/Views";
import { useActions } from "../lib/actions";
import { useWords } from "../lib/i18n";
import { hush, overlay, toasts } from "../lib/prefs";
import { go } from "../lib/router";
import { useStore } from "../lib/store";
import type { Me } from "../model/types";
import { Icon } from "../ui/Icon";
import { cx } from "../ui/parts";
import s from "./overlays.module.css";

const Palette = lazy(async () => ({ default: (await import("./Palette")).Palette }));
const Start = lazy(async () => ({ default: (await import("../features/start/Start")).Start }));
const KeySheet = lazy(async () => ({ default: (await import("./KeySheet")).KeySheet }));

/** What floats over every page: the palette, the sheet of keys, short words at the foot. */
export function Overlays({ me }: { me: Me }) {
  const over = useStore(overlay);
  useViewActions();
  useActions(
    () => [
      {
        id: "app.palette",
        title: "palette.open",
        group: "app",
        icon: "search",
        combo: "mod+k",
        typing: true,
        keyOnly: true,
        run: () => overlay.set((o) => (o === "palette" ? "none" : "palette")),
      },
      {
        id: "app.search",
        title: "palette.open",
        group: "app",
        icon: "search",
        combo: "/",
        keyOnly: true,
        run: () => overlay.set("palette"),
      },
      {
        id: "app.start",
        title: "start.title",
        group: "app",
        icon: "pencil",
        combo: "c",
        when: () => me.permissions.includes("conversation.reply"),
        run: () => overlay.set("start"),
      },
      { id: "app.keys", title: "nav.keys", group: "app", icon: "keyboard", combo: "?", run: () => overlay.set("keys") },
      { id: "app.settings", title: "nav.settings", group: "go", icon: "settings", combo: "g ,", run: () => go("/settings") },
    ],
    [me],
  );
  return (
    <>
      <Suspense>
        {over === "palette" ? <Palette me={me} /> : null}
        {over === "keys" ? <KeySheet /> : null}
        {over === "start" ? <Start /> : null}
      </Suspense>
      <Toasts />
    </>
  );
}

function Toasts() {
  const t = useWords();
  const list = useStore(toasts);
  return (
    <ul className={s.toasts} aria-live="polite">
      {list.map((x) => (
        <li key={x.id} className={cx(s.toast, x.tone === "bad" && s.badToast)}>
          {x.tone === "bad" ? <Icon name="alert-circle" size={15} /> : <Icon name="check" size={15} />}
          <span>{x.text}</span>
          {x.action ? (
            <button
              type="button"
              onClick={() => {
                x.action?.run();
                hush(x.id);
              }}
            >
              {x.action.label}
            </button>
          ) : null}
          <button type="button" className={s.x} aria-label={t("action.close")} onClick={() => hush(x.id)}>
            <Icon name="x" size={14} />
          </button>
        </li>
      ))}
    </ul>
  );
}

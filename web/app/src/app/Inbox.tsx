import { type ReactNode, useMemo } from "react";
import { Composer } from "../features/composer/Composer";
import { ConversationList } from "../features/list/ConversationList";
import { ContextPane } from "../features/person/ContextPane";
import { Thread } from "../features/thread/Thread";
import { Views } from "../features/views/Views";
import { useMedia, usePhone } from "../lib/hooks";
import { useWords } from "../lib/i18n";
import { overlay, prefs } from "../lib/prefs";
import { inboxAt, usePlace } from "../lib/router";
import { useStore } from "../lib/store";
import type { Me } from "../model/types";
import { cx, Empty } from "../ui/parts";
import s from "./app.module.css";

/** Views, list, thread and context; what has no room moves behind a key. */
export function Inbox({ me }: { me: Me }) {
  const t = useWords();
  const { path } = usePlace();
  const { view, conversation } = useMemo(() => inboxAt(path), [path]);
  const phone = usePhone();
  const wide = useMedia("(min-width: 1344px)");
  const middle = useMedia("(min-width: 1131px)");
  const { context } = useStore(prefs);
  const over = useStore(overlay);
  const pane = middle ? context && !!conversation : over === "context" && !!conversation;

  return (
    <div className={cx(s.inbox, pane && middle && s.withContext, phone && (conversation ? s.phoneThread : s.phoneList))}>
      {wide ? (
        <Views me={me} view={view} />
      ) : over === "views" ? (
        <Drawer label={t("nav.views")}>
          <Views me={me} view={view} />
        </Drawer>
      ) : null}
      {phone && conversation ? null : (
        <ConversationList key={view} me={me} view={view} {...(conversation ? { selected: conversation } : {})} />
      )}
      {conversation ? (
        <main className={s.thread} key={conversation}>
          <Thread id={conversation} me={me} />
          <Composer id={conversation} me={me} />
        </main>
      ) : phone ? null : (
        <main className={s.thread}>
          <Empty icon="messages" title={t("thread.none")}>
            {t("thread.noneHelp")}
          </Empty>
        </main>
      )}
      {pane && conversation ? (
        middle ? (
          <ContextPane id={conversation} />
        ) : (
          <Drawer right label={t("nav.person")}>
            <ContextPane id={conversation} />
          </Drawer>
        )
      ) : null}
    </div>
  );
}

/** A pane over the others, for a screen that has no room for it. */
function Drawer({ label, right, children }: { label: string; right?: boolean; children: ReactNode }) {
  return (
    <>
      <button type="button" className={s.scrim} aria-label={label} tabIndex={-1} onClick={() => overlay.set("none")} />
      <div className={cx(s.drawer, right && s.right)}>{children}</div>
    </>
  );
}

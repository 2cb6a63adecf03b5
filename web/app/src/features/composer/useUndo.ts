import { useCallback } from "react";
import { draftKey, drafts, write } from "../../lib/drafts";
import { t } from "../../lib/i18n";
import { takeBack, type Undoable } from "../../lib/outbox";
import { say } from "../../lib/prefs";
import { go, inboxAt, inboxPath, where } from "../../lib/router";

/** Takes a message back and puts its text into the composer again. */
export function useUndo(): (u: Undoable) => Promise<void> {
  return useCallback(async (u: Undoable) => {
    if (!(await takeBack(u))) {
      say(t("undo.late"), { tone: "bad" });
      return;
    }
    const key = draftKey(u.conversation, false);
    const now = drafts.get()[key]?.text ?? "";
    write(key, now ? `${u.text}\n\n${now}` : u.text, u.leg);
    const at = inboxAt(where().path);
    if (at.conversation !== u.conversation) go(inboxPath(at.view, u.conversation));
  }, []);
}

import { useCallback, useState } from "react";
import { Problem } from "../../lib/http";
import { t } from "../../lib/i18n";
import { say } from "../../lib/prefs";

/** Runs one thing at a time; what the hub refuses is said at the foot and answered with false. */
export function useDoing(): [string, (key: string, what: () => Promise<unknown>) => Promise<boolean>] {
  const [busy, setBusy] = useState("");
  const run = useCallback(async (key: string, what: () => Promise<unknown>) => {
    setBusy(key);
    try {
      await what();
      return true;
    } catch (e) {
      if (!(e instanceof Problem)) throw e;
      say(e.status === 0 ? t("problem.unreachable") : e.words, { tone: "bad" });
      return false;
    } finally {
      setBusy("");
    }
  }, []);
  return [busy, run];
}

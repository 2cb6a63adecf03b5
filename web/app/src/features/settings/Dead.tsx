import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { cache, deadQuery, dropDead, replayDead } from "../../lib/hub";
import { useWords } from "../../lib/i18n";
import { say } from "../../lib/prefs";
import { full, short } from "../../lib/time";
import { Icon } from "../../ui/Icon";
import { Button, Empty } from "../../ui/parts";
import { Loading } from "./Loading";
import s from "./settings.module.css";
import { useDoing } from "./useDoing";

/** What could not be handled: replay it, or delete it for good. */
export function Dead() {
  const t = useWords();
  const dead = useQuery({ ...deadQuery, refetchInterval: 30_000 });
  const [sure, setSure] = useState("");
  const [busy, run] = useDoing();
  const after = () => cache.invalidateQueries({ queryKey: ["dead"] });
  return (
    <div className={s.page}>
      <h1>{t("settings.dead")}</h1>
      <Loading query={dead}>
        {dead.data?.length === 0 ? (
          <Empty icon="circle-check" title={t("dead.none")}>
            {t("dead.noneHelp")}
          </Empty>
        ) : (
          <>
            <p className={s.lead}>{t("dead.help")}</p>
            <ul className={s.lines}>
              {dead.data?.map((d) => (
                <li key={d.id} className={s.dead}>
                  <div>
                    <b>{d.reason}</b>
                    <small>
                      <code>{[d.topic, d.group].filter(Boolean).join(" → ")}</code> {d.key} · {t("dead.tries", { n: d.attempts })}{" "}
                      · <time title={full(d.failed)}>{short(d.failed)}</time>
                    </small>
                  </div>
                  <Button
                    size="small"
                    busy={busy === d.id}
                    onClick={() =>
                      void run(d.id, async () => {
                        await replayDead(d.id);
                        say(t("dead.replayed"));
                        await after();
                      })
                    }
                  >
                    <Icon name="refresh" size={14} />
                    {t("dead.replay")}
                  </Button>
                  {sure === d.id ? (
                    <Button
                      size="small"
                      look="danger"
                      onClick={() =>
                        void run(d.id, async () => {
                          await dropDead(d.id);
                          await after();
                        })
                      }
                    >
                      {t("dead.dropSure")}
                    </Button>
                  ) : (
                    <Button size="small" look="plain" onClick={() => setSure(d.id)}>
                      {t("dead.drop")}
                    </Button>
                  )}
                </li>
              ))}
            </ul>
          </>
        )}
      </Loading>
    </div>
  );
}

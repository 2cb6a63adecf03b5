import { useQuery } from "@tanstack/react-query";
import { cache, endSession, sessionsQuery } from "../../lib/hub";
import { useWords } from "../../lib/i18n";
import { full, short } from "../../lib/time";
import { program } from "../../model/program";
import { Icon } from "../../ui/Icon";
import { Button, Tag } from "../../ui/parts";
import { Loading } from "./Loading";
import s from "./settings.module.css";
import { useDoing } from "./useDoing";

/** Where I am signed in; every other place can be signed out. */
export function Sessions() {
  const t = useWords();
  const list = useQuery(sessionsQuery);
  const [busy, run] = useDoing();
  const end = (id: string) =>
    void run(id, async () => {
      await endSession(id);
      await cache.invalidateQueries({ queryKey: ["sessions"] });
    });
  const others = (list.data ?? []).filter((x) => !x.current).length;
  return (
    <div className={s.set}>
      <h2>
        {t("me.sessions")}
        <span className="grow" />
        {others > 1 ? (
          <Button size="small" look="plain" busy={busy === "others"} onClick={() => end("others")}>
            {t("me.sessionsEnd")}
          </Button>
        ) : null}
      </h2>
      <Loading query={list}>
        <ul className={s.lines}>
          {list.data?.map((x) => (
            <li key={x.id}>
              <Icon name="device-desktop" size={17} />
              <div>
                <b>
                  <Program agent={x.program ?? ""} />
                </b>
                <small>
                  {x.address}
                  {x.lastAt ? <time title={full(x.lastAt)}> · {t("me.sessionSeen", { time: short(x.lastAt) })}</time> : null}
                </small>
              </div>
              {x.current ? (
                <Tag>{t("me.sessionHere")}</Tag>
              ) : (
                <Button size="small" busy={busy === x.id} onClick={() => end(x.id)}>
                  {t("me.sessionEnd")}
                </Button>
              )}
            </li>
          ))}
        </ul>
      </Loading>
    </div>
  );
}

function Program({ agent }: { agent: string }) {
  const t = useWords();
  const { name, system } = program(agent);
  return <span title={agent}>{system ? t("me.sessionOn", { name, system }) : name || t("me.sessionUnknown")}</span>;
}

import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { agentsQuery, cache, createTeam, removeTeam, renameTeam, teamsQuery } from "../../lib/hub";
import { useWords } from "../../lib/i18n";
import { ulid } from "../../lib/ulid";
import { Icon } from "../../ui/Icon";
import { Avatar, Button, Empty, IconButton } from "../../ui/parts";
import { Loading } from "./Loading";
import s from "./settings.module.css";
import { useDoing } from "./useDoing";

/** The teams and who is in them. */
export function Teams({ may }: { may: boolean }) {
  const t = useWords();
  const teams = useQuery(teamsQuery);
  const agents = useQuery(agentsQuery);
  const [name, setName] = useState("");
  const [editing, setEditing] = useState("");
  const [busy, run] = useDoing();
  const after = async () => {
    await cache.invalidateQueries({ queryKey: ["teams"] });
    await cache.invalidateQueries({ queryKey: ["me"] });
  };
  async function add(e: FormEvent) {
    e.preventDefault();
    const ok = await run("add", async () => {
      await createTeam(name.trim(), ulid());
      await after();
    });
    if (ok) setName("");
  }
  return (
    <div className={s.page}>
      <h1>{t("settings.teams")}</h1>
      <Loading query={teams}>
        {teams.data?.length === 0 ? (
          <Empty icon="flag" title={t("team.none")}>
            {t("team.noneHelp")}
          </Empty>
        ) : (
          <ul className={s.lines}>
            {teams.data?.map((x) => {
              const members = (agents.data ?? []).filter((a) => a.teams?.includes(x.id) && !a.disabled);
              const rename = (v: string) => {
                setEditing("");
                if (v.trim() && v.trim() !== x.name)
                  void run(x.id, async () => {
                    await renameTeam(x.id, v.trim());
                    await after();
                  });
              };
              return (
                <li key={x.id}>
                  {editing === x.id ? (
                    <input
                      className={s.inline}
                      autoFocus
                      defaultValue={x.name}
                      aria-label={t("team.name")}
                      onBlur={(e) => rename(e.currentTarget.value)}
                      onKeyDown={(e) => {
                        if (e.key === "Enter") rename(e.currentTarget.value);
                        if (e.key === "Escape") setEditing("");
                      }}
                    />
                  ) : (
                    <b>{x.name}</b>
                  )}
                  <span className={s.faces}>
                    {members.slice(0, 6).map((a) => (
                      <span key={a.id} title={a.name}>
                        <Avatar name={a.name} size={22} kind="agent" />
                      </span>
                    ))}
                  </span>
                  <small>{t("team.members", { n: members.length })}</small>
                  {may ? (
                    <>
                      <IconButton
                        icon="pencil"
                        size={16}
                        label={t("team.rename", { name: x.name })}
                        onClick={() => setEditing(x.id)}
                      />
                      <IconButton
                        icon="trash"
                        size={16}
                        label={t("team.remove", { name: x.name })}
                        disabled={busy === x.id}
                        onClick={() =>
                          void run(x.id, async () => {
                            await removeTeam(x.id);
                            await after();
                          })
                        }
                      />
                    </>
                  ) : null}
                </li>
              );
            })}
          </ul>
        )}
      </Loading>
      {may ? (
        <form onSubmit={add} className={s.addLine}>
          <input
            className={s.inline}
            value={name}
            placeholder={t("team.placeholder")}
            aria-label={t("team.name")}
            maxLength={100}
            onChange={(e) => setName(e.currentTarget.value)}
          />
          <Button type="submit" busy={busy === "add"} disabled={!name.trim()}>
            <Icon name="plus" size={14} />
            {t("team.add")}
          </Button>
        </form>
      ) : null}
    </div>
  );
}

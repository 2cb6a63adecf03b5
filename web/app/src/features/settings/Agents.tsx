import { Menu, Modal, MultiSelect, Select, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { agentsQuery, cache, changeAgent, type Invited, inviteAgain, inviteAgent, rolesQuery, teamsQuery } from "../../lib/hub";
import { type Key, useWords } from "../../lib/i18n";
import { ulid } from "../../lib/ulid";
import type { Agent, Me } from "../../model/types";
import { Icon } from "../../ui/Icon";
import { Avatar, Button, cx, IconButton, Tag } from "../../ui/parts";
import { Copied } from "./Copied";
import { Loading } from "./Loading";
import s from "./settings.module.css";
import { useDoing } from "./useDoing";

const roleWords: Record<string, Key> = {
  admin: "role.admin",
  supervisor: "role.supervisor",
  agent: "role.agent",
  viewer: "role.viewer",
};

/** Who may sign in, with roles and teams. */
export function Agents({ me, may }: { me: Me; may: boolean }) {
  const t = useWords();
  const agents = useQuery(agentsQuery);
  const teams = useQuery(teamsQuery);
  const [adding, setAdding] = useState(false);
  const [invited, setInvited] = useState<Invited>();
  const [busy, run] = useDoing();
  const after = () => cache.invalidateQueries({ queryKey: ["agents"] });
  return (
    <div className={s.page}>
      <header className={s.ph}>
        <h1>{t("settings.agents")}</h1>
        {may ? (
          <Button look="primary" onClick={() => setAdding(true)}>
            <Icon name="plus" size={14} />
            {t("agent.add")}
          </Button>
        ) : null}
      </header>
      <Loading query={agents}>
        <table className={s.table}>
          <thead>
            <tr>
              <th>{t("agent.name")}</th>
              <th>{t("agent.role")}</th>
              <th>{t("agent.teams")}</th>
              <th>{t("agent.totp")}</th>
              <th>
                <span className="hidden">{t("agent.more")}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {agents.data?.map((a) => (
              <tr key={a.id} className={cx(a.disabled && s.pale)}>
                <td>
                  <span className={s.person}>
                    <Avatar name={a.name} size={26} kind="agent" />
                    <span>
                      <b>{a.name}</b>
                      <small>{a.email}</small>
                    </span>
                  </span>
                </td>
                <td>{(a.roles ?? []).map((r) => t(roleWords[r] ?? "role.agent")).join(t("list.comma"))}</td>
                <td>
                  <span className={s.tagList}>
                    {(a.teams ?? []).map((x) => (
                      <Tag key={x}>{teams.data?.find((y) => y.id === x)?.name ?? x}</Tag>
                    ))}
                  </span>
                </td>
                <td>
                  {a.disabled ? (
                    t("agent.disabled")
                  ) : a.invited ? (
                    t("agent.invited")
                  ) : a.totp ? (
                    <Icon name="shield-lock" label={t("can.yes")} />
                  ) : (
                    <span className={s.hint}>{t("can.no")}</span>
                  )}
                </td>
                <td>
                  {may && a.id !== me.id ? <More a={a} busy={busy === a.id} run={run} after={after} show={setInvited} /> : null}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Loading>
      {adding ? (
        <Add
          close={() => setAdding(false)}
          done={(x) => {
            setAdding(false);
            setInvited(x);
            void after();
          }}
        />
      ) : null}
      {invited ? (
        <Modal
          opened
          onClose={() => setInvited(undefined)}
          title={t("agent.link", { name: invited.agent.name })}
          size={520}
          centered
          lockScroll={false}
          closeButtonProps={{ "aria-label": t("action.close") }}
        >
          <Copied label="" help={t("agent.linkHelp")} text={`${location.origin}/once#${invited.secret}`} />
        </Modal>
      ) : null}
    </div>
  );
}

interface MoreProps {
  a: Agent;
  busy: boolean;
  run: (key: string, what: () => Promise<unknown>) => Promise<boolean>;
  after: () => Promise<void>;
  show: (x: Invited) => void;
}

function More({ a, busy, run, after, show }: MoreProps) {
  const t = useWords();
  const roles = useQuery(rolesQuery);
  return (
    <Menu position="bottom-end" width={220} transitionProps={{ duration: 140 }}>
      <Menu.Target>
        <IconButton icon="dots" size={16} label={t("agent.moreOf", { name: a.name })} disabled={busy} />
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{t("agent.role")}</Menu.Label>
        {(roles.data ?? []).map((r) => (
          <Menu.Item
            key={r.name}
            rightSection={a.roles?.includes(r.name) ? <Icon name="check" label={t("menu.chosen")} /> : null}
            onClick={() =>
              void run(a.id, async () => {
                await changeAgent(a.id, { roles: [r.name] });
                await after();
              })
            }
          >
            {t(roleWords[r.name] ?? "role.agent")}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item leftSection={<Icon name="link" />} onClick={() => void run(a.id, async () => show(await inviteAgain(a.id)))}>
          {t("agent.newLink")}
        </Menu.Item>
        {a.totp ? (
          <Menu.Item
            leftSection={<Icon name="shield-lock" />}
            onClick={() =>
              void run(a.id, async () => {
                await changeAgent(a.id, { resetTotp: true });
                await after();
              })
            }
          >
            {t("agent.resetTotp")}
          </Menu.Item>
        ) : null}
        <Menu.Item
          leftSection={<Icon name={a.disabled ? "user-check" : "lock"} />}
          onClick={() =>
            void run(a.id, async () => {
              await changeAgent(a.id, { disabled: !a.disabled });
              await after();
            })
          }
        >
          {t(a.disabled ? "agent.enable" : "agent.disable")}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

function Add({ close, done }: { close: () => void; done: (x: Invited) => void }) {
  const t = useWords();
  const teams = useQuery(teamsQuery);
  const roles = useQuery(rolesQuery);
  const [name, setName] = useState("");
  const [email, setEmail] = useState("");
  const [role, setRole] = useState("agent");
  const [chosen, setChosen] = useState<string[]>([]);
  const [busy, run] = useDoing();
  const [key] = useState(ulid);
  function submit(e: FormEvent) {
    e.preventDefault();
    void run("add", async () =>
      done(await inviteAgent({ name: name.trim(), email: email.trim(), roles: [role], teams: chosen }, key)),
    );
  }
  return (
    <Modal
      opened
      onClose={close}
      title={t("agent.add")}
      size={440}
      centered
      lockScroll={false}
      transitionProps={{ duration: 140 }}
      closeButtonProps={{ "aria-label": t("action.close") }}
    >
      <form onSubmit={submit} className={s.stack}>
        <TextInput
          label={t("agent.name")}
          value={name}
          onChange={(e) => setName(e.currentTarget.value)}
          required
          data-autofocus
        />
        <TextInput
          label={t("agent.email")}
          type="email"
          value={email}
          onChange={(e) => setEmail(e.currentTarget.value)}
          required
        />
        <Select
          label={t("agent.role")}
          value={role}
          onChange={(v) => setRole(v ?? "agent")}
          data={(roles.data ?? []).map((r) => ({ value: r.name, label: t(roleWords[r.name] ?? "role.agent") }))}
          allowDeselect={false}
        />
        <MultiSelect
          label={t("agent.teams")}
          value={chosen}
          onChange={setChosen}
          data={(teams.data ?? []).map((x) => ({ value: x.id, label: x.name }))}
        />
        <div className={s.ask}>
          <Button onClick={close}>{t("settings.cancel")}</Button>
          <Button look="primary" type="submit" busy={busy === "add"}>
            {t("agent.add")}
          </Button>
        </div>
      </form>
    </Modal>
  );
}

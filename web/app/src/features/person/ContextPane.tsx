import { useQuery } from "@tanstack/react-query";
import { useLook } from "../../lib/channels";
import { useMedia } from "../../lib/hooks";
import { accountsQuery, type Opened, openedKey, personQuery } from "../../lib/hub";
import { useWords } from "../../lib/i18n";
import { overlay } from "../../lib/prefs";
import type { Account, Conversation, Known, Person } from "../../model/types";
import { Icon } from "../../ui/Icon";
import { Avatar, Button, cx, Empty, Glyph, IconButton } from "../../ui/parts";
import { Attributes } from "./Attributes";
import { Labels } from "./Labels";
import { Note } from "./Note";
import { Past } from "./Past";
import { PersonMenu } from "./PersonMenu";
import s from "./person.module.css";
import { SamePerson } from "./SamePerson";

/** Who the person is: identities, what we know, what was before. */
export function ContextPane({ id }: { id: string }) {
  const t = useWords();
  const opened = useQuery<Opened>({ queryKey: openedKey(id), enabled: false });
  const c = opened.data?.conversation;
  const person = useQuery({ ...personQuery(c?.person ?? ""), enabled: !!c?.person });
  const middle = useMedia("(min-width: 1131px)");
  const p = person.data?.person ?? opened.data?.person;
  const known = person.data?.identities.length ? person.data.identities : (opened.data?.identities ?? []);
  return (
    <aside className={s.ctx} aria-label={t("nav.person")}>
      <header className={s.top}>
        <h2>{t("person.title")}</h2>
        {middle ? null : <IconButton icon="x" label={t("action.close")} onClick={() => overlay.set("none")} />}
      </header>
      <div className={s.cx}>
        {person.error && !p ? (
          <Empty
            icon="wifi-off"
            title={t("problem.person")}
            action={<Button onClick={() => void person.refetch()}>{t("action.tryNow")}</Button>}
          />
        ) : c && p ? (
          <>
            <Who p={p} c={c} />
            <Identities list={known} c={c} />
            <SamePerson c={c} />
            <Attributes person={p} />
            <Past person={p.id} current={c.id} />
            <Labels c={c} />
            <Note person={p} />
          </>
        ) : null}
      </div>
    </aside>
  );
}

function Who({ p, c }: { p: Person; c: Conversation }) {
  const t = useWords();
  const zone = p.profile?.timeZone;
  let there = "";
  try {
    if (zone)
      there = t("person.there", {
        time: new Intl.DateTimeFormat("en-GB", { timeZone: zone, hour: "2-digit", minute: "2-digit" }).format(new Date()),
      });
  } catch {
    there = ""; // a zone that this browser does not know says nothing
  }
  const city = p.profile?.extra?.city;
  const line = [city, there, p.profile?.username].filter(Boolean).join(t("list.comma"));
  return (
    <section className={s.pp}>
      <Avatar name={p.name || c.name} size={36} />
      <div>
        <h3>{p.name || c.name}</h3>
        <p>{line || t("person.number", { id: String(c.number) })}</p>
      </div>
      <PersonMenu p={p} />
    </section>
  );
}

function Identities({ list, c }: { list: Known[]; c: Conversation }) {
  const t = useWords();
  const look = useLook();
  const accounts = useQuery({ ...accountsQuery, retry: false });
  if (list.length === 0) return null;
  return (
    <ul className={s.ids} aria-label={t("person.identities")}>
      {list.map((k) => {
        const kind = channelOf(k, c, accounts.data ?? []);
        const ch = kind ? look(kind) : undefined;
        const shown = k.identity.display || k.identity.value;
        return (
          <li key={k.id}>
            {ch ? (
              <Glyph icon={ch.icon} h={ch.hue} size={15} label={ch.title} />
            ) : (
              <Icon name="user" size={15} label={k.identity.scheme} />
            )}
            <span className={s.hd} title={shown}>
              {shown}
            </span>
            <Proof k={k} channel={ch?.title ?? k.identity.scheme} />
          </li>
        );
      })}
    </ul>
  );
}

/** The channel an identity is reached by: its account's, or the leg that uses it. */
function channelOf(k: Known, c: Conversation, accounts: Account[]): string | undefined {
  const leg = c.legs.find((l) => l.identity === k.id || (l.thread.account === k.identity.account && l.peer === k.identity.value));
  return (
    leg?.channel ??
    accounts.find((a) => a.id === k.identity.account)?.channel ??
    c.legs.find((l) => l.identity.includes(`|${k.identity.scheme}|`))?.channel
  );
}

function Proof({ k, channel }: { k: Known; channel: string }) {
  const t = useWords();
  const proof = k.identity.proof ?? "";
  if (!proof) {
    return (
      <span className={cx(s.mk, s.q)} title={t("proof.noneHelp")}>
        <Icon name="help-circle" size={14} />
        {t("proof.none")}
      </span>
    );
  }
  return (
    <span className={cx(s.mk, s.ok)}>
      <Icon name="circle-check" size={14} />
      {proof === "provider" ? t("proof.provider", { name: channel }) : t(proof === "signed" ? "proof.signed" : "proof.agent")}
    </span>
  );
}

// The hub's calls as functions, and the names of their answers in the query cache. Everything that
// reads or writes over HTTP is here; answers are brought into the shapes of model/types.
import { QueryClient, queryOptions } from "@tanstack/react-query";
import type * as Api from "../api/types.gen";
import type { Loaded, Sort, View } from "../model/list";
import type {
  Account,
  Agent,
  Channel,
  Conversation,
  Draft,
  Found,
  Known,
  Mark,
  Me,
  Person,
  Presence,
  Suggestion,
  Team,
  TimelineEvent,
} from "../model/types";
import { call, Problem } from "./http";

export const cache = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 30_000,
      retry: (n, e) => e instanceof Problem && e.passing && n < 4,
      retryDelay: (n) => Math.min(8000, 500 * 2 ** n) * (0.5 + Math.random() / 2),
      refetchOnWindowFocus: false,
    },
    mutations: { retry: false },
  },
});

/** A list; one that the hub left out is empty. */
function all<T>(list: readonly T[] | null | undefined): T[] {
  return list ? [...list] : [];
}

const id = encodeURIComponent;

// ---- who I am ---------------------------------------------------------------

function me(x: Api.Me): Me {
  const teamList = all(x.teams);
  return {
    ...x.agent,
    permissions: all(x.permissions),
    teams: teamList.map((v) => v.id),
    teamList,
    settings: { undo: x.settings?.undo ?? 5, locale: x.settings?.locale ?? "", theme: x.settings?.theme ?? "" },
    totp: x.totp === true,
    setup: x.setup === true,
  };
}

export const meQuery = queryOptions({
  queryKey: ["me"],
  queryFn: async () => me(await call<Api.Me>("/api/me")),
  staleTime: 300_000,
});

export const signIn = (email: string, password: string, code?: string) =>
  call<Api.SignedIn>("/api/session", { body: { email, password, ...(code ? { code } : {}) } satisfies Api.SignInInput });
export const signInOnce = (secret: string) =>
  call<Api.SignedIn>("/api/session/once", { body: { secret } satisfies Api.OnceInput });
export const methodsQuery = queryOptions({
  queryKey: ["methods"],
  queryFn: () => call<Api.SignInMethods>("/api/session/methods"),
  staleTime: 600_000,
  retry: false,
});
/** What a type of problem means, in the hub's words. */
export const problemQuery = (code: string) =>
  queryOptions({
    queryKey: ["problem", code],
    queryFn: () => call<{ title: string; help?: string }>(`/api/problems/${id(code)}`),
    enabled: /^[a-z-]+$/.test(code),
    retry: false,
  });
export const signOut = () => call<void>("/api/session", { method: "DELETE" });
export const setPassword = (password: string, present?: string) =>
  call<void>("/api/me/password", {
    method: "PUT",
    body: { password, ...(present ? { present } : {}) } satisfies Api.PasswordInput,
  });
export const patchMe = (body: Api.SettingsInput) => call<Api.Me>("/api/me", { method: "PATCH", body });
export const beginTotp = (password: string) =>
  call<Api.Enrolment>("/api/me/totp", { body: { password } satisfies Api.EnrolInput });
export const confirmTotp = (code: string) =>
  call<Api.Recovery>("/api/me/totp/confirm", { body: { code } satisfies Api.CodeInput });
export const endTotp = (password: string, code: string) =>
  call<void>("/api/me/totp/disable", { body: { password, code } satisfies Api.DisableInput });

export type SignInSession = Api.SessionInfo;
export const sessionsQuery = queryOptions({
  queryKey: ["sessions"],
  queryFn: async () => all((await call<Api.SessionList>("/api/sessions")).sessions),
});
export const endSession = (s: string) => call<void>(`/api/sessions/${id(s)}`, { method: "DELETE" });

// ---- channels, accounts, people of ours -------------------------------------

function channel(x: Api.ChannelInfo): Channel {
  return {
    ...x,
    settings: all(x.settings) as Channel["settings"],
    app: all(x.app) as Channel["app"],
    can: (x.can ?? { text: { max: 0 } }) as Channel["can"],
    places: (x.places ?? {}) as Channel["places"],
    connect: all(x.connect),
  };
}

export const channelsQuery = queryOptions({
  queryKey: ["channels"],
  queryFn: async () => all((await call<Api.ChannelList>("/api/channels")).channels).map(channel),
  staleTime: 600_000,
});
export const accountsQuery = queryOptions({
  queryKey: ["accounts"],
  queryFn: async (): Promise<Account[]> => all((await call<Api.AccountList>("/api/accounts")).accounts),
});
export type AccountInput = Api.AccountChange;
export const createAccount = (a: Api.AccountDraft, key: string) => call<Account>("/api/accounts", { body: a, key });
export const changeAccount = (a: string, body: AccountInput) =>
  call<Account>(`/api/accounts/${id(a)}`, { method: "PATCH", body });
export const removeAccount = (a: string) => call<void>(`/api/accounts/${id(a)}`, { method: "DELETE" });

export const checkAccount = (a: string) => call<Account>(`/api/accounts/${id(a)}/check`, { method: "POST" });

/** What the accounts of a kind share. */
export type AppSettings = Api.AppSettings;
export const appQuery = (kind: string) =>
  queryOptions({ queryKey: ["app", kind], queryFn: () => call<AppSettings>(`/api/channels/${id(kind)}/app`) });
export const saveApp = (kind: string, settings: Record<string, string>) =>
  call<AppSettings>(`/api/channels/${id(kind)}/app`, { method: "PUT", body: { settings } satisfies Api.AppInput });
/** The address of the far side's own sign-in. */
export const connect = (kind: string, name: string) =>
  call<{ url: string }>(`/api/channels/${id(kind)}/connect/${id(name)}`, { method: "POST" });

export type Role = Pick<Api.Role, "name">;
export const agentsQuery = queryOptions({
  queryKey: ["agents"],
  queryFn: async (): Promise<Agent[]> => all((await call<Api.AgentList>("/api/agents")).agents),
  staleTime: 120_000,
  retry: false,
});
export const rolesQuery = queryOptions({
  queryKey: ["roles"],
  queryFn: async (): Promise<Role[]> => all((await call<Api.AgentList>("/api/agents")).roles),
  staleTime: 600_000,
  retry: false,
});
export const teamsQuery = queryOptions({
  queryKey: ["teams"],
  queryFn: async (): Promise<Team[]> => all((await call<Api.TeamList>("/api/teams")).teams),
  staleTime: 120_000,
  retry: false,
});

export type Invited = Api.Invited;
export const inviteAgent = (a: Api.AgentInput, key: string) => call<Invited>("/api/agents", { body: a, key });
export const inviteAgain = (a: string) => call<Invited>(`/api/agents/${id(a)}/invite`, { method: "POST" });
export const changeAgent = (a: string, body: Api.AgentChange) => call<Agent>(`/api/agents/${id(a)}`, { method: "PATCH", body });
export const createTeam = (name: string, key: string) =>
  call<Team>("/api/teams", { body: { name } satisfies Api.TeamInput, key });
export const renameTeam = (x: string, name: string) =>
  call<Team>(`/api/teams/${id(x)}`, { method: "PATCH", body: { name } satisfies Api.TeamInput });
export const removeTeam = (x: string) => call<void>(`/api/teams/${id(x)}`, { method: "DELETE" });

export type DeadLetter = Api.Dead;
export const deadQuery = queryOptions({
  queryKey: ["dead"],
  queryFn: async () => all((await call<Api.DeadList>("/api/dead")).letters),
});
export const replayDead = (d: string) => call<void>(`/api/dead/${id(d)}/replay`, { method: "POST" });
export const dropDead = (d: string) => call<void>(`/api/dead/${id(d)}`, { method: "DELETE" });

// ---- conversations ----------------------------------------------------------

export interface ListPage extends Loaded {
  reads: Record<string, Mark>;
}

export async function list(view: View, sort: Sort, after?: string, limit = 50): Promise<ListPage> {
  const q = new URLSearchParams({ view, sort, limit: String(limit), ...(after ? { after } : {}) });
  const x = await call<Api.ConversationList>(`/api/conversations?${q}`);
  return { items: all(x.conversations), ...(x.next ? { next: x.next } : {}), reads: x.reads ?? {} };
}

export const listKey = (view: View, sort: Sort) => ["list", view, sort] as const;

export interface Opened {
  conversation: Conversation;
  person?: Person;
  identities: Known[];
  read?: Mark;
  presence?: Presence;
  events: TimelineEvent[];
  more: boolean;
}

/** Presence as it is stored or pushed: a bare list of agents, or agents and customer. */
export function presence(x: unknown): Presence | undefined {
  if (!x) return undefined;
  if (Array.isArray(x)) return { agents: x as Presence["agents"] };
  const p = x as Presence;
  return { agents: p.agents ?? [], ...(p.customer ? { customer: p.customer } : {}) };
}

export async function open(c: string, events = 60): Promise<Opened> {
  const x = await call<Api.Opened>(`/api/conversations/${id(c)}?events=${events}`);
  const list: TimelineEvent[] = all(x.events);
  const here = presence(x.presence);
  return {
    conversation: x.conversation,
    ...(x.person ? { person: x.person } : {}),
    identities: all(x.identities),
    ...(x.read ? { read: x.read } : {}),
    ...(here ? { presence: here } : {}),
    events: list,
    more: typeof x.more === "boolean" ? x.more : (list[0]?.seq ?? 1) > 1,
  };
}

export const openedKey = (c: string) => ["conversation", c] as const;

export async function older(c: string, before: number, limit = 60): Promise<{ events: TimelineEvent[]; more: boolean }> {
  const x = await call<Api.EventList>(`/api/conversations/${id(c)}/events?before=${before}&limit=${limit}`);
  return { events: all(x.events), more: x.more === true };
}

export type Outgoing = Api.SendInput;

/** A first message of ours, to somebody who may not be known yet. */
export const start = (x: Api.StartInput) => call<Api.Started>("/api/conversations", { body: x });

export const send = (c: string, m: Outgoing) =>
  call<Partial<Api.Taken> | undefined>(`/api/conversations/${id(c)}/messages`, { body: m });
export const undo = (c: string, event: string) =>
  call<void>(`/api/conversations/${id(c)}/messages/${id(event)}`, { method: "DELETE" });
export const retry = (c: string, event: string, key: string) =>
  call<Api.Taken>(`/api/conversations/${id(c)}/messages/${id(event)}/retry`, { method: "POST", key });

export type Change = Api.ChangeInput;
export const change = (c: string, body: Change, key: string) =>
  call<Partial<Api.Changing>>(`/api/conversations/${id(c)}`, { method: "PATCH", body, key });
export const mark = (c: string, seq: number, unread = false) =>
  call<Mark | undefined>(`/api/conversations/${id(c)}/read`, {
    method: "PUT",
    body: { seq, ...(unread ? { unread } : {}) } satisfies Api.MarkInput,
  });

export type ModerationAction = Api.ModerateInput["action"];
export const moderate = (c: string, key: string, of: string, action: ModerationAction) =>
  call<void>(`/api/conversations/${id(c)}/moderate`, { body: { id: key, of, action } satisfies Api.ModerateInput });

const kind = (note: boolean) => (note ? "?kind=note" : "");
export const readDraft = (c: string, note: boolean) => call<Draft | undefined>(`/api/conversations/${id(c)}/draft${kind(note)}`);
export const saveDraft = (c: string, note: boolean, d: Draft) =>
  call<unknown>(`/api/conversations/${id(c)}/draft${kind(note)}`, { method: "PUT", body: d satisfies Api.DraftInput });

// ---- search -----------------------------------------------------------------

export const searchQuery = (words: string) =>
  queryOptions({
    queryKey: ["search", words],
    queryFn: async ({ signal }): Promise<Found> => {
      const x = await call<Api.Found>(`/api/search?${new URLSearchParams({ q: words, limit: "6" })}`, { signal });
      return {
        conversations: x.conversations ?? {},
        hits: all(x.groups).flatMap((g) => all(g.hits).map((h) => ({ ...h, kind: g.kind }))),
      };
    },
    staleTime: 2000,
    retry: false,
  });

// ---- persons ----------------------------------------------------------------

export interface PersonPage {
  person: Person;
  identities: Known[];
}
export const personQuery = (p: string) =>
  queryOptions({
    queryKey: ["person", p],
    queryFn: async (): Promise<PersonPage> => {
      const x = await call<Api.PersonView>(`/api/persons/${id(p)}`);
      return { person: x.person, identities: all(x.identities) };
    },
  });
export const suggestionsQuery = (p: string) =>
  queryOptions({
    queryKey: ["person", p, "suggestions"],
    queryFn: async (): Promise<Suggestion[]> =>
      all((await call<Api.SuggestionList>(`/api/persons/${id(p)}/suggestions`)).suggestions),
    retry: false,
  });
export const pastQuery = (p: string) =>
  queryOptions({
    queryKey: ["person", p, "past"],
    queryFn: async (): Promise<Conversation[]> =>
      all((await call<Api.PersonConversations>(`/api/persons/${id(p)}/conversations`)).conversations),
  });
export const patchPerson = (p: string, body: Api.PersonInput) =>
  call<unknown>(`/api/persons/${id(p)}`, { method: "PATCH", body });
export const merge = (into: string, from: string, key: string) =>
  call<Api.Merged>(`/api/persons/${id(into)}/merge`, { body: { from } satisfies Api.MergeInput, key });
export const undoMerge = (m: string) => call<void>(`/api/merges/${id(m)}/undo`, { method: "POST" });
export const addIdentity = (p: string, scheme: string, value: string) =>
  call<unknown>(`/api/persons/${id(p)}/identities`, { body: { scheme, value } satisfies Api.IdentityInput });
export const exportUrl = (p: string) => `/api/persons/${id(p)}/export`;
export const erasePerson = (p: string, confirm: string) =>
  call<void>(`/api/persons/${id(p)}/erase`, { body: { confirm } satisfies Api.EraseInput });
export const dismissSuggestion = (s: string) => call<void>(`/api/suggestions/${id(s)}`, { method: "DELETE" });

export const fileUrl = (f: string) => `/api/files/${id(f)}`;
/** A picture as small as a timeline needs it. */
export const smallUrl = (f: string) => `/api/files/${id(f)}?size=small`;

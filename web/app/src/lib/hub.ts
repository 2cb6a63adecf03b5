// The hub's calls as functions, and the names of their answers in the query cache. Everything that
// reads or writes over HTTP is here; answers are brought into the shapes of model/types.
import { QueryClient, queryOptions } from "@tanstack/react-query";
import type { Loaded, Sort, View } from "../model/list";
import type {
  Account,
  Agent,
  Channel,
  Conversation,
  Draft,
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

type Json = Record<string, unknown>;

/** A list, bare or under a name. */
function listOf<T>(x: unknown, name: string): T[] {
  if (Array.isArray(x)) return x as T[];
  const inner = (x as Json | undefined)?.[name];
  return Array.isArray(inner) ? (inner as T[]) : [];
}

const id = encodeURIComponent;

// ---- who I am ---------------------------------------------------------------

function me(x: unknown): Me {
  const j = x as Json;
  const agent = (j.agent ?? j) as Agent;
  const teamList = listOf<Team>(j, "teams");
  const set = (j.settings ?? {}) as Partial<Me["settings"]>;
  return {
    ...agent,
    permissions: listOf<string>(j, "permissions"),
    teams: teamList.map((v) => v.id),
    teamList,
    settings: { undo: set.undo ?? 5, locale: set.locale ?? "", theme: set.theme ?? "" },
    totp: j.totp === true,
    setup: j.setup === true,
  };
}

export const meQuery = queryOptions({ queryKey: ["me"], queryFn: async () => me(await call("/api/me")), staleTime: 300_000 });

export const signIn = (email: string, password: string, code?: string) =>
  call<Json>("/api/session", { body: { email, password, ...(code ? { code } : {}) } });
export const signInOnce = (secret: string) => call<{ setup?: boolean }>("/api/session/once", { body: { secret } });
export const signOut = () => call<void>("/api/session", { method: "DELETE" });
export const setPassword = (password: string, present?: string) =>
  call<void>("/api/me/password", { method: "PUT", body: { password, ...(present ? { present } : {}) } });
export const patchMe = (body: { name?: string; undo?: number; locale?: string; theme?: string }) =>
  call<unknown>("/api/me", { method: "PATCH", body });
export const beginTotp = (password: string) => call<{ secret: string; url: string }>("/api/me/totp", { body: { password } });
export const confirmTotp = (code: string) => call<{ codes?: string[] }>("/api/me/totp/confirm", { body: { code } });
export const endTotp = (password: string, code: string) => call<void>("/api/me/totp/disable", { body: { password, code } });

export interface SignInSession {
  id: string;
  current?: boolean;
  address?: string;
  program?: string;
  createdAt?: string;
  lastAt?: string;
}
export const sessionsQuery = queryOptions({
  queryKey: ["sessions"],
  queryFn: async () => listOf<SignInSession>(await call("/api/sessions"), "sessions"),
});
export const endSession = (s: string) => call<void>(`/api/sessions/${id(s)}`, { method: "DELETE" });

// ---- channels, accounts, people of ours -------------------------------------

function channel(x: Json): Channel {
  return {
    ...(x as unknown as Channel),
    settings: listOf(x, "settings"),
    app: listOf(x, "app"),
    can: (x.can ?? x.capabilities ?? { text: { max: 0 } }) as Channel["can"],
  };
}

export const channelsQuery = queryOptions({
  queryKey: ["channels"],
  queryFn: async () => listOf<Json>(await call("/api/channels"), "channels").map(channel),
  staleTime: 600_000,
});
export const accountsQuery = queryOptions({
  queryKey: ["accounts"],
  queryFn: async () => listOf<Account>(await call("/api/accounts"), "accounts"),
});
export interface AccountInput {
  name?: string;
  queue?: string;
  enabled?: boolean;
  settings?: Record<string, string>;
}
export const createAccount = (a: AccountInput & { channel: string; name: string }, key: string) =>
  call<Account>("/api/accounts", { body: a, key });
export const changeAccount = (a: string, body: AccountInput) =>
  call<Account>(`/api/accounts/${id(a)}`, { method: "PATCH", body });
export const removeAccount = (a: string) => call<void>(`/api/accounts/${id(a)}`, { method: "DELETE" });

export interface Role {
  name: string;
}
export const agentsQuery = queryOptions({
  queryKey: ["agents"],
  queryFn: async () => listOf<Agent>(await call("/api/agents"), "agents"),
  staleTime: 120_000,
  retry: false,
});
export const rolesQuery = queryOptions({
  queryKey: ["roles"],
  queryFn: async () => listOf<Role>(await call("/api/agents"), "roles"),
  staleTime: 600_000,
  retry: false,
});
export const teamsQuery = queryOptions({
  queryKey: ["teams"],
  queryFn: async () => listOf<Team>(await call("/api/teams"), "teams"),
  staleTime: 120_000,
  retry: false,
});

export interface Invited {
  agent: Agent;
  secret: string;
  until: string;
}
export const inviteAgent = (a: { email: string; name: string; roles: string[]; teams: string[] }, key: string) =>
  call<Invited>("/api/agents", { body: a, key });
export const inviteAgain = (a: string) => call<Invited>(`/api/agents/${id(a)}/invite`, { method: "POST" });
export const changeAgent = (a: string, body: { roles?: string[]; teams?: string[]; disabled?: boolean; resetTotp?: boolean }) =>
  call<Agent>(`/api/agents/${id(a)}`, { method: "PATCH", body });
export const createTeam = (name: string, key: string) => call<Team>("/api/teams", { body: { name }, key });
export const renameTeam = (x: string, name: string) => call<Team>(`/api/teams/${id(x)}`, { method: "PATCH", body: { name } });
export const removeTeam = (x: string) => call<void>(`/api/teams/${id(x)}`, { method: "DELETE" });

export interface DeadLetter {
  id: string;
  topic: string;
  group?: string;
  key: string;
  failed: string;
  attempts: number;
  reason: string;
}
export const deadQuery = queryOptions({
  queryKey: ["dead"],
  queryFn: async () => listOf<DeadLetter>(await call("/api/dead"), "letters"),
});
export const replayDead = (d: string) => call<void>(`/api/dead/${id(d)}/replay`, { method: "POST" });
export const dropDead = (d: string) => call<void>(`/api/dead/${id(d)}`, { method: "DELETE" });

// ---- conversations ----------------------------------------------------------

export interface ListPage extends Loaded {
  reads: Record<string, Mark>;
}

export async function list(view: View, sort: Sort, after?: string, limit = 50): Promise<ListPage> {
  const q = new URLSearchParams({ view, sort, limit: String(limit), ...(after ? { after } : {}) });
  const x = await call<Json>(`/api/conversations?${q}`);
  const next = x.next as string | undefined;
  return {
    items: listOf<Conversation>(x, "conversations"),
    ...(next ? { next } : {}),
    reads: (x.reads ?? {}) as Record<string, Mark>,
  };
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
  const x = await call<Json>(`/api/conversations/${id(c)}?events=${events}`);
  const list = listOf<TimelineEvent>(x, "events");
  const here = presence(x.presence);
  const read = (x.read ?? x.mark) as Mark | undefined;
  return {
    conversation: x.conversation as Conversation,
    ...(x.person ? { person: x.person as Person } : {}),
    identities: listOf<Known>(x, "identities"),
    ...(read ? { read } : {}),
    ...(here ? { presence: here } : {}),
    events: list,
    more: typeof x.more === "boolean" ? x.more : (list[0]?.seq ?? 1) > 1,
  };
}

export const openedKey = (c: string) => ["conversation", c] as const;

export async function older(c: string, before: number, limit = 60): Promise<{ events: TimelineEvent[]; more: boolean }> {
  const x = await call<Json>(`/api/conversations/${id(c)}/events?before=${before}&limit=${limit}`);
  return { events: listOf<TimelineEvent>(x, "events"), more: x.more === true };
}

export interface Outgoing {
  id: string;
  leg?: string;
  text?: string;
  parts?: { file: string }[];
  replyTo?: { event: string };
  sendAt?: string;
  undo?: number;
  baseSeq?: number;
  note?: boolean;
  mentions?: string[];
}

export const send = (c: string, m: Outgoing) => call<{ event?: string }>(`/api/conversations/${id(c)}/messages`, { body: m });
export const undo = (c: string, event: string) =>
  call<void>(`/api/conversations/${id(c)}/messages/${id(event)}`, { method: "DELETE" });
export const retry = (c: string, event: string, key: string) =>
  call<unknown>(`/api/conversations/${id(c)}/messages/${id(event)}/retry`, { method: "POST", key });

export interface Change {
  state?: Conversation["state"];
  snoozeUntil?: string;
  assignee?: string;
  ifAssignee?: string;
  team?: string;
  addLabels?: string[];
  removeLabels?: string[];
  priority?: number;
  subject?: string;
}
export const change = (c: string, body: Change, key: string) =>
  call<unknown>(`/api/conversations/${id(c)}`, { method: "PATCH", body, key });
export const mark = (c: string, seq: number, unread = false) =>
  call<Mark | undefined>(`/api/conversations/${id(c)}/read`, { method: "PUT", body: { seq, ...(unread ? { unread } : {}) } });

const kind = (note: boolean) => (note ? "?kind=note" : "");
export const readDraft = (c: string, note: boolean) => call<Draft | undefined>(`/api/conversations/${id(c)}/draft${kind(note)}`);
export const saveDraft = (c: string, note: boolean, d: Draft) =>
  call<unknown>(`/api/conversations/${id(c)}/draft${kind(note)}`, { method: "PUT", body: d });

// ---- persons ----------------------------------------------------------------

export interface PersonPage {
  person: Person;
  identities: Known[];
}
export const personQuery = (p: string) =>
  queryOptions({
    queryKey: ["person", p],
    queryFn: async (): Promise<PersonPage> => {
      const x = await call<Json>(`/api/persons/${id(p)}`);
      return { person: (x.person ?? x) as Person, identities: listOf<Known>(x, "identities") };
    },
  });
export const suggestionsQuery = (p: string) =>
  queryOptions({
    queryKey: ["person", p, "suggestions"],
    queryFn: async () => listOf<Suggestion>(await call(`/api/persons/${id(p)}/suggestions`), "suggestions"),
    retry: false,
  });
export const pastQuery = (p: string) =>
  queryOptions({
    queryKey: ["person", p, "past"],
    queryFn: async () => listOf<Conversation>(await call(`/api/persons/${id(p)}/conversations`), "conversations"),
  });
export const patchPerson = (p: string, body: { name?: string; note?: string; attributes?: Record<string, string | null> }) =>
  call<unknown>(`/api/persons/${id(p)}`, { method: "PATCH", body });
export const merge = (into: string, from: string, key: string) =>
  call<{ id: string }>(`/api/persons/${id(into)}/merge`, { body: { from }, key });
export const undoMerge = (m: string) => call<void>(`/api/merges/${id(m)}/undo`, { method: "POST" });
export const dismissSuggestion = (s: string) => call<void>(`/api/suggestions/${id(s)}`, { method: "DELETE" });

export const fileUrl = (f: string) => `/api/files/${id(f)}`;

// The hub's calls as functions, and the names of their answers in the query cache. Everything that
// reads or writes over HTTP is here; answers are brought into the shapes of model/types.
import { QueryClient, queryOptions } from "@tanstack/react-query";
import type { Loaded, Sort, View } from "../model/list";
import type { Account, Agent, Channel, Conversation, Draft, Known, Mark, Me, Person, Presence, Suggestion, Team, TimelineEvent } from "../model/types";
import { Problem, call } from "./http";

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
  const teamList = listOf<Team | string>(j, "teams").map((v) => (typeof v === "string" ? { id: v, name: v } : v));
  return {
    ...agent,
    permissions: listOf<string>(j, "permissions"),
    roles: (j.roles as string[] | undefined) ?? agent.roles ?? [],
    teams: teamList.map((v) => v.id),
    teamList,
    settings: ((j.settings as Json | undefined) ?? {}) as Record<string, unknown>,
  };
}

export const meQuery = queryOptions({ queryKey: ["me"], queryFn: async () => me(await call("/api/me")), staleTime: 300_000 });

export const signIn = (email: string, password: string, code?: string) =>
  call<Json>("/api/session", { body: { email, password, ...(code ? { code } : {}) } });
export const signInOnce = (secret: string) => call<Json>("/api/session/once", { body: { secret } });
export const signOut = () => call<void>("/api/session", { method: "DELETE" });
export const setPassword = (password: string, current?: string) => call<void>("/api/me/password", { method: "PUT", body: { password, ...(current ? { current } : {}) } });
export const patchMe = (body: { name?: string; settings?: Json }) => call<unknown>("/api/me", { method: "PATCH", body });
export const beginTotp = () => call<{ secret: string; url: string }>("/api/me/totp", { body: {} });
export const confirmTotp = (code: string) => call<{ recovery?: string[] }>("/api/me/totp", { method: "PUT", body: { code } });
export const endTotp = (code: string) => call<void>("/api/me/totp", { method: "DELETE", body: { code } });

export interface SignInSession {
  id: string;
  current?: boolean;
  agent?: string;
  userAgent?: string;
  remote?: string;
  createdAt?: string;
  seenAt?: string;
}
export const sessionsQuery = queryOptions({ queryKey: ["sessions"], queryFn: async () => listOf<SignInSession>(await call("/api/me/sessions"), "sessions") });
export const endSession = (s: string) => call<void>(`/api/me/sessions/${id(s)}`, { method: "DELETE" });

// ---- channels, accounts, people of ours -------------------------------------

function channel(x: Json): Channel {
  return { ...(x as unknown as Channel), settings: listOf(x, "settings"), app: listOf(x, "app"), can: (x.can ?? x.capabilities ?? { text: { max: 0 } }) as Channel["can"] };
}

export const channelsQuery = queryOptions({
  queryKey: ["channels"],
  queryFn: async () => listOf<Json>(await call("/api/channels"), "channels").map(channel),
  staleTime: 600_000,
});
export const accountsQuery = queryOptions({ queryKey: ["accounts"], queryFn: async () => listOf<Account>(await call("/api/accounts"), "accounts") });
export const accountQuery = (a: string) =>
  queryOptions({ queryKey: ["accounts", a], queryFn: async () => ((x: Json) => (x.account ?? x) as Account)(await call<Json>(`/api/accounts/${id(a)}`)) });
export const saveAccount = (a: Partial<Account> & { channel: string }) =>
  a.id ? call<unknown>(`/api/accounts/${id(a.id)}`, { method: "PATCH", body: a }) : call<unknown>("/api/accounts", { body: a });
export const removeAccount = (a: string) => call<void>(`/api/accounts/${id(a)}`, { method: "DELETE" });
export const testAccount = (a: string) => call<unknown>(`/api/accounts/${id(a)}/test`, { body: {} });

export const agentsQuery = queryOptions({ queryKey: ["agents"], queryFn: async () => listOf<Agent>(await call("/api/agents"), "agents"), staleTime: 120_000, retry: false });
export const teamsQuery = queryOptions({ queryKey: ["teams"], queryFn: async () => listOf<Team>(await call("/api/teams"), "teams"), staleTime: 120_000, retry: false });
export const saveAgent = (a: Partial<Agent>) => (a.id ? call<Json>(`/api/agents/${id(a.id)}`, { method: "PATCH", body: a }) : call<Json>("/api/agents", { body: a }));
export const saveTeam = (x: Partial<Team>) => (x.id ? call<Json>(`/api/teams/${id(x.id)}`, { method: "PATCH", body: x }) : call<Json>("/api/teams", { body: x }));

export interface DeadLetter {
  id: string;
  topic?: string;
  key?: string;
  error?: string;
  attempts?: number;
  at?: string;
  body?: unknown;
}
export const deadQuery = queryOptions({ queryKey: ["dead"], queryFn: async () => listOf<DeadLetter>(await call("/api/dead"), "dead") });
export const replayDead = (d: string) => call<void>(`/api/dead/${id(d)}/replay`, { body: {} });
export const dropDead = (d: string) => call<void>(`/api/dead/${id(d)}`, { method: "DELETE" });

// ---- conversations ----------------------------------------------------------

export interface ListPage extends Loaded {
  reads: Record<string, Mark>;
}

export async function list(view: View, sort: Sort, after?: string, limit = 50): Promise<ListPage> {
  const q = new URLSearchParams({ view, sort, limit: String(limit), ...(after ? { after } : {}) });
  const x = await call<Json>(`/api/conversations?${q}`);
  const next = x.next as string | undefined;
  return { items: listOf<Conversation>(x, "conversations"), ...(next ? { next } : {}), reads: (x.reads ?? {}) as Record<string, Mark> };
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
  parts?: { file: string; kind?: string; name?: string }[];
  replyTo?: { event: string };
  sendAt?: string;
  undo?: number;
  baseSeq?: number;
  note?: boolean;
  mentions?: string[];
}

export const send = (c: string, m: Outgoing) => call<{ event?: string }>(`/api/conversations/${id(c)}/messages`, { body: m });
export const undo = (c: string, event: string) => call<void>(`/api/conversations/${id(c)}/messages/${id(event)}`, { method: "DELETE" });
export const retry = (c: string, event: string, key: string) => call<unknown>(`/api/conversations/${id(c)}/messages/${id(event)}/retry`, { body: {}, key });

export interface Change {
  state?: Conversation["state"];
  snoozeUntil?: string;
  assignee?: string;
  team?: string;
  addLabels?: string[];
  removeLabels?: string[];
  priority?: number;
  subject?: string;
}
export const change = (c: string, body: Change, key: string) => call<unknown>(`/api/conversations/${id(c)}`, { method: "PATCH", body, key });
export const mark = (c: string, seq: number) => call<void>(`/api/conversations/${id(c)}/read`, { method: "PUT", body: { seq } });

export async function readDraft(c: string): Promise<Draft | undefined> {
  const x = await call<Json | undefined>(`/api/conversations/${id(c)}/draft`);
  const d = (x?.draft ?? x) as Draft | undefined;
  return d?.text === undefined ? undefined : d;
}
export const saveDraft = (c: string, d: Draft) => call<unknown>(`/api/conversations/${id(c)}/draft`, { method: "PUT", body: d });

// ---- persons ----------------------------------------------------------------

export interface PersonPage {
  person: Person;
  identities: Known[];
  suggestions: Suggestion[];
  merges: { id: string; name?: string; from?: string; at?: string }[];
}
export const personQuery = (p: string) =>
  queryOptions({
    queryKey: ["person", p],
    queryFn: async (): Promise<PersonPage> => {
      const x = await call<Json>(`/api/persons/${id(p)}`);
      return {
        person: (x.person ?? x) as Person,
        identities: listOf<Known>(x, "identities"),
        suggestions: listOf<Suggestion>(x, "suggestions"),
        merges: listOf<PersonPage["merges"][number]>(x, "merges"),
      };
    },
  });
export const pastQuery = (p: string) =>
  queryOptions({ queryKey: ["person", p, "past"], queryFn: async () => listOf<Conversation>(await call(`/api/persons/${id(p)}/conversations`), "conversations") });
export const patchPerson = (p: string, body: { name?: string; note?: string; attributes?: Record<string, string> }) => call<unknown>(`/api/persons/${id(p)}`, { method: "PATCH", body });
export const merge = (into: string, from: string, key: string) => call<{ id?: string; merge?: string }>(`/api/persons/${id(into)}/merge`, { body: { from }, key });
export const undoMerge = (m: string) => call<void>(`/api/merges/${id(m)}/undo`, { body: {} });
export const dismissSuggestion = (p: string, s: string) => call<void>(`/api/persons/${id(p)}/suggestions/${id(s)}`, { method: "DELETE" });

export const fileUrl = (f: string) => `/api/files/${id(f)}`;

// The shapes of the wire, as the hub sends them. Times are RFC 3339 in UTC.

export type State = "open" | "snoozed" | "resolved";
export type DeliveryState = "queued" | "sending" | "sent" | "delivered" | "read" | "failed" | "unknown" | "cancelled";
export type Direction = "in" | "out" | "internal";
export type ActorKind = "customer" | "agent" | "assistant" | "rule" | "system" | "external";

export interface Actor {
  kind: ActorKind;
  id?: string;
  name?: string;
}

export interface Failure {
  class: string;
  code?: string;
  said?: string;
  advice?: string;
  retry?: string;
}

export interface Delivery {
  state: DeliveryState;
  at: string;
  attempt: number;
  failure?: Failure;
}

export interface Part {
  kind: string;
  name?: string;
  mime?: string;
  size?: number;
  file?: string;
  url?: string;
  expires?: string;
  retention?: "store" | "url" | "never";
  width?: number;
  height?: number;
  data?: Record<string, string>;
}

export interface Ref {
  event?: string;
  remote?: string;
  client?: string;
  kind?: string;
  url?: string;
}

export interface ReactionBy {
  by: Actor;
  emoji: string;
  at: string;
}

export interface Message {
  text?: string;
  html?: string;
  quoted?: string;
  subject?: string;
  parts?: Part[];
  replyTo?: Ref;
  buttons?: { kind: string; title: string; value?: string }[];
  mentions?: string[];
  automated?: boolean;
  delivery?: Delivery;
  sendAt?: string;
  edited?: { rev: number; at: string };
  unsent?: string;
  reactions?: ReactionBy[];
}

export interface Receipt {
  of?: Ref;
  upTo?: string;
  state: DeliveryState;
  attempt?: number;
  failure?: Failure;
}

export interface TimelineEvent {
  id: string;
  kind: string;
  conversation?: string;
  seq?: number;
  leg?: string;
  remote?: string;
  direction: Direction;
  actor: Actor;
  at: string;
  received?: string;
  late?: boolean;
  client?: string;
  message?: Message;
  edit?: { of: Ref; text: string; html?: string; rev: number };
  unsend?: { of: Ref };
  reaction?: { of: Ref; emoji?: string; removed?: boolean };
  receipt?: Receipt;
  postback?: { title: string; payload?: string; of?: Ref };
  referral?: { source?: string; ref?: string; url?: string; title?: string };
  status?: { from?: State; to: State; until?: string; why?: string };
  assignment?: { agent?: string; agentName?: string; team?: string; teamName?: string; was?: string };
  labels?: { add?: string[]; remove?: string[]; priority?: number };
  subject?: { text: string };
  control?: { name: string; data?: Record<string, string> };
  merge?: { id: string; from: string; into: string; name?: string; undone?: boolean };
  unknown?: { type: string; summary?: string };
}

export interface Window {
  at: string;
  used?: number;
}

export interface Leg {
  id: string;
  thread: { account: string; id: string; parent?: string };
  channel: string;
  identity: string;
  peer: string;
  display?: string;
  lastIn?: string;
  opened?: Record<string, Window>;
  seen?: string;
  readSeq?: number;
  closed?: string;
}

export interface Preview {
  event: string;
  seq: number;
  text: string;
  part?: string;
  direction: Direction;
  actor: Actor;
  leg?: string;
  at: string;
  delivery?: DeliveryState;
}

export interface Conversation {
  id: string;
  number: number;
  person: string;
  name: string;
  avatar?: string;
  queue: string;
  state: State;
  snoozeUntil?: string;
  assignee: string;
  team: string;
  labels?: string[];
  priority?: number;
  subject?: string;
  legs: Leg[];
  seq: number;
  inCount: number;
  lastInSeq: number;
  lastOutSeq: number;
  undelivered?: number;
  last?: Preview;
  lastAt: string;
  createdAt: string;
  waitingSince?: string;
  nextDeadline?: string;
}

export interface Person {
  id: string;
  name: string;
  profile?: {
    name?: string;
    username?: string;
    avatar?: string;
    locale?: string;
    timeZone?: string;
    extra?: Record<string, string>;
  };
  attributes?: Record<string, string>;
  note?: string;
  mergedInto?: string;
  createdAt?: string;
  lastAt?: string;
}

export interface Known {
  id: string;
  identity: { account?: string; scheme: string; value: string; proof?: "" | "provider" | "signed" | "agent"; display?: string };
  person: string;
  firstAt?: string;
  lastAt?: string;
}

export interface Mark {
  inCount: number;
  seq: number;
}

/** Somebody of ours who has the conversation before them. */
export interface Here {
  id: string;
  name: string;
  state: "viewing" | "typing" | "idle" | "away";
}

export interface Presence {
  agents: Here[];
  customer?: { online?: boolean; typing?: boolean; leg?: string };
}

export type Words = Record<string, string>;

export interface WindowRule {
  name: string;
  opens: string[];
  for: number; // nanoseconds
  max?: number;
  by?: ActorKind[];
}

export interface Ways {
  in?: boolean;
  out?: boolean;
}

export interface Capabilities {
  text: { max: number; unit?: "bytes" | "runes" | "utf16"; rich?: "plain" | "markdown" | "html" };
  media?: Record<string, { maxBytes: number; mime?: string[]; maxCount?: number }>;
  maxParts?: number;
  partsAlone?: boolean;
  reactions?: Ways;
  edits?: Ways;
  unsends?: Ways;
  typing?: Ways;
  receipts?: DeliveryState[];
  subject?: boolean;
  replyTo?: boolean;
  starts?: boolean;
  windows?: WindowRule[];
}

export interface Setting {
  name: string;
  label: Words;
  help?: Words;
  kind: "text" | "secret" | "url" | "number" | "bool" | "choice" | "list" | "color";
  choices?: string[];
  default?: string;
  optional?: boolean;
}

export interface Channel {
  kind: string;
  title: Words;
  icon: string;
  hue: number;
  settings: Setting[];
  app: Setting[];
  can: Capabilities;
}

export interface Health {
  state: "green" | "amber" | "red" | "";
  reason?: string;
  next?: string;
  since?: string;
}

export interface Account {
  id: string;
  channel: string;
  name: string;
  handle?: string;
  queue?: string;
  enabled: boolean;
  settings: Record<string, string>;
  secrets: Record<string, boolean>;
  health?: Health;
  createdAt?: string;
  /** What to paste on one's own pages, where the channel has such a thing. */
  snippet?: string;
  /** What to enter on the far side, where the channel has such a thing. */
  callback?: string;
}

export interface Agent {
  id: string;
  name: string;
  email?: string;
  roles?: string[];
  teams?: string[];
  totp?: boolean;
  invited?: boolean;
  disabled?: string;
}

export interface Team {
  id: string;
  name: string;
}

export interface Me extends Agent {
  permissions: string[];
  teamList: Team[];
  settings: { undo: number; locale: string; theme: "" | "light" | "dark" };
  setup: boolean;
}

export interface Draft {
  text: string;
  leg?: string;
  version: number;
}

/** Two persons who may be one. */
export interface Suggestion {
  id: string;
  persons: string[];
  why?: string;
}

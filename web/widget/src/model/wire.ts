// What the hub says, as docs/widget-protocol.md has it. Only the fields the widget reads.

export type ActorKind = "customer" | "agent" | "assistant" | "rule" | "system" | "external";

export interface Actor {
  kind: ActorKind;
  id?: string;
  name?: string;
}

export interface Part {
  kind: string;
  name?: string;
  mime?: string;
  size?: number;
  file?: string;
  width?: number;
  height?: number;
  url?: string;
}

export interface Button {
  kind: string;
  title: string;
  value?: string;
}

export interface Ref {
  event?: string;
  client?: string;
}

export interface ReactionBy {
  by: Actor;
  emoji: string;
}

export interface Message {
  text?: string;
  parts?: Part[];
  replyTo?: Ref;
  buttons?: Button[];
  automated?: boolean;
  delivery?: { state: string; at?: string };
  edited?: { rev: number; at: string };
  unsent?: string;
  reactions?: ReactionBy[];
}

export interface TimelineEvent {
  id: string;
  kind: string;
  direction: "in" | "out" | "internal";
  actor: Actor;
  at: string;
  client?: string;
  message?: Message;
}

export interface Item {
  cursor: string;
  prev?: string;
  event: TimelineEvent;
  target?: TimelineEvent;
}

/** A field of the form before the chat; kinds the widget does not know are drawn as text. */
export interface Field {
  name: string;
  label: string;
  kind: string;
  required?: boolean;
}

export interface Config {
  title: string;
  greeting?: string;
  color?: string;
  agents?: { name: string; initials?: string }[];
  online?: boolean;
  replyTime?: string;
  form?: Field[];
  formDone?: boolean; // false: what must be answered was not
  limits?: { text?: number; file?: number; files?: number };
  locale?: string;
  privacyUrl?: string;
}

export interface Session {
  token: string;
  visitor: string;
  thread: string;
  verified: boolean;
  config: Config;
  items: Item[];
  more: boolean;
  cursor: string;
}

/** A problem document (RFC 9457). */
export interface Problem {
  status?: number;
  title?: string;
  detail?: string;
  type?: string;
  retryAfter?: number;
}

export type ServerFrame =
  | { type: "item"; item: Item }
  | { type: "ready"; cursor: string; online: boolean }
  | { type: "ack"; id: string }
  | { type: "refused"; id: string; problem: Problem; retryAfter?: number }
  | { type: "typing"; on: boolean; name?: string }
  | { type: "presence"; online: boolean }
  | { type: "problem"; problem: Problem }
  | { type: "resync" }
  | { type: "pong" };

export type ClientFrame =
  | { type: "message"; id: string; text?: string; parts?: { file: string }[]; replyTo?: string }
  | { type: "typing"; on: boolean }
  | { type: "read"; cursor: string }
  | { type: "ping" };

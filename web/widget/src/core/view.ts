// What the panel draws, and whom the engine tells.
import type { Outbox } from "../model/outbox";
import type { Msg, Thread } from "../model/thread";
import type { Config } from "../model/wire";

export interface View {
  readonly config: Config;
  readonly session: "none" | "starting" | "ready" | "barred" | "gone" | "signin"; // signin: only signed-in users may write
  readonly thread: Thread;
  readonly outbox: Outbox;
  readonly line: "connecting" | "up" | "down";
  readonly online: boolean;
  readonly typing: string | undefined; // who; empty: somebody
  readonly unread: readonly Msg[];
  readonly loading: boolean; // older messages
  readonly name: string;
  readonly formDone: boolean;
  readonly formProblem: string | undefined; // why the hub did not take it
  readonly verified: boolean;
}

export interface Page {
  url: string;
  title: string;
}

export interface EngineHost {
  changed(): void;
  /** New messages of theirs that were not on the page before. */
  arrived(messages: readonly Msg[]): void;
  locale(): string; // of the page or the browser
}

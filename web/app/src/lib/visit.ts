// From signing in to leaving: whose drafts and messages are here, and what runs meanwhile.
import { rest as restDrafts } from "./drafts";
import { start, stop } from "./inbox";
import { rest as restOutbox, resume } from "./outbox";
import { own } from "./own";

export function settle(agent: string): void {
  own(agent);
  start(agent);
  resume();
}

export function leave(): void {
  restDrafts();
  restOutbox();
  stop();
  own("");
}

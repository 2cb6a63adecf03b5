// The live connection: one websocket, what is subscribed on it, and how it comes back. It knows nothing
// of what the frames mean.
import { store } from "./store";

export type Frame = { type: string; conversation?: string } & Record<string, unknown>;

export interface Link {
  state: "connecting" | "live" | "offline";
  since: number; // when this state began, ms
  /** When the next try is due, ms; 0: now or not at all. */
  retryAt: number;
}

const PING_MS = 25_000;
const SILENCE_MS = 60_000;
const FIRST_RETRY_MS = 400;
const LAST_RETRY_MS = 20_000;
/** A socket cannot say that the session has ended: after so many refusals a call asks. */
const ASK_AFTER_TRIES = 3;

export class Socket {
  readonly link = store<Link>({ state: "connecting", since: Date.now(), retryAt: 0 });
  private ws: WebSocket | undefined;
  private tries = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private pinger: ReturnType<typeof setInterval> | undefined;
  private heard = 0;
  private stopped = true;
  /** Conversations I follow, and how to say after which seq. */
  private readonly follows = new Map<string, () => number>();
  private readonly onFrame: (f: Frame) => void;
  private readonly onLive: () => void;
  private readonly onRefused: () => void;

  constructor(onFrame: (f: Frame) => void, onLive: () => void, onRefused: () => void) {
    this.onFrame = onFrame;
    this.onLive = onLive;
    this.onRefused = onRefused;
  }

  start(): void {
    if (!this.stopped) return;
    this.stopped = false;
    addEventListener("online", this.now);
    addEventListener("offline", this.lost);
    this.open();
  }

  stop(): void {
    this.stopped = true;
    removeEventListener("online", this.now);
    removeEventListener("offline", this.lost);
    clearTimeout(this.timer);
    clearInterval(this.pinger);
    this.ws?.close(1000);
    this.ws = undefined;
    this.follows.clear();
  }

  /** Tries again at once. */
  readonly now = (): void => {
    if (this.stopped || this.link.get().state === "live") return;
    clearTimeout(this.timer);
    this.tries = 0;
    this.open();
  };

  private readonly lost = (): void => {
    this.ws?.close();
    this.fail();
  };

  follow(conversation: string, after: () => number): void {
    this.follows.set(conversation, after);
    this.send({ type: "subscribe", conversation, after: after() });
  }

  /** Asks again for what was missed. */
  again(conversation: string): void {
    const after = this.follows.get(conversation);
    if (after) this.send({ type: "subscribe", conversation, after: after() });
  }

  leave(conversation: string): void {
    if (this.follows.delete(conversation)) this.send({ type: "unsubscribe", conversation });
  }

  send(frame: Frame): void {
    if (this.ws?.readyState === WebSocket.OPEN && this.link.get().state === "live") this.ws.send(JSON.stringify(frame));
  }

  private open(): void {
    if (this.stopped) return;
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const old = this.ws;
    this.ws = undefined;
    old?.close();
    const ws = new WebSocket(`${scheme}://${location.host}/api/realtime`);
    this.ws = ws;
    ws.onmessage = (m) => this.ws === ws && this.take(ws, String(m.data));
    ws.onclose = () => this.ws === ws && this.fail();
  }

  private take(ws: WebSocket, data: string): void {
    this.heard = Date.now();
    let frame: Frame;
    try {
      frame = JSON.parse(data) as Frame;
    } catch {
      return; // not a frame: the silence check ends a connection that has nothing else to say
    }
    if (frame.type === "hello") this.begin(ws);
    if (frame.type === "resync") ws.close();
    else if (frame.type !== "pong") this.onFrame(frame);
  }

  private begin(ws: WebSocket): void {
    this.tries = 0;
    this.link.set({ state: "live", since: Date.now(), retryAt: 0 });
    ws.send(JSON.stringify({ type: "subscribe", feed: "inbox" }));
    for (const [conversation, after] of this.follows)
      ws.send(JSON.stringify({ type: "subscribe", conversation, after: after() }));
    clearInterval(this.pinger);
    this.pinger = setInterval(() => {
      if (Date.now() - this.heard > SILENCE_MS) ws.close();
      else if (ws.readyState === WebSocket.OPEN) ws.send('{"type":"ping"}');
    }, PING_MS);
    this.onLive();
  }

  private fail(): void {
    clearInterval(this.pinger);
    clearTimeout(this.timer);
    this.ws = undefined;
    if (this.stopped) return;
    const cap = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.tries++);
    const wait = cap / 2 + Math.random() * (cap / 2);
    if (this.tries === ASK_AFTER_TRIES) this.onRefused();
    const before = this.link.get();
    this.link.set({
      state: "offline",
      since: before.state === "offline" ? before.since : Date.now(),
      retryAt: Date.now() + wait,
    });
    this.timer = setTimeout(() => this.open(), wait);
  }
}

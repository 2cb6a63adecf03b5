// Drives the connection machine: the one socket, its timers and its heartbeat.
import { type Conn, type ConnEvent, type Effect, idleConn, step } from "../model/connection";
import type { ClientFrame, ServerFrame } from "../model/wire";

const PING_EVERY = 25_000;
const SILENCE = 55_000;

export interface LinkHost {
  socketURL(): string;
  frame(f: ServerFrame): void;
  /** Fetches what was missed over HTTP; tells whether the hub answered. */
  poll(): Promise<boolean>;
  renew(): void;
  changed(c: Conn): void;
}

export class Link {
  conn: Conn = idleConn;
  private socket: WebSocket | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private beat: ReturnType<typeof setInterval> | undefined;
  private heard = 0;

  constructor(private readonly host: LinkHost) {}

  event(e: ConnEvent): void {
    const before = this.conn;
    const [next, effects] = step(before, e, Date.now(), Math.random());
    this.conn = next;
    for (const f of effects) this.run(f);
    if (next !== before) this.host.changed(next);
  }

  /** Sends a frame; false when there is no live socket to send it on. */
  send(f: ClientFrame): boolean {
    if (this.conn.phase !== "live" || this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify(f));
    return true;
  }

  /** How long nothing was heard, in ms. */
  idleFor(): number {
    return Date.now() - this.heard;
  }

  /** The browser says that the network is gone: do not wait for the socket to notice. */
  lost(): void {
    if (!this.socket) return;
    this.close();
    this.event({ t: "closed", code: 1006 });
  }

  private run(f: Effect): void {
    switch (f.t) {
      case "connect":
        this.connect();
        return;
      case "close":
        this.close();
        return;
      case "timer":
        clearTimeout(this.timer);
        this.timer = setTimeout(() => this.event({ t: "timer" }), f.ms);
        return;
      case "poll":
        void this.host.poll().then((ok) => this.event({ t: "polled", ok }));
        return;
      case "renew":
        this.host.renew();
    }
  }

  private connect(): void {
    this.close();
    let s: WebSocket;
    try {
      s = new WebSocket(this.host.socketURL());
    } catch {
      // Refused by the page's policy: the same as a socket that never opens.
      setTimeout(() => this.event({ t: "closed", code: 1006 }));
      return;
    }
    this.socket = s;
    this.heard = Date.now();
    s.onopen = () => this.event({ t: "opened" });
    s.onmessage = (m) => this.message(s, m);
    s.onclose = (e) => {
      if (this.socket !== s) return; // closed by us
      this.stopBeat();
      this.socket = undefined;
      this.event({ t: "closed", code: e.code });
    };
    this.beat = setInterval(() => this.heartbeat(s), PING_EVERY / 5);
  }

  private message(s: WebSocket, m: MessageEvent<unknown>): void {
    if (this.socket !== s || typeof m.data !== "string") return;
    this.heard = Date.now();
    let f: ServerFrame;
    try {
      f = JSON.parse(m.data) as ServerFrame;
    } catch {
      return; // not ours to understand; the gap check finds what it hid
    }
    this.host.frame(f);
    if (f.type === "ready") {
      clearTimeout(this.timer);
      this.event({ t: "ready" });
    } else if (f.type === "resync") {
      this.event({ t: "gap" });
    }
  }

  private pinged = 0;
  private heartbeat(s: WebSocket): void {
    const now = Date.now();
    if (now - this.heard > SILENCE) {
      this.lost();
    } else if (now - this.pinged >= PING_EVERY && s.readyState === WebSocket.OPEN) {
      this.pinged = now;
      s.send('{"type":"ping"}');
    }
  }

  private close(): void {
    this.stopBeat();
    clearTimeout(this.timer);
    const s = this.socket;
    this.socket = undefined;
    s?.close(1000);
  }

  private stopBeat(): void {
    clearInterval(this.beat);
    this.beat = undefined;
  }
}

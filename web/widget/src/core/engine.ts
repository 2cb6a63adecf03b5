// The chat without its looks: session, thread, connection, outbox, reading mark. The panel draws its view.
import type { Conn } from "../model/connection";
import { backoff } from "../model/connection";
import { advance, apply, arrival, emptyThread, prepend, type Thread, unread } from "../model/thread";
import type { Config, Item, ServerFrame, Session } from "../model/wire";
import { Api, Refusal } from "../net/api";
import { forgetFiles } from "../net/files";
import { Link } from "../net/link";
import { openStore, readJSON, type Store } from "../net/storage";
import { Sender } from "./sender";
import type { EngineHost, Page, View } from "./view";

const TYPING_EVERY = 3_000;
const TYPING_ENDS = 6_000;
const OFFLINE_SHOWN_AFTER = 2_000;
const STALE = 30_000;
const PAGE = 30;
const MAX_GAPS = 3; // at one cursor: then the hub's word counts

export class Engine {
  readonly store: Store;
  readonly api: Api;
  readonly sender: Sender;
  private readonly link: Link;
  private session: View["session"] = "none";
  private config: Config = { title: "" };
  private thread: Thread = emptyThread;
  private identity: string | undefined;
  private doubted: string | undefined; // a proof that was refused together with a token
  private page: Page | undefined;
  private name = "";
  private verified = false;
  private online = false;
  private typing: string | undefined;
  private typingTimer: ReturnType<typeof setTimeout> | undefined;
  private typingSent = 0;
  private down = false;
  private downTimer: ReturnType<typeof setTimeout> | undefined;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private fails = 0;
  private readCursor: string;
  private readSent = "";
  private loading = false;
  private gaps = { cursor: "", times: 0 };
  private generation = 0;
  private form: Record<string, string> | undefined; // not taken by the hub yet
  private formProblem: string | undefined;
  private renewals = 0; // in a row, without anything heard

  constructor(
    hub: string,
    account: string,
    private readonly host: EngineHost,
  ) {
    this.store = openStore(account);
    this.api = new Api(hub, account);
    this.api.token = this.store.get("token") ?? "";
    this.readCursor = this.store.get("read") ?? "";
    this.name = this.store.get("name") ?? "";
    this.config = readJSON<Config>(this.store.get("config")) ?? this.config;
    this.link = new Link({
      socketURL: () => this.api.socketURL(this.thread.cursor),
      frame: (f) => this.frame(f),
      poll: () => this.poll(),
      renew: () => this.renew(),
      changed: (c) => this.lineChanged(c),
    });
    this.sender = new Sender({
      api: this.api,
      store: this.store,
      way: () => this.way(),
      frame: (f) => this.link.send(f),
      changed: () => this.host.changed(),
      stuck: () => this.link.event({ t: "gap" }),
      expired: () => this.renew(),
    });
    this.store.watch((k, v) => this.elsewhere(k, v));
  }

  view(): View {
    const phase = this.link.conn.phase;
    const up = this.session === "ready" && (phase === "live" || phase === "polling");
    return {
      config: this.config,
      session: phase === "barred" ? "barred" : this.session,
      thread: this.thread,
      outbox: this.sender.entries,
      line: up ? "up" : this.down ? "down" : "connecting",
      online: this.online,
      typing: this.typing,
      unread: unread(this.thread, this.readCursor),
      loading: this.loading,
      name: this.name,
      formDone: this.formDone(),
      formProblem: this.formProblem,
      verified: this.verified,
    };
  }

  get returning(): boolean {
    return this.api.token !== "";
  }

  /** Begins or resumes the visit. Calling it again while it runs does nothing. */
  start(): void {
    if (this.session !== "starting" && this.session !== "ready") void this.begin();
  }

  identify(jwt: string): void {
    this.identity = jwt;
    void this.begin();
  }

  setPage(page: Page): void {
    this.page = page;
    if (this.session === "ready") void this.begin();
  }

  submitForm(values: Record<string, string>): void {
    this.store.set("form", "1");
    this.formProblem = undefined;
    if (values.name) this.setName(values.name);
    if (Object.keys(values).length > 0) {
      this.form = values;
      void this.begin();
    }
    this.host.changed();
  }

  send(text: string, replyTo?: string): void {
    this.start();
    this.typingSent = 0;
    this.sender.text(text, replyTo);
  }

  type(on: boolean): void {
    const now = Date.now();
    if (on ? now - this.typingSent < TYPING_EVERY : this.typingSent === 0) return;
    this.typingSent = on ? now : 0;
    this.link.send({ type: "typing", on });
  }

  /** The person sees the end of the thread, with the page visible and focused. */
  seen(): void {
    const c = this.thread.cursor;
    if (c === "" || unread(this.thread, this.readCursor).length === 0) return;
    this.markRead(c);
    this.store.set("read", c);
    this.sendRead();
    this.host.changed();
  }

  async earlier(): Promise<void> {
    if (this.loading || !this.thread.more || this.session !== "ready") return;
    this.loading = true;
    this.host.changed();
    const generation = this.generation;
    try {
      const page = await this.api.before(this.thread.oldest, PAGE);
      if (generation === this.generation) this.thread = prepend(this.thread, page.items, page.more);
    } catch (e) {
      this.failed(e);
    } finally {
      this.loading = false;
      this.host.changed();
    }
  }

  /** The network or the page is back, or the person asks to try now. */
  wake(): void {
    if (this.session === "starting" && this.retryTimer !== undefined) void this.begin();
    else if (this.link.conn.phase === "live" && this.link.idleFor() > STALE) this.link.event({ t: "gap" });
    else this.link.event({ t: "wake" });
  }

  /** The browser says that there is no network. */
  lost(): void {
    this.link.lost();
  }

  suspend(): void {
    this.link.event({ t: "suspend" });
  }

  resume(): void {
    if (this.session === "ready" && this.link.conn.phase === "idle") this.link.event({ t: "start" });
    else this.wake();
  }

  /** Forgets everything on this device; the hub forgets the token. */
  logout(tell = true): void {
    if (tell && this.api.token) void this.api.logout().catch(() => {}); // the token is gone here either way
    this.link.event({ t: "suspend" });
    this.sender.clear();
    forgetFiles();
    this.store.clear();
    this.reset();
    this.identity = undefined;
    this.form = undefined;
    this.name = "";
    this.verified = false;
    this.host.changed();
  }

  private reset(): void {
    this.generation++;
    clearTimeout(this.retryTimer);
    this.retryTimer = undefined;
    this.api.token = "";
    this.session = "none";
    this.thread = emptyThread;
    this.readCursor = "";
    this.readSent = "";
  }

  private async begin(): Promise<void> {
    clearTimeout(this.retryTimer);
    this.retryTimer = undefined;
    if (this.session !== "ready") this.session = "starting";
    const generation = ++this.generation;
    this.watchLine();
    this.host.changed();
    const token = this.api.token || undefined;
    const form = this.form;
    try {
      const s = await this.api.session({
        token,
        identity: this.identity,
        locale: this.host.locale(),
        page: this.page ?? { url: location.href, title: document.title },
        form,
      });
      if (generation === this.generation) this.began(s, form);
    } catch (e) {
      const barred = this.fails > 0 && (await this.api.hidden(e));
      if (generation === this.generation) {
        this.notBegun(e, token);
        if (barred) this.session = "barred"; // and tried again, in case it was something else
      }
    }
    this.host.changed();
  }

  private began(s: Session, form: Record<string, string> | undefined): void {
    const other = this.store.get("visitor") !== s.visitor || this.api.token !== s.token;
    this.fails = 0;
    this.doubted = undefined;
    if (this.form === form) this.form = undefined;
    this.api.token = s.token;
    this.store.set("token", s.token);
    this.store.set("config", JSON.stringify(s.config));
    if (other && this.store.get("visitor") !== s.visitor) {
      this.thread = emptyThread;
      this.readCursor = "";
    }
    this.store.set("visitor", s.visitor);
    this.config = s.config;
    this.online = s.config.online ?? false;
    this.verified = s.verified;
    const running = this.session === "ready" && !other;
    this.session = "ready";
    if (running && this.thread.cursor !== "") return; // the socket tells the rest, without a hole
    this.take(s.items, false);
    this.thread = { ...advance(this.thread, s.cursor), more: this.thread.messages.length > 0 && s.more };
    this.sender.settle();
    this.link.event({ t: "start" });
  }

  private notBegun(e: unknown, token: string | undefined): void {
    const status = e instanceof Refusal ? (e.problem.status ?? 0) : 0;
    if (status === 401 && (token || this.identity)) {
      this.oneLess(token);
      void this.begin();
      return;
    }
    if (this.form && (status === 400 || status === 422)) {
      this.form = undefined; // the hub says what is wrong with it
      this.store.remove("form");
      this.formProblem = e instanceof Refusal ? (e.problem.detail ?? e.problem.title) : undefined;
      if (this.session !== "ready") void this.begin();
    } else if (status === 401) this.session = "signin";
    else if (status === 403) this.session = "barred";
    else if (status === 404) this.session = "gone";
    else {
      const hinted = e instanceof Refusal ? e.problem.retryAfter : undefined;
      const wait =
        hinted === undefined ? backoff(++this.fails, Math.random()) : hinted * 1000 * (1 + Math.random() / 4);
      this.retryTimer = setTimeout(() => void this.begin(), wait);
    }
  }

  /** One of token and proof does not hold: tries the token alone, then the proof alone, then neither. */
  private oneLess(token: string | undefined): void {
    if (token && this.identity) {
      this.doubted = this.identity;
      this.identity = undefined;
    } else if (token) {
      this.forgetToken();
      this.identity = this.doubted;
      this.doubted = undefined;
    } else {
      this.identity = undefined;
    }
  }

  private forgetToken(): void {
    this.store.remove("token");
    this.store.remove("visitor");
    this.store.remove("read");
    this.reset();
  }

  private renew(): void {
    this.sender.interrupted();
    this.session = "starting";
    this.link.event({ t: "suspend" });
    clearTimeout(this.retryTimer);
    const wait = this.renewals++ === 0 ? 0 : backoff(this.renewals, Math.random());
    this.retryTimer = setTimeout(() => void this.begin(), wait);
  }

  private frame(f: ServerFrame): void {
    switch (f.type) {
      case "item":
        this.item(f.item);
        break;
      case "ready":
        this.renewals = 0;
        this.online = f.online;
        this.thread = advance(this.thread, f.cursor);
        break;
      case "ack":
        this.sender.acked(f.id);
        break;
      case "refused":
        this.sender.refused(f.id, f.retryAfter === undefined ? f.problem : { retryAfter: f.retryAfter, ...f.problem });
        break;
      case "typing":
        this.theyType(f.on ? (f.name ?? "") : undefined);
        break;
      case "presence":
        this.online = f.online;
        break;
    }
    this.host.changed();
  }

  private item(item: Item): void {
    const live = this.link.conn.phase === "live";
    if (live && arrival(this.thread, item) === "gap" && this.mayAsk()) {
      this.link.event({ t: "gap" });
      return;
    }
    this.take([item], true);
  }

  /** Whether to reconnect for a gap: a few times at one place, so that a hub that is wrong does no harm. */
  private mayAsk(): boolean {
    const at = this.thread.cursor;
    this.gaps = this.gaps.cursor === at ? { cursor: at, times: this.gaps.times + 1 } : { cursor: at, times: 1 };
    return this.gaps.times <= MAX_GAPS;
  }

  private take(items: readonly Item[], tell: boolean): void {
    const known = new Set(this.thread.messages.map((m) => m.id));
    this.thread = items.reduce(apply, this.thread);
    const fresh = this.thread.messages.filter((m) => !known.has(m.id));
    for (const m of fresh) if (m.mine && m.client) this.sender.confirmed(m.client);
    const theirs = fresh.filter((m) => !m.mine);
    if (theirs.length > 0) this.theyType(undefined);
    if (tell && theirs.length > 0) this.host.arrived(theirs);
  }

  private theyType(who: string | undefined): void {
    clearTimeout(this.typingTimer);
    this.typing = who;
    if (who === undefined) return;
    this.typingTimer = setTimeout(() => {
      this.typing = undefined;
      this.host.changed();
    }, TYPING_ENDS);
  }

  private async poll(): Promise<boolean> {
    const generation = this.generation;
    try {
      for (let more = true; more; ) {
        const before = this.thread.cursor;
        const page = await this.api.after(before);
        if (generation !== this.generation) return true;
        this.take(page.items, true);
        more = page.more && this.thread.cursor > before;
      }
      this.host.changed();
      return true;
    } catch (e) {
      this.failed(e);
      return false;
    }
  }

  private failed(e: unknown): void {
    if (e instanceof Refusal && e.problem.status === 401) this.renew();
  }

  private way(): "socket" | "http" | "none" {
    if (this.session !== "ready") return "none";
    const phase = this.link.conn.phase;
    return phase === "live" ? "socket" : phase === "polling" ? "http" : "none";
  }

  private lineChanged(c: Conn): void {
    if (c.phase === "live" || c.phase === "polling") {
      clearTimeout(this.downTimer);
      this.downTimer = undefined;
      const back = this.down || c.fails === 0;
      this.down = false;
      if (back) this.sender.resumed();
      this.sendRead();
    } else {
      this.sender.interrupted();
      this.theyType(undefined);
      this.watchLine();
    }
    this.host.changed();
  }

  /** Says "no connection" only when it lasts. */
  private watchLine(): void {
    if (this.downTimer !== undefined || this.down || this.session === "none") return;
    if (this.link.conn.phase === "live" || this.link.conn.phase === "polling") return;
    this.downTimer = setTimeout(() => {
      this.downTimer = undefined;
      this.down = true;
      this.host.changed();
    }, OFFLINE_SHOWN_AFTER);
  }

  private markRead(cursor: string): void {
    if (cursor > this.readCursor) this.readCursor = cursor;
  }

  private sendRead(): void {
    if (this.readCursor === "" || this.readSent >= this.readCursor) return;
    const cursor = this.readCursor;
    const way = this.way();
    if (way === "socket" && this.link.send({ type: "read", cursor })) this.readSent = cursor;
    if (way === "http")
      void this.api.read(cursor).then(
        () => {
          this.readSent = cursor;
        },
        (e: unknown) => this.failed(e),
      );
  }

  private setName(name: string): void {
    this.name = name;
    this.store.set("name", name);
  }

  private formDone(): boolean {
    const fields = this.config.form ?? [];
    if (fields.length === 0 || this.verified) return true;
    if (fields.some((f) => f.required) && this.config.formDone !== undefined)
      return this.config.formDone || this.form !== undefined;
    const begun = this.thread.messages.length > 0 || this.sender.entries.length > 0;
    return begun || this.store.get("form") === "1";
  }

  private elsewhere(key: string, value: string | undefined): void {
    if (key === "read" && value) {
      this.markRead(value);
      this.readSent = value > this.readSent ? value : this.readSent;
      this.host.changed();
    } else if (key === "token" && value && this.api.token === "") {
      this.api.token = value;
    }
  }
}

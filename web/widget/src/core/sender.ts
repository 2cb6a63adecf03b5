// Sends what waits in the outbox: one message after the other, files beside them, the same id until the hub has it.
// Entries live in the page's storage, one key each, so that tabs do not overwrite one another's.
import * as box from "../model/outbox";
import { ulid } from "../model/ulid";
import type { ClientFrame, Problem } from "../model/wire";
import { type Api, Refusal } from "../net/api";
import { fileOf, forgetFile, keepFile } from "../net/files";
import type { Store } from "../net/storage";

const KEY = "out.";
const ACK_TIMEOUT = 10_000;
const ADOPT_AFTER = 15_000; // another tab's entry, when that tab seems gone

export interface SenderHost {
  api: Api;
  store: Store;
  /** How messages leave now. */
  way(): "socket" | "http" | "none";
  frame(f: ClientFrame): boolean;
  changed(): void;
  /** The hub took a message and never answered: the line is broken. */
  stuck(): void;
  /** The token does not hold. */
  expired(): void;
}

export class Sender {
  entries: box.Outbox = [];
  private readonly ours = new Set<string>();
  private readonly done = new Set<string>(); // came back as items
  private readonly uploads = new Map<string, AbortController>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private ackTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly host: SenderHost) {
    for (const k of host.store.keys()) {
      const o = k.startsWith(KEY) ? box.parse(host.store.get(k) ?? "") : undefined;
      if (!o) continue;
      this.entries = box.put(this.entries, o);
      this.ours.add(o.id);
    }
    host.store.watch((k, v) => {
      if (k.startsWith(KEY)) this.elsewhere(k.slice(KEY.length), v);
    });
  }

  text(text: string, replyTo?: string): void {
    this.add({ id: ulid(), text, replyTo, state: "waiting", tries: 0, notBefore: 0 });
  }

  /** Queues a file as a message of its own. */
  file(f: File): void {
    const id = ulid();
    keepFile(id, f);
    const file = { name: f.name || "file", mime: f.type, size: f.size };
    this.add({ id, text: "", file, state: "waiting", tries: 0, notBefore: 0 });
  }

  /** Shows a message that was not taken before it was even sent, such as a file over the limit. */
  reject(f: File, detail: string): void {
    const file = { name: f.name || "file", mime: f.type, size: f.size };
    const problem = { status: 413, detail };
    this.entries = box.put(this.entries, {
      id: ulid(),
      text: "",
      file,
      state: "refused",
      problem,
      tries: 0,
      notBefore: 0,
    });
    this.host.changed();
  }

  retry(id: string): void {
    this.ours.add(id);
    this.update(box.retry(this.entries, id));
    this.flush();
  }

  remove(id: string): void {
    this.uploads.get(id)?.abort();
    forgetFile(id);
    this.update(box.drop(this.entries, id));
    this.flush();
  }

  /** The message came back as an item. */
  confirmed(id: string): void {
    this.done.add(id);
    if (!this.entries.some((o) => o.id === id)) return;
    this.ackDone(id);
    forgetFile(id);
    this.update(box.drop(this.entries, id));
    this.flush();
  }

  acked(id: string): void {
    this.ackDone(id);
    this.update(box.change(this.entries, id, { state: "acked", problem: undefined }));
    this.flush();
  }

  refused(id: string, problem: Problem): void {
    this.ackDone(id);
    this.update(box.refused(this.entries, id, problem, Date.now(), Math.random()));
    if (problem.status === 401) this.host.expired();
    this.flush();
  }

  /** The line broke. */
  interrupted(): void {
    clearTimeout(this.ackTimer);
    this.update(box.interrupted(this.entries));
  }

  /** The line is back. */
  resumed(): void {
    this.update(box.resumed(this.entries));
    this.flush();
  }

  /** Forgets acknowledged entries of an earlier visit: the hub has them, and the thread shows them. */
  settle(): void {
    this.update(this.entries.filter((o) => o.state !== "acked"));
  }

  clear(): void {
    for (const a of this.uploads.values()) a.abort();
    this.update([]);
  }

  /** Sends what can be sent now. */
  flush(): void {
    const way = this.host.way();
    if (way === "none") return;
    const mine = this.entries.filter((o) => this.ours.has(o.id));
    const now = Date.now();
    const o = box.next(mine, now);
    if (o) this.send(o, way);
    const up = box.nextUpload(mine, now);
    if (up) void this.upload(up);
    clearTimeout(this.timer);
    const wake = box.wakeIn(mine, now);
    if (wake !== undefined) this.timer = setTimeout(() => this.flush(), wake + 10);
  }

  private add(o: box.Out): void {
    this.ours.add(o.id);
    this.update(box.put(this.entries, o));
    this.flush();
  }

  private send(o: box.Out, way: "socket" | "http"): void {
    const files = o.file?.file ? [o.file.file] : [];
    this.update(box.change(this.entries, o.id, { state: "sending" }));
    if (way === "http") {
      this.host.api.send(o.id, o.text, files, o.replyTo).then(
        () => this.acked(o.id),
        (e: unknown) => this.refused(o.id, problemFrom(e)),
      );
      return;
    }
    const frame: ClientFrame = {
      type: "message",
      id: o.id,
      text: o.text,
      parts: files.map((file) => ({ file })),
      ...(o.replyTo ? { replyTo: o.replyTo } : {}),
    };
    if (!this.host.frame(frame)) {
      this.update(box.change(this.entries, o.id, { state: "waiting" }));
      return;
    }
    clearTimeout(this.ackTimer);
    this.ackTimer = setTimeout(() => {
      this.interrupted();
      this.host.stuck();
    }, ACK_TIMEOUT);
  }

  private async upload(o: box.Out): Promise<void> {
    this.update(box.change(this.entries, o.id, { state: "sending" }));
    const blob = await fileOf(o.id);
    if (!blob) {
      this.refused(o.id, { status: 410, title: "lost" });
      return;
    }
    const abort = new AbortController();
    this.uploads.set(o.id, abort);
    try {
      const name = o.file?.name ?? "file";
      const progress = (done: number) => this.patchFile(o.id, { done }, false);
      const up = await this.host.api.upload(name, blob, progress, abort.signal);
      this.patchFile(o.id, { file: up.file }, true);
      this.update(box.change(this.entries, o.id, { state: "waiting", tries: 0, notBefore: 0 }));
      this.flush();
    } catch (e) {
      const p = problemFrom(e);
      if (p.status !== -1) this.refused(o.id, p); // -1: the person stopped it
    } finally {
      this.uploads.delete(o.id);
    }
  }

  private patchFile(id: string, to: Partial<box.OutFile>, keep: boolean): void {
    const o = this.entries.find((e) => e.id === id);
    if (!o?.file) return;
    const next = box.change(this.entries, id, { file: { ...o.file, ...to } });
    if (keep) this.update(next);
    else {
      this.entries = next;
      this.host.changed();
    }
  }

  private ackDone(id: string): void {
    if (this.entries.some((o) => o.id === id && o.state === "sending")) clearTimeout(this.ackTimer);
  }

  private update(next: box.Outbox): void {
    if (next === this.entries) return;
    for (const o of this.entries) if (!next.some((n) => n.id === o.id)) this.host.store.remove(KEY + o.id);
    for (const o of next) {
      if (!this.entries.includes(o) && this.ours.has(o.id)) this.host.store.set(KEY + o.id, JSON.stringify(o));
    }
    this.entries = next;
    this.host.changed();
  }

  /** Another tab wrote or removed an entry. */
  private elsewhere(id: string, value: string | undefined): void {
    const o = value === undefined ? undefined : box.parse(value);
    if (o && (this.ours.has(id) || this.done.has(id))) return; // we know better
    this.entries = o ? box.put(this.entries, o) : box.drop(this.entries, id);
    this.host.changed();
    if (o?.state !== "waiting") return;
    setTimeout(() => {
      if (!this.entries.some((e) => e.id === id && e.state === "waiting")) return;
      this.ours.add(id);
      this.flush();
    }, ADOPT_AFTER);
  }
}

function problemFrom(e: unknown): Problem {
  return e instanceof Refusal ? e.problem : { status: 0 };
}

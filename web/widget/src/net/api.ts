// The hub's calls over HTTP. A refusal is thrown as a Refusal with the hub's problem document; status 0 means that
// the hub was not reached.
import type { Item, Problem, Session } from "../model/wire";

export class Refusal extends Error {
  constructor(readonly problem: Problem) {
    super(problem.title ?? `status ${problem.status ?? 0}`);
  }
}

export interface Uploaded {
  file: string;
  kind: string;
}

export interface SessionRequest {
  token?: string | undefined;
  identity?: string | undefined;
  locale: string;
  page: { url: string; title: string };
  form?: Record<string, string> | undefined;
}

const TIMEOUT = 15_000;

export class Api {
  token = "";
  constructor(
    readonly hub: string,
    readonly account: string,
  ) {}

  private url(path: string): string {
    return `${this.hub}/c/${encodeURIComponent(this.account)}/${path}`;
  }

  private async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), TIMEOUT);
    const headers: Record<string, string> = {};
    if (body !== undefined) headers["Content-Type"] = "application/json";
    if (this.token && path !== "session") headers.Authorization = `Bearer ${this.token}`;
    try {
      const r = await fetch(this.url(path), {
        method,
        headers,
        body: body === undefined ? null : JSON.stringify(body),
        credentials: "omit",
        cache: "no-store",
        signal: abort.signal,
      });
      if (!r.ok) throw new Refusal(await problemOf(r));
      const text = await r.text();
      return (text ? JSON.parse(text) : {}) as T;
    } catch (e) {
      if (e instanceof Refusal) throw e;
      throw new Refusal({ status: 0, title: "The hub was not reached" });
    } finally {
      clearTimeout(timer);
    }
  }

  /** Whether a failure hides a refusal: a browser does not show a page the answer to an origin that is not allowed. */
  async hidden(e: unknown): Promise<boolean> {
    if (!(e instanceof Refusal) || e.problem.status !== 0 || location.origin === this.hub) return false;
    return fetch(`${this.hub}/widget.js`, { method: "HEAD", credentials: "omit", cache: "no-store" }).then(
      (r) => r.ok,
      () => false,
    );
  }

  session(q: SessionRequest): Promise<Session> {
    return this.call("POST", "session", q);
  }
  send(id: string, text: string, files: string[], replyTo?: string): Promise<{ id: string }> {
    const parts = files.map((file) => ({ file }));
    return this.call("POST", "messages", { id, text, parts, ...(replyTo ? { replyTo } : {}) });
  }
  after(cursor: string): Promise<{ items: Item[]; more: boolean }> {
    return this.call("GET", `items?after=${encodeURIComponent(cursor)}`);
  }
  before(cursor: string, limit: number): Promise<{ items: Item[]; more: boolean }> {
    return this.call("GET", `items?before=${encodeURIComponent(cursor)}&limit=${limit}`);
  }
  read(cursor: string): Promise<unknown> {
    return this.call("POST", "read", { cursor });
  }
  logout(): Promise<unknown> {
    return this.call("POST", "logout", {});
  }

  socketURL(after: string): string {
    const base = this.url("socket").replace(/^http/, "ws");
    return `${base}?token=${encodeURIComponent(this.token)}&after=${encodeURIComponent(after)}`;
  }
  fileURL(id: string): string {
    return this.url(`files/${encodeURIComponent(id)}?token=${encodeURIComponent(this.token)}`);
  }
  async fileBlob(id: string): Promise<Blob> {
    const r = await fetch(this.url(`files/${encodeURIComponent(id)}`), {
      headers: { Authorization: `Bearer ${this.token}` },
      credentials: "omit",
    });
    if (!r.ok) throw new Refusal(await problemOf(r));
    return r.blob();
  }

  /** Uploads raw bytes. XMLHttpRequest, because fetch does not tell how far an upload is. */
  upload(name: string, blob: Blob, progress: (done: number) => void, signal: AbortSignal): Promise<Uploaded> {
    return new Promise((resolve, reject) => {
      const x = new XMLHttpRequest();
      x.open("POST", this.url(`files?name=${encodeURIComponent(name)}`));
      x.setRequestHeader("Authorization", `Bearer ${this.token}`);
      x.setRequestHeader("Content-Type", blob.type || "application/octet-stream");
      x.upload.onprogress = (e) => progress(e.loaded);
      x.onerror = () => reject(new Refusal({ status: 0, title: "The hub was not reached" }));
      x.onabort = () => reject(new Refusal({ status: -1, title: "Stopped" }));
      x.onload = () => {
        const body = parse(x.responseText);
        if (x.status >= 200 && x.status < 300 && body) resolve(body as unknown as Uploaded);
        else reject(new Refusal(withRetry({ ...body, status: x.status }, x.getResponseHeader("Retry-After"))));
      };
      signal.addEventListener("abort", () => x.abort());
      x.send(blob);
    });
  }
}

async function problemOf(r: Response): Promise<Problem> {
  const body = parse(await r.text().catch(() => ""));
  return withRetry({ ...body, status: r.status }, r.headers.get("Retry-After"));
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const v: unknown = JSON.parse(text);
    return typeof v === "object" && v !== null ? (v as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function withRetry(p: Problem, header: string | null): Problem {
  const seconds = header === null ? Number.NaN : Number(header);
  return Number.isFinite(seconds) && p.retryAfter === undefined ? { ...p, retryAfter: seconds } : p;
}

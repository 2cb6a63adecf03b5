// Calls to the hub: one place for cookies, the CSRF header, problem documents and lost sessions.
import { store } from "./store";

export interface ProblemDocument {
  type?: string;
  title: string;
  detail?: string;
  status?: number;
}

/** What the hub refused, in its words. Status 0: the hub could not be reached. */
export class Problem extends Error {
  readonly status: number;
  readonly title: string;
  readonly detail: string | undefined;
  readonly type: string;
  readonly body: Record<string, unknown>;
  readonly retryAfter: number | undefined; // seconds

  constructor(status: number, doc: ProblemDocument & Record<string, unknown>, retryAfter?: number) {
    super(doc.title);
    this.status = status;
    this.title = doc.title;
    this.detail = doc.detail;
    this.type = doc.type ?? "";
    this.body = doc;
    this.retryAfter = retryAfter;
  }

  /** What happened and what to do, with what is wrong in single fields. */
  get words(): string {
    const fields = Array.isArray(this.body.errors)
      ? (this.body.errors as { field: string; message: string }[]).map((f) => `${f.field}: ${f.message}`)
      : [];
    return [this.title, ...(fields.length > 0 ? fields : [this.detail])].filter(Boolean).join(". ");
  }

  /** Is it a problem of this type? Types are addresses that end in a code. */
  is(code: string): boolean {
    return this.type === code || this.type.endsWith(`/${code}`);
  }

  /** What is wrong with a field, if something is. */
  field(name: string): string | undefined {
    if (!Array.isArray(this.body.errors)) return undefined;
    return (this.body.errors as { field: string; message: string }[]).find(
      (f) => f.field === name || f.field.endsWith(`.${name}`),
    )?.message;
  }

  /** Worth trying again with the same id? */
  get passing(): boolean {
    return (
      this.status === 0 ||
      this.is("in-progress") ||
      this.status === 429 ||
      this.status === 502 ||
      this.status === 503 ||
      this.status === 504
    );
  }
}

/** True once the hub has said that nobody is signed in. */
export const signedOut = store(false);

function cookie(name: string): string {
  const hit = document.cookie.split("; ").find((c) => c.startsWith(`${name}=`));
  return hit ? decodeURIComponent(hit.slice(name.length + 1)) : "";
}

async function problem(res: Response): Promise<Problem> {
  let doc: ProblemDocument & Record<string, unknown> = { title: `${res.status} ${res.statusText}`.trim() };
  try {
    if (res.headers.get("Content-Type")?.includes("json")) doc = { ...doc, ...((await res.json()) as object) };
  } catch {
    // a broken body says no more than the status
  }
  const after = Number(res.headers.get("Retry-After"));
  return new Problem(res.status, doc, Number.isFinite(after) && after > 0 ? after : undefined);
}

export interface CallOptions {
  method?: string;
  body?: unknown;
  key?: string; // Idempotency-Key
  signal?: AbortSignal;
}

export async function call<T>(path: string, o: CallOptions = {}): Promise<T> {
  const method = o.method ?? (o.body === undefined ? "GET" : "POST");
  const headers: Record<string, string> = { Accept: "application/json" };
  if (o.body !== undefined) headers["Content-Type"] = "application/json";
  if (method !== "GET") headers["X-Parley-CSRF"] = cookie("parley_csrf");
  if (o.key) headers["Idempotency-Key"] = o.key;
  let res: Response;
  try {
    res = await fetch(path, {
      method,
      headers,
      credentials: "same-origin",
      ...(o.body === undefined ? {} : { body: JSON.stringify(o.body) }),
      ...(o.signal ? { signal: o.signal } : {}),
    });
  } catch (e) {
    if (o.signal?.aborted) throw e;
    throw new Problem(0, { title: "unreachable" });
  }
  if (!res.ok) {
    const p = await problem(res);
    if (res.status === 401 && !path.startsWith("/api/session")) signedOut.set(true);
    throw p;
  }
  if (res.status === 204 || res.headers.get("Content-Length") === "0") return undefined as T;
  const text = await res.text();
  return (text ? JSON.parse(text) : undefined) as T;
}

/** Uploads bytes with progress from 0 to 1; fetch cannot tell it. */
export function upload(path: string, file: Blob, progress: (part: number) => void, signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const x = new XMLHttpRequest();
    x.open("POST", path);
    x.setRequestHeader("X-Parley-CSRF", cookie("parley_csrf"));
    x.setRequestHeader("Content-Type", file.type || "application/octet-stream");
    x.upload.onprogress = (e) => e.lengthComputable && progress(e.loaded / e.total);
    x.onload = () => {
      let body: Record<string, unknown> = {};
      try {
        body = JSON.parse(x.responseText) as Record<string, unknown>;
      } catch {
        body = {};
      }
      if (x.status < 300) resolve(body);
      else reject(new Problem(x.status, { title: x.statusText || String(x.status), ...body }));
    };
    x.onerror = () => reject(new Problem(0, { title: "unreachable" }));
    signal.addEventListener("abort", () => x.abort());
    x.send(file);
  });
}

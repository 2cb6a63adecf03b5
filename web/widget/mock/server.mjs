// A hub for developing the widget: speaks docs/widget-protocol.md from memory, serves the built widget and the demo
// pages. POST /mock/<what> plays the agent's part: say, typing, presence, edit, unsend, react, down, up, block.
// Usage: node mock/server.mjs [port]; exported as start() for tests.
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { dirname, extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { WebSocketServer } from "ws";

const HERE = dirname(fileURLToPath(import.meta.url));
const TYPES = { ".js": "text/javascript", ".html": "text/html", ".css": "text/css", ".svg": "image/svg+xml" };
const CONVERSATION = "01J0000000000000000000MOCK";
const cursorOf = (seq) => `${CONVERSATION}.${String(seq).padStart(12, "0")}`;

export class Mock {
  config = {
    title: "Halden",
    greeting: "Good morning, Maya\nAsk us anything. Answers also reach your mailbox.",
    color: "#2b53c6",
    agents: [{ name: "Priya", initials: "PN" }],
    online: true,
    replyTime: "about 3 minutes",
    form: [],
    limits: { text: 8000, file: 26214400, files: 10 },
    locale: "en",
    privacyUrl: "https://example.com/privacy",
  };
  items = [];
  messages = new Map();
  files = new Map();
  tokens = new Map();
  sockets = new Set();
  received = [];
  reads = [];
  seq = 0;
  down = false;
  blockSockets = false;
  holdAcks = false;
  slowUploads = 0;
  refuseNext = undefined;
  requireIdentity = false;
  refuseForm = undefined;
  onlyOrigin = undefined;

  item(event, target) {
    const it = {
      cursor: cursorOf(event.seq),
      prev: this.items.at(-1)?.cursor ?? "",
      event,
      ...(target ? { target } : {}),
    };
    this.items.push(it);
    for (const s of this.sockets) s.send(JSON.stringify({ type: "item", item: it }));
    return it;
  }

  base(kind, direction, actor, at) {
    const seq = ++this.seq;
    const now = at ?? new Date().toISOString();
    return {
      id: `demo|${kind}:${seq}`,
      kind,
      conversation: CONVERSATION,
      seq,
      direction,
      actor,
      at: now,
      received: now,
    };
  }

  /** A message of the customer, once per id. */
  take(id, text, parts = [], at) {
    if ([...this.messages.values()].some((m) => m.client === id)) return;
    const full = parts.map((p) => ({ ...this.files.get(p.file)?.part, file: p.file }));
    const e = { ...this.base("message", "in", { kind: "customer", name: "Maya" }, at), client: id };
    e.message = { text, parts: full };
    this.messages.set(e.id, e);
    this.received.push({ id, text, parts });
    this.item(e);
  }

  /** A message of ours: numbered, then told by its receipt. */
  say(text, { actor = { kind: "agent", id: "a1", name: "Priya Nair" }, at, ...more } = {}) {
    this.seq++; // numbered, and not shown yet
    const m = this.base("message", "out", actor, at);
    m.message = { text, ...more, delivery: { state: "sent", at: m.at, attempt: 1 } };
    this.messages.set(m.id, m);
    const r = this.base("receipt", "out", { kind: "system" }, at);
    r.receipt = { of: { event: m.id }, state: "sent" };
    this.item(r, structuredClone(m));
    return m.id;
  }

  change(kind, id, fn) {
    const m = this.messages.get(id);
    fn(m.message);
    this.item(this.base(kind, m.direction, { kind: "agent" }), structuredClone(m));
  }

  frame(f) {
    for (const s of this.sockets) s.send(JSON.stringify(f));
  }

  setDown(on) {
    this.down = on;
    if (on) for (const s of this.sockets) s.terminate();
  }

  session(body) {
    if (this.requireIdentity && !body.identity) return [401, { status: 401, title: "Sign in first" }];
    if (body.token && !this.tokens.has(body.token)) return [401, { status: 401, title: "The token does not hold" }];
    if (body.form && this.refuseForm) {
      const detail = this.refuseForm;
      this.refuseForm = undefined;
      return [422, { status: 422, title: "The form is not filled in", detail }];
    }
    if (body.form) this.config.formDone = true;
    const token = body.token ?? randomUUID();
    if (!this.tokens.has(token)) this.tokens.set(token, { visitor: randomUUID() });
    const items = this.items.slice(-30);
    const visitor = this.tokens.get(token).visitor;
    return [
      200,
      {
        token,
        visitor,
        thread: `v-${visitor}`,
        verified: false,
        config: this.config,
        items,
        more: this.items.length > 30,
        cursor: items.at(-1)?.cursor ?? "",
      },
    ];
  }

  page(q) {
    if (q.has("before")) {
      const limit = Number(q.get("limit") ?? 30);
      const all = this.items.filter((i) => i.cursor < q.get("before"));
      return { items: all.slice(-limit), more: all.length > limit };
    }
    return { items: this.items.filter((i) => i.cursor > q.get("after")), more: false };
  }

  socket(ws, after) {
    for (const i of this.items) if (i.cursor > after) ws.send(JSON.stringify({ type: "item", item: i }));
    ws.send(JSON.stringify({ type: "ready", cursor: this.items.at(-1)?.cursor ?? after, online: this.config.online }));
    this.sockets.add(ws);
    ws.on("close", () => this.sockets.delete(ws));
    ws.on("message", (data) => {
      const f = JSON.parse(String(data));
      if (f.type === "ping") ws.send('{"type":"pong"}');
      if (f.type === "read") this.reads.push(f.cursor);
      if (f.type !== "message" || this.holdAcks) return;
      if (this.refuseNext) {
        ws.send(JSON.stringify({ type: "refused", id: f.id, problem: this.refuseNext }));
        this.refuseNext = undefined;
        return;
      }
      ws.send(JSON.stringify({ type: "ack", id: f.id }));
      this.take(f.id, f.text, f.parts);
    });
  }
}

async function bytes(req, slow) {
  const parts = [];
  for await (const c of req) {
    parts.push(c);
    if (slow) await new Promise((r) => setTimeout(r, slow));
  }
  return Buffer.concat(parts);
}

function serveFile(res, path) {
  res.setHeader("Access-Control-Allow-Origin", "*");
  try {
    const data = readFileSync(path);
    res.writeHead(200, {
      "Content-Type": TYPES[extname(path)] ?? "application/octet-stream",
      "Cache-Control": "no-cache",
    });
    res.end(data);
  } catch {
    res.writeHead(404).end();
  }
}

async function api(m, req, res, url, path) {
  const json = (status, body) => {
    res.writeHead(status, { "Content-Type": status >= 400 ? "application/problem+json" : "application/json" });
    res.end(JSON.stringify(body));
  };
  if (path === "session") return json(...m.session(JSON.parse(String(await bytes(req)))));
  const token = (req.headers.authorization ?? "").slice(7) || url.searchParams.get("token");
  if (!m.tokens.has(token)) return json(401, { status: 401, title: "The token does not hold" });
  if (path === "items") return json(200, m.page(url.searchParams));
  if (path === "messages") {
    const b = JSON.parse(String(await bytes(req)));
    m.take(b.id, b.text, b.parts);
    return json(202, { id: b.id });
  }
  if (path === "read") {
    m.reads.push(JSON.parse(String(await bytes(req))).cursor);
    return json(204, {});
  }
  if (path === "logout") {
    m.tokens.delete(token);
    return json(204, {});
  }
  if (path === "files") {
    const data = await bytes(req, m.slowUploads);
    const mime = req.headers["content-type"];
    const part = {
      kind: mime.startsWith("image/") ? "image" : "file",
      name: url.searchParams.get("name"),
      mime,
      size: data.length,
    };
    const file = randomUUID();
    m.files.set(file, { data, part });
    return json(201, { file, ...part });
  }
  const f = m.files.get(path.slice("files/".length));
  if (!f) return json(404, { status: 404 });
  res.writeHead(200, { "Content-Type": f.part.mime }).end(f.data);
}

const control = {
  say: (m, b) => m.say(b.text, b),
  typing: (m, b) => m.frame({ type: "typing", on: b.on ?? true, name: b.name ?? "Priya" }),
  presence: (m, b) => m.frame({ type: "presence", online: b.online }),
  down: (m) => m.setDown(true),
  up: (m) => m.setDown(false),
  block: (m, b) => {
    m.blockSockets = b.on ?? true;
  },
};

/** Starts a mock hub on a port (0: any). */
export async function start(port = 0) {
  const m = new Mock();
  const wss = new WebSocketServer({ noServer: true });
  const server = createServer(async (req, res) => {
    const url = new URL(req.url, "http://hub");
    const [, top, , ...rest] = url.pathname.split("/");
    if (top === "mock") {
      const b = await bytes(req);
      control[url.pathname.split("/")[2]]?.(m, b.length ? JSON.parse(String(b)) : {});
      return res.end("{}");
    }
    if (top === "c") {
      res.setHeader("Access-Control-Allow-Origin", m.onlyOrigin ?? req.headers.origin ?? "*");
      res.setHeader("Access-Control-Allow-Headers", "Authorization, Content-Type");
      res.setHeader("Vary", "Origin");
      if (req.method === "OPTIONS") return res.writeHead(204).end();
    }
    if (top === "c")
      return m.down ? req.socket.destroy() : api(m, req, res, url, rest.join("/")).catch(() => res.destroy()); // the client went away
    const p = normalize(url.pathname);
    if (p.startsWith("/demo/"))
      return serveFile(res, join(HERE, "../../demo", extname(p) ? p.slice(5) : `${p.slice(5)}.html`));
    return serveFile(res, join(HERE, "../dist", p));
  });
  server.on("upgrade", (req, socket, head) => {
    const q = new URL(req.url, "http://hub").searchParams;
    if (m.down || m.blockSockets) return socket.destroy();
    wss.handleUpgrade(req, socket, head, (ws) => {
      if (m.tokens.has(q.get("token"))) m.socket(ws, q.get("after") ?? "");
      else ws.close(4401);
    });
  });
  await new Promise((r) => server.listen(port, "127.0.0.1", r));
  const stop = () => {
    for (const s of m.sockets) s.terminate();
    server.closeAllConnections();
    return new Promise((r) => server.close(r));
  };
  return { mock: m, url: `http://127.0.0.1:${server.address().port}`, stop };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { url } = await start(Number(process.argv[2] ?? 8787));
  console.log(`${url}/demo/shop`);
}

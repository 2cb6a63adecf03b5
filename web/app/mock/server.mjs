// A hub that exists only in memory: plays docs/agent-protocol.md with the people of the drawn pictures,
// for development, tests and screenshots. Password "parley"; code 123456 where TOTP is asked.

import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { WebSocketServer } from "ws";
import { accounts, agents, channels, conversations, dead, persons, teams } from "./people.mjs";

const port = Number(process.env.PORT ?? 8080);
const dist = join(fileURLToPath(new URL("..", import.meta.url)), "dist");
const db = new Map(conversations.map((c) => [c.conversation.id, c]));
const drafts = new Map();
const files = new Map();
const done = new Map(); // idempotency
const sockets = new Set();
let settings = { undo: 5 };
const me = agents[0];

const pole = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 240 152" width="1200" height="760"><rect width="240" height="152" fill="#3a5230"/><g transform="rotate(-17 120 84)"><rect x="-20" y="76" width="132" height="15" fill="#c2c6ca"/><rect x="128" y="76" width="150" height="15" fill="#b2b6ba"/><rect x="104" y="73" width="34" height="21" rx="2" fill="#8e959b"/><path d="M110 72l7 7l-5 4l8 6l-3 6" fill="none" stroke="#16191b" stroke-width="2.2"/></g></svg>`;

function reply(res, status, body, headers = {}) {
  const problem = status >= 400;
  res.writeHead(status, { "Content-Type": problem ? "application/problem+json" : "application/json", ...headers });
  res.end(body === undefined ? undefined : JSON.stringify(body));
}
const refuse = (res, status, title, detail, extra = {}) => reply(res, status, { title, detail, ...extra });

function broadcast(frame, conversation) {
  const text = JSON.stringify(frame);
  for (const s of sockets) if (s.inbox || s.follows.has(conversation)) s.ws.send(text);
}

/** What only the writer may do: number an event and tell everybody. */
export function append(id, event, target) {
  const x = db.get(id);
  const c = x.conversation;
  c.seq += 1;
  const e = {
    conversation: id,
    seq: c.seq,
    at: new Date().toISOString(),
    received: new Date().toISOString(),
    direction: "internal",
    actor: { kind: "agent", id: me.id, name: me.name },
    ...event,
  };
  x.events.push(e);
  if (e.kind === "message" && e.direction !== "internal") {
    if (e.direction === "in") {
      c.inCount += 1;
      c.lastInSeq = c.seq;
      c.waitingSince ??= e.at;
      const leg = c.legs.find((l) => l.id === e.leg);
      if (leg) Object.assign(leg, { lastIn: e.at, opened: { message: { at: e.at } } });
    } else {
      c.lastOutSeq = c.seq;
      delete c.waitingSince;
      delete c.nextDeadline;
    }
    c.lastAt = e.at;
    c.last = {
      event: e.id,
      seq: e.seq,
      text: (e.message.text ?? "").slice(0, 140),
      direction: e.direction,
      actor: e.actor,
      leg: e.leg,
      at: e.at,
      delivery: e.message.delivery?.state,
      part: e.message.parts?.[0]?.kind,
    };
  }
  broadcast({ type: "event", seq: e.seq, event: e, conversation: c, ...(target ? { target } : {}) }, id);
  return e;
}

function receipt(id, message, state, failure) {
  const d = { state, at: new Date().toISOString(), attempt: message.message.delivery.attempt, ...(failure ? { failure } : {}) };
  message.message.delivery = d;
  const c = db.get(id).conversation;
  if (c.last?.event === message.id) c.last.delivery = state;
  append(
    id,
    {
      id: `${message.id}|${state}|${c.seq}`,
      kind: "receipt",
      direction: "out",
      leg: message.leg,
      receipt: { of: { event: message.id }, state },
    },
    structuredClone(message),
  );
}

function deliver(id, message, wait) {
  const climb = ["sending", "sent", "delivered", "read"];
  const fails = /fail/i.test(message.message.text ?? "");
  const step = (i) => {
    if (message.message.delivery.state === "cancelled") return;
    if (fails && i === 1)
      return receipt(id, message, "failed", {
        class: "refused",
        code: "100/42",
        said: "Message could not be delivered",
        advice: "Try another channel.",
      });
    if (/unsure/i.test(message.message.text ?? "") && i === 1)
      return receipt(id, message, "unknown", {
        class: "unsure",
        said: "timeout",
        advice: "Look in the app before you send it again.",
      });
    if (i >= climb.length) return;
    receipt(id, message, climb[i]);
    setTimeout(() => step(i + 1), 600);
  };
  setTimeout(() => step(0), wait);
}

function send(req, res, x, body) {
  const c = x.conversation;
  if (done.has(body.id)) return reply(res, 202, { event: done.get(body.id) });
  if (body.baseSeq && x.events.some((e) => e.kind === "message" && e.direction === "out" && e.seq > body.baseSeq))
    return refuse(res, 409, "Somebody answered meanwhile", "Read the new message, then send again.", {
      type: "/api/problems/answered-meanwhile",
    });
  const note = body.note === true;
  if (!note && c.legs.find((l) => l.id === body.leg)?.closed)
    return refuse(res, 422, "This channel is closed", c.legs.find((l) => l.id === body.leg).closed);
  const parts = (body.parts ?? []).map((p) => ({ kind: "file", ...files.get(p.file)?.part, file: p.file }));
  done.set(body.id, body.id);
  reply(res, 202, { event: body.id });
  setTimeout(() => {
    const message = {
      text: body.text,
      ...(parts.length ? { parts } : {}),
      ...(note ? {} : { delivery: { state: "queued", at: new Date().toISOString(), attempt: 1 } }),
      ...(body.replyTo ? { replyTo: body.replyTo } : {}),
    };
    const e = append(c.id, {
      id: body.id,
      client: body.id,
      kind: note ? "note" : "message",
      direction: note ? "internal" : "out",
      ...(note ? {} : { leg: body.leg }),
      message,
    });
    if (!note) deliver(c.id, e, (body.undo ?? 0) * 1000 + 200);
  }, 30);
}

function patch(res, x, body) {
  const c = x.conversation;
  reply(res, 202, {});
  if (body.state) {
    const from = c.state;
    c.state = body.state;
    if (body.state === "snoozed") c.snoozeUntil = body.snoozeUntil;
    else delete c.snoozeUntil;
    append(c.id, {
      id: `st-${c.seq}-${c.id}`,
      kind: "status",
      status: { from, to: body.state, until: body.snoozeUntil, why: "agent" },
    });
  }
  if (body.assignee !== undefined || body.team !== undefined) {
    const was = c.assignee;
    if (body.assignee !== undefined) c.assignee = body.assignee;
    if (body.team !== undefined) c.team = body.team;
    append(c.id, {
      id: `as-${c.seq}-${c.id}`,
      kind: "assignment",
      assignment: {
        agent: body.assignee,
        agentName: agents.find((a) => a.id === body.assignee)?.name,
        team: body.team,
        teamName: teams.find((t) => t.id === body.team)?.name,
        was,
      },
    });
  }
  if (body.addLabels || body.removeLabels || body.priority !== undefined) {
    c.labels = [...new Set([...(c.labels ?? []), ...(body.addLabels ?? [])])].filter((l) => !body.removeLabels?.includes(l));
    if (body.priority !== undefined) c.priority = body.priority;
    append(c.id, {
      id: `la-${c.seq}-${c.id}`,
      kind: "labels",
      labels: { add: body.addLabels, remove: body.removeLabels, priority: body.priority },
    });
  }
}

function listing(q) {
  const view = q.get("view") ?? "mine";
  const sort = q.get("sort") ?? "newest";
  const limit = Number(q.get("limit") ?? 50);
  const fits = (c) =>
    view === "mine"
      ? c.assignee === me.id && c.state === "open"
      : view === "unassigned"
        ? c.state === "open" && !c.assignee
        : view === "all"
          ? c.state === "open"
          : view.startsWith("team:")
            ? c.state === "open" && c.team === view.slice(5)
            : c.state === view;
  const key = (c) => (sort === "waiting" ? (c.waitingSince ?? "~") + c.id : c.lastAt + c.id);
  const all = [...db.values()]
    .map((x) => x.conversation)
    .filter(fits)
    .sort((a, b) => (key(a) < key(b) ? -1 : 1));
  if (sort === "newest") all.reverse();
  const from = q.get("after") ? all.findIndex((c) => c.id === q.get("after")) + 1 : 0;
  const page = all.slice(from, from + limit);
  return {
    conversations: page,
    ...(from + limit < all.length ? { next: page.at(-1).id } : {}),
    reads: Object.fromEntries(page.map((c) => [c.id, db.get(c.id).read])),
  };
}

function presenceOf(x) {
  return { agents: x.agents, ...(x.customer ? { customer: x.customer } : {}) };
}

function person(id) {
  return (
    persons[id] ?? {
      person: { id, name: [...db.values()].find((x) => x.conversation.person === id)?.conversation.name ?? id },
      identities: [],
      suggestions: [],
      merges: [],
      past: [],
    }
  );
}

const signedIn = (req) => process.env.MOCK_OPEN === "1" || /parley_session=1/.test(req.headers.cookie ?? "");
const session = { "Set-Cookie": ["parley_session=1; Path=/; HttpOnly; SameSite=Lax", "parley_csrf=c5rf; Path=/; SameSite=Lax"] };

const routes = [
  [
    "POST",
    /^\/api\/session$/,
    (req, res, _, body) => {
      if (body.password !== "parley")
        return refuse(res, 401, "E-mail or password is wrong", "Check both, or ask an admin for a sign-in link.");
      if (body.email.startsWith("totp") && !body.code)
        return refuse(res, 401, "A code is needed", "Type the six digits of your app.", { type: "/api/problems/code-needed" });
      if (body.email.startsWith("totp") && body.code !== "123456")
        return refuse(res, 401, "The code is wrong", "Codes change every 30 seconds.", { type: "/api/problems/sign-in" });
      reply(res, 200, { agent: me.id, setup: false }, session);
    },
  ],
  [
    "POST",
    /^\/api\/session\/once$/,
    (req, res, _, body) =>
      body.secret === "used"
        ? refuse(res, 410, "This link was used", "Ask for a new one.")
        : reply(res, 200, { agent: me.id, setup: true }, session),
  ],
  [
    "DELETE",
    /^\/api\/session$/,
    (req, res) => reply(res, 204, undefined, { "Set-Cookie": ["parley_session=; Path=/; Max-Age=0"] }),
  ],
  [
    "GET",
    /^\/api\/me$/,
    (req, res) =>
      reply(res, 200, {
        agent: me,
        roles: me.roles,
        permissions: [
          "conversation.read",
          "conversation.reply",
          "account.read",
          "account.manage",
          "agent.read",
          "agent.manage",
          "team.manage",
          "dead.manage",
        ],
        teams,
        settings,
        totp: false,
        setup: false,
      }),
  ],
  [
    "PATCH",
    /^\/api\/me$/,
    (req, res, _, body) => {
      settings = { ...settings, ...body };
      if (body.name) me.name = body.name;
      reply(res, 200, {});
    },
  ],
  ["PUT", /^\/api\/me\/password$/, (req, res) => reply(res, 204)],
  [
    "POST",
    /^\/api\/me\/totp$/,
    (req, res) =>
      reply(res, 200, {
        secret: "JBSW Y3DP EHPK 3PXP",
        url: "otpauth://totp/Parley:priya?secret=JBSWY3DPEHPK3PXP&issuer=Parley",
      }),
  ],
  [
    "POST",
    /^\/api\/me\/totp\/confirm$/,
    (req, res, _, b) =>
      b.code === "123456"
        ? reply(res, 200, { codes: ["abcd2345-efgh6723", "jklm2345-nopq6723"] })
        : refuse(res, 422, "The code is wrong", "Codes change every 30 seconds."),
  ],
  [
    "GET",
    /^\/api\/sessions$/,
    (req, res) =>
      reply(res, 200, {
        sessions: [
          {
            id: "s1",
            current: true,
            program: "Firefox on Linux",
            address: "127.0.0.1",
            createdAt: new Date().toISOString(),
            lastAt: new Date().toISOString(),
          },
          {
            id: "s2",
            program: "Safari on iPhone",
            address: "203.0.113.9",
            createdAt: new Date(Date.now() - 864e5).toISOString(),
            lastAt: new Date(Date.now() - 36e5).toISOString(),
          },
        ],
      }),
  ],
  ["DELETE", /^\/api\/sessions\/(.+)$/, (req, res) => reply(res, 204)],
  ["GET", /^\/api\/channels$/, (req, res) => reply(res, 200, { channels })],
  ["GET", /^\/api\/accounts$/, (req, res) => reply(res, 200, { accounts })],
  [
    "POST",
    /^\/api\/accounts$/,
    (req, res, _, b) => {
      accounts.push({
        id: `acc${accounts.length}`,
        enabled: true,
        secrets: {},
        health: { state: "green", since: new Date().toISOString() },
        ...b,
      });
      reply(res, 201, accounts.at(-1));
    },
  ],
  [
    "DELETE",
    /^\/api\/accounts\/([^/]+)$/,
    (req, res, m) => {
      accounts.splice(
        accounts.findIndex((a) => a.id === m[1]),
        1,
      );
      reply(res, 204);
    },
  ],
  [
    "PATCH",
    /^\/api\/accounts\/([^/]+)$/,
    (req, res, m, b) => {
      Object.assign(
        accounts.find((a) => a.id === m[1]),
        b,
      );
      reply(res, 200, {});
    },
  ],
  [
    "GET",
    /^\/api\/agents$/,
    (req, res) => reply(res, 200, { agents, roles: [{ name: "admin" }, { name: "supervisor" }, { name: "agent" }] }),
  ],
  [
    "POST",
    /^\/api\/agents$/,
    (req, res, _, b) => {
      agents.push({ id: `A${agents.length + 1}`, roles: [], ...b });
      reply(res, 201, { agent: agents.at(-1), secret: "x3Jm-new-secret", until: new Date(Date.now() + 864e5).toISOString() });
    },
  ],
  [
    "POST",
    /^\/api\/agents\/([^/]+)\/invite$/,
    (req, res, m) =>
      reply(res, 200, {
        agent: agents.find((a) => a.id === m[1]),
        secret: "x3Jm-again",
        until: new Date(Date.now() + 864e5).toISOString(),
      }),
  ],
  [
    "PATCH",
    /^\/api\/agents\/([^/]+)$/,
    (req, res, m, b) => {
      Object.assign(
        agents.find((a) => a.id === m[1]),
        b,
      );
      reply(res, 200, {});
    },
  ],
  ["GET", /^\/api\/teams$/, (req, res) => reply(res, 200, { teams })],
  [
    "POST",
    /^\/api\/teams$/,
    (req, res, _, b) => {
      teams.push({ id: `T${teams.length + 1}`, ...b });
      reply(res, 201, {});
    },
  ],
  [
    "PATCH",
    /^\/api\/teams\/([^/]+)$/,
    (req, res, m, b) => {
      Object.assign(
        teams.find((a) => a.id === m[1]),
        b,
      );
      reply(res, 200, {});
    },
  ],
  ["GET", /^\/api\/dead$/, (req, res) => reply(res, 200, { letters: dead })],
  [
    "POST",
    /^\/api\/dead\/(.+)\/replay$/,
    (req, res, m) => {
      dead.splice(
        dead.findIndex((d) => d.id === m[1]),
        1,
      );
      reply(res, 202, {});
    },
  ],
  [
    "DELETE",
    /^\/api\/dead\/(.+)$/,
    (req, res, m) => {
      dead.splice(
        dead.findIndex((d) => d.id === m[1]),
        1,
      );
      reply(res, 204);
    },
  ],
  ["GET", /^\/api\/conversations$/, (req, res, _, __, q) => reply(res, 200, listing(q))],
  [
    "GET",
    /^\/api\/conversations\/([^/]+)$/,
    (req, res, m, _, q) => {
      const x = db.get(m[1]);
      if (!x) return refuse(res, 404, "There is no such conversation", "It may have been merged or erased.");
      const n = Number(q.get("events") ?? 60);
      const p = person(x.conversation.person);
      reply(res, 200, {
        conversation: x.conversation,
        person: p.person,
        identities: p.identities,
        read: x.read,
        presence: presenceOf(x),
        events: x.events.slice(-n),
        more: x.events.length > n,
      });
    },
  ],
  [
    "GET",
    /^\/api\/conversations\/([^/]+)\/events$/,
    (req, res, m, _, q) => {
      const before = Number(q.get("before") ?? 1e9);
      const limit = Number(q.get("limit") ?? 60);
      const all = db.get(m[1]).events.filter((e) => e.seq < before);
      reply(res, 200, { events: all.slice(-limit), more: all.length > limit });
    },
  ],
  ["POST", /^\/api\/conversations\/([^/]+)\/messages$/, (req, res, m, body) => send(req, res, db.get(m[1]), body)],
  [
    "DELETE",
    /^\/api\/conversations\/([^/]+)\/messages\/(.+)$/,
    (req, res, m) => {
      const e = db.get(m[1]).events.find((x) => x.id === m[2]);
      if (e.message.delivery.state !== "queued") return refuse(res, 409, "It is being sent", "It can no longer be taken back.");
      receipt(m[1], e, "cancelled");
      reply(res, 204);
    },
  ],
  [
    "POST",
    /^\/api\/conversations\/([^/]+)\/messages\/(.+)\/retry$/,
    (req, res, m) => {
      const e = db.get(m[1]).events.find((x) => x.id === m[2]);
      e.message.delivery = { state: "queued", at: new Date().toISOString(), attempt: e.message.delivery.attempt + 1 };
      reply(res, 202, {});
      append(
        m[1],
        {
          id: `${e.id}|retry|${Date.now()}`,
          kind: "receipt",
          direction: "out",
          leg: e.leg,
          receipt: { of: { event: e.id }, state: "queued", attempt: e.message.delivery.attempt },
        },
        structuredClone(e),
      );
      deliver(m[1], { ...e, message: Object.assign(e.message, { text: (e.message.text ?? "").replace(/fail/gi, "f…") }) }, 300);
    },
  ],
  ["PATCH", /^\/api\/conversations\/([^/]+)$/, (req, res, m, body) => patch(res, db.get(m[1]), body)],
  [
    "PUT",
    /^\/api\/conversations\/([^/]+)\/read$/,
    (req, res, m, body) => {
      const x = db.get(m[1]);
      x.read = {
        seq: body.seq,
        inCount: x.events.filter((e) => e.kind === "message" && e.direction === "in" && e.seq <= body.seq).length,
      };
      reply(res, 204);
    },
  ],
  [
    "PUT",
    /^\/api\/conversations\/([^/]+)\/draft$/,
    (req, res, m, body) => {
      drafts.set(m[1], body);
      reply(res, 204);
    },
  ],
  [
    "GET",
    /^\/api\/conversations\/([^/]+)\/draft$/,
    (req, res, m) => reply(res, 200, drafts.get(m[1]) ?? { text: "", version: 0 }),
  ],
  [
    "GET",
    /^\/api\/persons\/([^/]+)$/,
    (req, res, m) => {
      const p = person(m[1]);
      reply(res, 200, { person: p.person, identities: p.identities });
    },
  ],
  ["GET", /^\/api\/persons\/([^/]+)\/conversations$/, (req, res, m) => reply(res, 200, { conversations: person(m[1]).past })],
  [
    "PATCH",
    /^\/api\/persons\/([^/]+)$/,
    (req, res, m, body) => {
      Object.assign(person(m[1]).person, body);
      reply(res, 202, {});
    },
  ],
  ["GET", /^\/api\/persons\/([^/]+)\/suggestions$/, (req, res, m) => reply(res, 200, { suggestions: person(m[1]).suggestions })],
  [
    "POST",
    /^\/api\/persons\/([^/]+)\/merge$/,
    (req, res, m, body) => {
      person(m[1]).suggestions = [];
      reply(res, 202, { id: "M1" });
      append("maya", {
        id: `merge-${Date.now()}`,
        kind: "merge",
        merge: { id: "M1", from: body.from, into: m[1], name: "m.lindqvist@kth.se" },
      });
    },
  ],
  [
    "POST",
    /^\/api\/merges\/([^/]+)\/undo$/,
    (req, res, m) => {
      reply(res, 204);
      append("maya", {
        id: `unmerge-${Date.now()}`,
        kind: "merge",
        merge: { id: m[1], from: "P-kth", into: "P-maya", name: "m.lindqvist@kth.se", undone: true },
      });
    },
  ],
  [
    "DELETE",
    /^\/api\/suggestions\/(.+)$/,
    (req, res) => {
      for (const p of Object.values(persons)) p.suggestions = [];
      reply(res, 204);
    },
  ],
  ["GET", /^\/api\/session\/methods$/, (req, res) => reply(res, 200, { password: true })],
  [
    "GET",
    /^\/api\/search$/,
    (req, res, m, body, query) => {
      const q = (query.get("q") ?? "").toLowerCase();
      const hits = [];
      const conversations = {};
      for (const { conversation: c, events } of db.values()) {
        for (const e of events) {
          const text = e.message?.text ?? "";
          const at = text.toLowerCase().indexOf(q);
          if (at < 0 || hits.length >= 6) continue;
          conversations[c.id] = c;
          hits.push({
            id: e.id,
            seq: e.seq,
            at: e.at,
            conversation: c.id,
            direction: e.direction,
            channel: c.legs.find((l) => l.id === e.leg)?.channel,
            fields: [{ name: "text", text, ranges: [[at, at + q.length]] }],
          });
        }
      }
      reply(res, 200, { conversations, groups: hits.length ? [{ kind: "message", hits }] : [] });
    },
  ],
  [
    "GET",
    /^\/api\/channels\/(\w+)\/app$/,
    (req, res) =>
      reply(res, 200, {
        settings: { app_id: "1187 4402 9931 205" },
        secrets: { app_secret: true },
        callback: "https://inbox.halden.example/hooks/instagram",
      }),
  ],
  [
    "GET",
    /^\/api\/files\/(.+)$/,
    (req, res, m) => {
      const f = files.get(m[1]);
      res.writeHead(200, { "Content-Type": f?.part.mime ?? "image/svg+xml" });
      res.end(f?.bytes ?? pole);
    },
  ],
];

const types = {
  ".js": "text/javascript",
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
  ".png": "image/png",
};
/** The same policy as the hub's, so that what it would refuse fails here too. */
const policy =
  "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob: https:; connect-src 'self'; frame-src 'self'; object-src 'none'; base-uri 'none'";

const mailPolicy = "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; base-uri 'self'";

function page(req, res, path) {
  const file = join(dist, path);
  const hit = path !== "/" && file.startsWith(dist) && existsSync(file) ? file : join(dist, "index.html");
  if (!existsSync(hit)) return refuse(res, 404, "Not built", "npm run build");
  const own = path === "/mail.html" ? mailPolicy : policy;
  res.writeHead(200, { "Content-Type": types[extname(hit)] ?? "application/octet-stream", "Content-Security-Policy": own });
  res.end(readFileSync(hit));
}

const server = createServer((req, res) => {
  const url = new URL(req.url, "http://x");
  if (!url.pathname.startsWith("/api/")) return page(req, res, url.pathname);
  const chunks = [];
  req.on("data", (c) => chunks.push(c));
  req.on("end", () => {
    const raw = Buffer.concat(chunks);
    if (!url.pathname.startsWith("/api/session") && !signedIn(req)) return refuse(res, 401, "Not signed in", "Sign in.");
    if (req.method === "POST" && url.pathname === "/api/files") {
      const id = `F${files.size + 1}`;
      const mime = req.headers["content-type"];
      const part = {
        file: id,
        name: url.searchParams.get("name"),
        mime,
        size: raw.length,
        kind: mime.startsWith("image/") ? "image" : "file",
      };
      files.set(id, { part, bytes: raw });
      return reply(res, 201, { ...part, id });
    }
    const body = raw.length ? JSON.parse(raw.toString()) : {};
    for (const [method, path, f] of routes) {
      const m = method === req.method && path.exec(decodeURIComponent(url.pathname));
      if (m) return f(req, res, m, body, url.searchParams);
    }
    refuse(res, 404, "There is no such address", `${req.method} ${url.pathname}`);
  });
});

const wss = new WebSocketServer({ noServer: true });
server.on("upgrade", (req, socket, head) => {
  if (!req.url.startsWith("/api/realtime") || !signedIn(req)) return socket.destroy();
  wss.handleUpgrade(req, socket, head, (ws) => {
    const s = { ws, inbox: false, follows: new Set() };
    sockets.add(s);
    ws.send(JSON.stringify({ type: "hello", agent: me.id, node: "mock" }));
    ws.on("close", () => sockets.delete(s));
    ws.on("message", (data) => frame(s, JSON.parse(data)));
  });
});

function frame(s, f) {
  if (f.type === "ping") return s.ws.send('{"type":"pong"}');
  if (f.feed === "inbox") {
    s.inbox = true;
    for (const [id, x] of db)
      if (x.agents.length || x.customer) s.ws.send(JSON.stringify({ type: "presence", conversation: id, ...presenceOf(x) }));
    return;
  }
  const x = db.get(f.conversation);
  if (!x) return;
  if (f.type === "unsubscribe") s.follows.delete(f.conversation);
  if (f.type !== "subscribe") return;
  s.follows.add(f.conversation);
  const missed = x.events.filter((e) => e.seq > (f.after ?? 0));
  if (missed.length > 500)
    return s.ws.send(JSON.stringify({ type: "gap", conversation: f.conversation, seq: x.conversation.seq }));
  for (const e of missed) s.ws.send(JSON.stringify({ type: "event", seq: e.seq, event: e, conversation: x.conversation }));
  s.ws.send(JSON.stringify({ type: "subscribed", conversation: f.conversation, seq: x.conversation.seq }));
  s.ws.send(JSON.stringify({ type: "presence", conversation: f.conversation, ...presenceOf(x) }));
}

// a test that forked this process can let a customer write, or cut every connection
process.on(
  "message",
  (m) =>
    m.say &&
    append(m.say.conversation, {
      id: `say-${Date.now()}-${Math.random()}`,
      kind: "message",
      direction: "in",
      leg: db.get(m.say.conversation).conversation.legs[0].id,
      actor: { kind: "customer", name: db.get(m.say.conversation).conversation.name },
      message: { text: m.say.text },
    }),
);
process.on("message", (m) => {
  if (m.drop) for (const s of sockets) s.ws.terminate();
});

server.listen(port, "127.0.0.1", () => {
  console.log(`mock hub on http://127.0.0.1:${server.address().port}`);
  process.send?.({ port: server.address().port });
});

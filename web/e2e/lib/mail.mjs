// Mail on both sides of an inbox: what is delivered to it by LMTP, and what it sends, taken by SMTP.
import { connect, createServer } from "node:net";
import { until } from "./browser.mjs";

/** Hands a mail to the hub's own listener, as a mail server does (RFC 2033). Resolves once it is taken. */
export function deliver(port, from, to, raw) {
  const body = raw.replace(/\r?\n/g, "\r\n").replace(/^\./gm, "..");
  const steps = ["LHLO people.example", `MAIL FROM:<${from}>`, `RCPT TO:<${to}>`, "DATA", `${body}\r\n.`, "QUIT"];
  return new Promise((resolve, reject) => {
    const s = connect(port, "127.0.0.1");
    const fail = (e) => {
      s.destroy();
      reject(e instanceof Error ? e : new Error(`LMTP: ${e}`));
    };
    let got = "";
    s.setTimeout(15_000, () => fail("no answer"));
    s.on("error", fail);
    s.on("data", (d) => {
      got += d;
      if (!/^\d{3} .*\r\n$/m.test(got)) return; // the last line of an answer has no hyphen
      if (/^[45]/.test(got)) return fail(got);
      got = "";
      const next = steps.shift();
      if (next) s.write(`${next}\r\n`);
      if (steps.length === 0) {
        s.end();
        resolve();
      }
    });
  });
}

/** A mail as its bytes: plain text, or HTML with pictures that came along. */
export function letter({ from, to, subject, text, html, pictures = [], headers = {}, id = messageID() }) {
  const fields = {
    From: from,
    To: to,
    Subject: subject,
    Date: new Date().toUTCString(),
    "Message-ID": id,
    "MIME-Version": "1.0",
    ...headers,
  };
  const head = Object.entries(fields).map(([k, v]) => `${k}: ${v}`);
  if (!html) return [...head, "Content-Type: text/plain; charset=utf-8", "", text].join("\n");
  const parts = pictures.map((p) => [
    "--rel",
    `Content-Type: ${p.type}; name="${p.name}"`,
    `Content-ID: <${p.cid}>`,
    "Content-Disposition: inline",
    "Content-Transfer-Encoding: base64",
    "",
    p.base64,
  ]);
  const inner = ["--rel", "Content-Type: text/html; charset=utf-8", "", html, ...parts.flat(), "--rel--", ""];
  return [...head, 'Content-Type: multipart/related; boundary="rel"', "", ...inner].join("\n");
}

export function messageID() {
  return `<${Date.now()}.${Math.random().toString(36).slice(2)}@people.example>`;
}

/** The SMTP server that an account sends by. It keeps every mail with its envelope. */
export class Outbox {
  mails = [];

  static async start() {
    const o = new Outbox();
    o.server = createServer((s) => o.talk(s));
    await new Promise((r) => o.server.listen(0, "127.0.0.1", r));
    o.port = o.server.address().port;
    return o;
  }

  talk(s) {
    let mail;
    let data = false;
    let rest = "";
    const say = (line) => s.write(`${line}\r\n`);
    const fresh = () => {
      mail = { from: "", rcpt: [], lines: [] };
    };
    const command = (line) => {
      const verb = line.slice(0, 4).toUpperCase();
      if (verb === "EHLO") return say("250-people.example\r\n250-8BITMIME\r\n250 SMTPUTF8");
      if (verb === "MAIL" || verb === "RSET") fresh();
      if (verb === "MAIL") mail.from = line.match(/<([^>]*)>/)?.[1] ?? "";
      if (verb === "RCPT") mail.rcpt.push(line.match(/<([^>]*)>/)?.[1] ?? "");
      if (verb === "DATA") data = true;
      if (verb === "QUIT") return s.end("221 bye\r\n");
      return say(data ? "354 go on" : "250 ok");
    };
    const content = (line) => {
      if (line !== ".") return mail.lines.push(line.replace(/^\.\./, "."));
      data = false;
      this.mails.push(read(mail));
      return say("250 taken");
    };
    fresh();
    say("220 people.example");
    s.on("error", () => s.destroy());
    s.on("data", (d) => {
      const lines = (rest + d).split("\r\n");
      rest = lines.pop();
      for (const line of lines) data ? content(line) : command(line);
    });
  }

  /** The mails whose text has these words. */
  having(words) {
    return this.mails.filter((m) => m.text.includes(words));
  }

  /** Waits for a mail with these words. */
  async mail(words) {
    await until(() => this.having(words).length > 0, 20_000);
    const [first] = this.having(words);
    if (!first) throw new Error(`no mail says “${words}”; ${this.mails.length} were sent`);
    return first;
  }

  stop() {
    this.server.close();
  }
}

/** What was sent, with its headers unfolded and its encoded parts as text. */
function read({ from, rcpt, lines }) {
  const raw = lines.join("\r\n");
  const end = lines.indexOf("");
  const headers = {};
  for (const l of lines
    .slice(0, end)
    .join("\n")
    .replace(/\n[ \t]+/g, " ")
    .split("\n")) {
    const at = l.indexOf(":");
    headers[l.slice(0, at).toLowerCase()] = l.slice(at + 1).trim();
  }
  const text = decoded(lines.slice(end + 1).join("\n"));
  return { from, rcpt, raw, headers, text };
}

/** Quoted-printable and base64 parts made readable, side by side with what stands around them. */
function decoded(body) {
  const plain = body
    .replace(/=\n/g, "")
    .replace(/(=[0-9A-F]{2})+/g, (x) => Buffer.from(x.replaceAll("=", ""), "hex").toString("utf8"));
  return plain.replace(/(?:^[A-Za-z0-9+/=]{40,}$\n?)+/gm, (x) => Buffer.from(x, "base64").toString("utf8"));
}

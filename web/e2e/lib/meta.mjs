// Meta's side of Instagram: the simulator with its control API, and the business and people on it.
import { spawn } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { until } from "./browser.mjs";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../../..");
const BIN = process.env.E2E_METASIM ?? join(ROOT, "build/metasim");

export class Meta {
  out = "";
  app = { id: "4242", secret: "s3cret-of-the-app", verifyToken: "verify-4242" };

  /** A new simulator on a free port, with an app, a business of one post, and a person. */
  static async start() {
    const m = new Meta();
    m.process = spawn(BIN, ["-addr", "127.0.0.1:0", "-ready"], { stdio: ["ignore", "pipe", "pipe"] });
    const collect = (d) => {
      m.out += d;
    };
    m.process.stdout.on("data", collect);
    m.process.stderr.on("data", collect);
    const line = await until(() => m.out.match(/^\{"addr":"([^"]+)"\}/));
    if (!line) throw new Error(`metasim did not start:\n${m.out}`);
    m.url = `http://${line[1]}`;
    await m.post("apps", { id: m.app.id, name: "Hub", secret: m.app.secret });
    m.shop = await m.post("accounts", {
      username: "moss.and.clay",
      name: "Moss & Clay",
      ig_id: "auto",
      subscribe: ["ig"],
    });
    m.media = (await m.post("media", { business: m.shop.key, caption: "Pots", product: "FEED" })).id;
    return m;
  }

  /** What the hub is told of the app: its ids, its secrets and where the platform's hosts are. */
  get settings() {
    const hosts = {
      graphFacebook: "graph.facebook.com",
      graphInstagram: "graph.instagram.com",
      apiInstagram: "api.instagram.com",
    };
    const pages = { wwwInstagram: "www.instagram.com", wwwFacebook: "www.facebook.com" };
    const at = Object.entries({ ...hosts, ...pages }).map(([name, host]) => [name, `${this.url}/${host}`]);
    const { id, secret, verifyToken } = this.app;
    return {
      appId: id,
      appSecret: secret,
      instagramAppId: id,
      instagramAppSecret: secret,
      verifyToken,
      ...Object.fromEntries(at),
    };
  }

  async call(method, path, body) {
    const r = await fetch(`${this.url}/_sim/${path}`, { method, ...(body ? { body: JSON.stringify(body) } : {}) });
    const got = await r.json();
    if (!r.ok) throw new Error(`metasim: ${method} ${path}: ${r.status} ${JSON.stringify(got)}`);
    return got;
  }

  get(path) {
    return this.call("GET", path);
  }

  post(path, body = {}) {
    return this.call("POST", path, body);
  }

  /** Lets the platform call the hub, which answers its handshake. */
  webhook(hub) {
    return this.post(`apps/${this.app.id}/webhook`, {
      object: "instagram",
      callback_url: `${hub}/hooks/instagram`,
      verify_token: this.app.verifyToken,
      fields: ["messages", "comments", "message_reactions", "messaging_postbacks", "messaging_seen"],
    });
  }

  person(key, name, username) {
    return this.post("people", { key, name, username });
  }

  dm(person, text) {
    return this.post("act", { do: "dm", person, business: this.shop.key, surface: "instagram", text });
  }

  async comment(person, text) {
    return (await this.post("act", { do: "comment", person, business: this.shop.key, media: this.media, text }))
      .comment;
  }

  /** Calls that the hub made, whose bodies have the text in them. */
  async calls(method, path, text = "") {
    const { calls } = await this.get(`calls?method=${method}&path=${encodeURIComponent(path)}`);
    return calls.filter((c) =>
      decodeURIComponent(JSON.stringify([c.body, c.query]).replaceAll("+", " ")).includes(text),
    );
  }

  async stop() {
    const ended = new Promise((resolve) => this.process.once("exit", resolve));
    if (this.process.exitCode === null && this.process.kill()) await ended;
  }
}

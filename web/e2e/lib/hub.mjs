// The real binary on a data folder of its own.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { until } from "./browser.mjs";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../../..");
const BIN = process.env.E2E_BIN ?? join(ROOT, "build/parley");

export function freePort() {
  return new Promise((resolve, reject) => {
    const s = createServer().once("error", reject);
    s.listen(0, "127.0.0.1", () => {
      const { port } = s.address();
      s.close(() => resolve(port));
    });
  });
}

export class Hub {
  out = "";
  data = mkdtempSync(join(tmpdir(), "parley-e2e-"));

  /** A new hub on a free port, ready to be used. `settings` are further ones of the environment. */
  static async start(settings = {}) {
    const h = new Hub();
    h.addr = `127.0.0.1:${await freePort()}`;
    h.url = `http://${h.addr}`;
    h.settings = { PARLEY_BASE_URL: h.url, ...settings };
    await h.up();
    return h;
  }

  env() {
    const own = Object.entries(process.env).filter(([k]) => !k.startsWith("PARLEY_")); // the hub refuses what it does not know
    return { ...Object.fromEntries(own), ...this.settings, PARLEY_ADDR: this.addr, PARLEY_DATA: this.data };
  }

  /** Starts the process, also again after down, on the same address and data. */
  async up() {
    this.process = spawn(BIN, ["serve", "--demo=false"], { env: this.env(), stdio: ["ignore", "pipe", "pipe"] });
    this.ended = new Promise((resolve) => this.process.once("exit", resolve));
    const collect = (d) => {
      this.out += d;
    };
    this.process.stdout.on("data", collect);
    this.process.stderr.on("data", collect);
    const ready = await until(
      () =>
        fetch(`${this.url}/readyz`).then(
          (r) => r.ok,
          () => false,
        ),
      20_000,
    );
    if (!ready) this.process.kill("SIGKILL");
    if (!ready) throw new Error(`the hub did not start:\n${this.out.slice(-4000)}`);
  }

  /** Stops the process; SIGKILL is a crash. */
  async down(signal = "SIGTERM") {
    this.process.kill(signal);
    await this.ended;
  }

  async stop() {
    if (this.process.exitCode === null && this.process.signalCode === null) await this.down();
    rmSync(this.data, { recursive: true, force: true });
  }

  /** The one-time sign-in that a first start prints. */
  async onceLink() {
    const found = await until(() => this.out.match(/https?:\S*\/once#\S+/)?.[0]);
    if (!found) throw new Error(`no one-time sign-in in:\n${this.out.slice(-2000)}`);
    return this.url + found.slice(found.indexOf("/once#"));
  }

  /** Runs another command of the binary on the same data; answers what it printed. */
  command(args, stdin = "") {
    return new Promise((resolve, reject) => {
      const p = spawn(BIN, args, { env: this.env(), stdio: ["pipe", "pipe", "pipe"] });
      let out = "";
      let err = "";
      p.stdout.on("data", (d) => {
        out += d;
      });
      p.stderr.on("data", (d) => {
        err += d;
      });
      p.once("exit", (code) =>
        code === 0 ? resolve(out.trim()) : reject(new Error(`parley ${args.join(" ")}: ${err}`)),
      );
      p.stdin.end(stdin);
    });
  }

  /** Calls the API with the token of an agent, which is made at the first call. */
  async api(method, path, body) {
    this.token ??= (await this.command(["token", "create", "--agent", this.as])).split(/\s+/).pop();
    const headers = { Authorization: `Bearer ${this.token}`, ...(body ? { "Content-Type": "application/json" } : {}) };
    const r = await fetch(this.url + path, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) });
    if (!r.ok) throw new Error(`${method} ${path}: ${r.status} ${await r.text()}`);
    return r.headers.get("content-type")?.includes("json") ? r.json() : Buffer.from(await r.arrayBuffer());
  }

  async agent(email, name, role = "agent") {
    this.as ??= email;
    await this.command(
      ["agent", "create", "--email", email, "--name", name, "--role", role, "--password-stdin"],
      `${PASSWORD}\n`,
    );
  }
}

export const PASSWORD = "correct horse battery staple";

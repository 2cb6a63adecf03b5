// A hub with every written channel, and the far side of each.
import { createHmac, randomBytes } from "node:crypto";
import { launch, person } from "./browser.mjs";
import { freePort, Hub } from "./hub.mjs";
import { Outbox } from "./mail.mjs";
import { Meta } from "./meta.mjs";

export const SUPPORT = "support@halden.example";
export const PRIYA = "priya@halden.example";

export class Rig {
  people = [];
  secret = randomBytes(24).toString("hex");

  /** Starts everything but Instagram's account, which is connected as a person does it. */
  static async start() {
    const r = new Rig();
    try {
      await r.begin();
    } catch (e) {
      await r.stop();
      throw e;
    }
    return r;
  }

  async begin() {
    [this.meta, this.outbox, this.lmtp, this.browser] = await Promise.all([
      Meta.start(),
      Outbox.start(),
      freePort(),
      launch(),
    ]);
    this.hub = await Hub.start({ PARLEY_ALLOW_NETWORKS: "127.0.0.0/8,::1/128" });
    await this.hub.agent(PRIYA, "Priya Nair", "admin");
    await this.hub.api("PATCH", "/api/me", { undo: 0 });
    await this.hub.api("PATCH", "/api/accounts/demo", { settings: { identitySecret: this.secret } });
    await this.hub.api("POST", "/api/accounts", {
      id: "mail",
      channel: "email",
      name: "Halden support",
      settings: this.mailSettings(),
    });
  }

  mailSettings() {
    return {
      address: SUPPORT,
      name: "Halden",
      listen: `127.0.0.1:${this.lmtp}`,
      listenProtocol: "lmtp",
      smtpHost: "127.0.0.1",
      smtpPort: String(this.outbox.port),
      smtpSecurity: "none",
      plus: "on",
      verify: "false",
    };
  }

  async somebody(options) {
    const p = await person(this.browser, options);
    this.people.push(p);
    return p;
  }

  /** What a shop's back end signs for a customer who is signed in there (RFC 7519, HS256). */
  jwt(claims) {
    const part = (x) => Buffer.from(JSON.stringify(x)).toString("base64url");
    const said = `${part({ alg: "HS256", typ: "JWT" })}.${part({ exp: Math.floor(Date.now() / 1000) + 3600, ...claims })}`;
    return `${said}.${createHmac("sha256", this.secret).update(said).digest("base64url")}`;
  }

  async stop() {
    await this.browser?.close();
    await this.hub?.stop();
    await this.meta?.stop();
    this.outbox?.stop();
  }
}

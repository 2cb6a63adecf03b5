// The agent's inbox as a person uses it.
import { PASSWORD } from "./hub.mjs";

export class Inbox {
  constructor(page) {
    this.page = page;
    this.reply = page.getByRole("textbox", { name: "Reply" });
  }

  static async signIn(context, url, email) {
    const page = await context.newPage();
    await page.goto(`${url}/`);
    await page.getByLabel("E-mail").fill(email);
    await page
      .getByLabel(/^Password/)
      .first()
      .fill(PASSWORD);
    await page.getByRole("button", { name: "Sign in" }).click();
    const inbox = new Inbox(page);
    await inbox.list().waitFor();
    return inbox;
  }

  list() {
    return this.page.getByRole("region", { name: "Conversations" });
  }

  /** Goes to every open conversation, whoever it belongs to. */
  async all() {
    const url = new URL(this.page.url());
    await this.page.goto(`${url.origin}/inbox/all`);
    await this.list().waitFor();
  }

  /** Opens the conversation whose row has this text. */
  async open(text) {
    await this.list().getByRole("link").or(this.list().getByRole("row")).filter({ hasText: text }).first().click();
    await this.reply.waitFor();
  }

  thread() {
    return this.page
      .getByRole("log")
      .or(this.page.getByRole("region", { name: "Thread" }))
      .first();
  }

  async shows(text, timeout = 15_000) {
    await this.thread().getByText(text, { exact: true }).first().waitFor({ timeout });
  }

  /** The switch of one way to reach the person, by its whole name; of several, the newest. */
  leg(name) {
    const legs = this.page.getByRole("group", { name: "Ways to reach the person" });
    return legs
      .getByRole("button")
      .filter({ has: this.page.getByText(name, { exact: true }) })
      .last();
  }

  /** Answers by one way. */
  async sendBy(name, text) {
    await this.leg(name).click();
    await this.send(text);
  }

  /** The message that has this text, with everything that belongs to it. */
  message(text) {
    return this.page.getByRole("article").filter({ hasText: text }).last();
  }

  /** Opens what can be done with a message and picks one thing. */
  async act(text, name) {
    await this.message(text).hover();
    await this.message(text).getByRole("button", { name: "What can be done with this message" }).click();
    return this.page.getByRole("menuitem", { name });
  }

  async send(text) {
    await this.reply.fill(text);
    await this.page
      .getByRole("button", { name: /^Send(?! and)/ })
      .first()
      .click();
  }

  /** Which of the texts are on the screen, in the order they stand there; twice if shown twice. */
  async order(texts) {
    const all = await this.thread().innerText();
    return all
      .split("\n")
      .map((l) => l.trim())
      .filter((l) => texts.includes(l));
  }
}

// The customer's widget as a person uses it.

export class Widget {
  constructor(page) {
    this.page = page;
    this.box = page.getByRole("textbox", { name: "Write a message" });
    this.log = page.getByRole("log", { name: "Messages" });
    this.launcher = page.locator("#parley-widget .lau");
  }

  static async visit(context, url, query = "") {
    const page = await context.newPage();
    await page.goto(`${url}/demo/shop${query}`);
    return new Widget(page);
  }

  /** Opens the panel and fills in the form before the chat, if the account has one. */
  async open({ name = "Maya Winter", email = "maya@example.com" } = {}) {
    await this.launcher.click();
    const start = this.page.getByRole("button", { name: "Start chat" });
    await this.box.or(start).first().waitFor();
    if (await start.isVisible()) {
      for (const [label, value] of [
        [/^Name/, name],
        [/^E-mail/, email],
      ]) {
        const field = this.page.getByRole("textbox", { name: label });
        if (await field.count()) await field.fill(value);
      }
      await start.click();
    }
    await this.box.waitFor();
  }

  async write(text) {
    await this.box.fill(text);
    await this.box.press("Enter");
  }

  /** The text of every message on the screen, in order. */
  texts() {
    return this.log.locator(".wm .b").allInnerTexts();
  }

  async shows(text, timeout = 15_000) {
    await this.log.getByText(text, { exact: true }).waitFor({ timeout });
  }
}

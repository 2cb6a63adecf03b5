// Takes pictures of the app beside the mock hub, to be compared with the drawn ones. Usage:
// node scripts/shots.mjs [name …]; pictures land in shots/.
import { fork } from "node:child_process";
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const here = (p) => fileURLToPath(new URL(p, import.meta.url));
const wanted = process.argv.slice(2);
mkdirSync(here("../shots"), { recursive: true });

const now = new Date();
now.setHours(9, 33, 0, 0);
const mock = fork(here("../mock/server.mjs"), {
  env: { ...process.env, PORT: "0", MOCK_NOW: now.toISOString(), MOCK_OPEN: "1" },
});
const port = await new Promise((ok) => mock.once("message", (m) => ok(m.port)));
const base = `http://127.0.0.1:${port}`;
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
});

const DRAFT = { maya: { text: "Of course, we can bring it to Keizersgracht 12.", version: 1 } };

async function shot(name, path, o = {}) {
  if (wanted.length > 0 && !wanted.some((w) => name.includes(w))) return;
  const context = await browser.newContext({
    viewport: { width: o.width ?? 1440, height: o.height ?? 900 },
    colorScheme: o.dark ? "dark" : "light",
    locale: o.zh ? "zh-CN" : "en-GB",
    hasTouch: (o.width ?? 1440) < 500,
  });
  const page = await context.newPage();
  await page.clock.install({ time: now });
  const errors = [];
  page.on("console", (m) => m.type() === "error" && errors.push(m.text()));
  page.on("pageerror", (e) => errors.push(String(e.stack ?? e)));
  await page.addInitScript((d) => localStorage.setItem("parley.drafts.A1", JSON.stringify(d)), DRAFT);
  if (o.out) await page.route("**/api/me", (r) => r.fulfill({ status: 401, json: { title: "Sign in" } }));
  await page.goto(base + path);
  await page.clock.runFor(1200);
  await page.waitForTimeout(500);
  await page.clock.runFor(300);
  if (o.act) {
    await o.act(page);
    await page.waitForTimeout(250);
    await page.clock.runFor(400);
  }
  await page.waitForTimeout(250);
  await page.screenshot({ path: here(`../shots/${name}.png`) });
  if (o.then) await o.then(page);
  for (const e of errors) console.log(`${name}: ${e}`);
  await context.close();
}

await shot("inbox-light", "/inbox/mine/maya");
await shot("inbox-dark", "/inbox/mine/maya", { dark: true });
await shot("inbox-zh", "/inbox/mine/maya", { zh: true });
await shot("written-light", "/inbox/mine/ines", { height: 1240 });
await shot("written-dark", "/inbox/mine/ines", { height: 1240, dark: true });
await shot("written-1024", "/inbox/mine/ines", { width: 1024, height: 1100 });
await shot("written-phone-dark", "/inbox/mine/ines", { width: 390, height: 844, dark: true });
await shot("written-zh", "/inbox/mine/ines", { zh: true, height: 1240 });
await shot("found", "/inbox/mine/ines", {
  act: async (p) => {
    await p.keyboard.press("Control+k");
    await p.waitForTimeout(200);
    await p.keyboard.type("pole");
    await p.clock.runFor(600);
    await p.waitForTimeout(300);
  },
});
await shot("recipients", "/inbox/mine/ines", {
  act: async (p) => {
    await p.getByRole("button", { name: "Change the recipients" }).click();
    await p.waitForTimeout(200);
  },
});
await shot("start-light", "/inbox/mine/ines", { act: (p) => p.keyboard.press("c") });
await shot("start-zh-dark", "/inbox/mine/ines", { zh: true, dark: true, act: (p) => p.keyboard.press("c") });
await shot("connect-light", "/settings/channels/new:email");
await shot("connect-mail", "/settings/channels/mail1");
await shot("app-light", "/settings/channels/app:instagram");
await shot("inbox-tall", "/inbox/mine/maya", { height: 1680 });
await shot("inbox-1024-light", "/inbox/mine/maya", { width: 1024, height: 768 });
await shot("inbox-1024-dark", "/inbox/mine/maya", { width: 1024, height: 768, dark: true });
await shot("inbox-1024-context", "/inbox/mine/maya", { width: 1024, height: 768, act: (p) => p.keyboard.press("o") });
await shot("via", "/inbox/mine/maya", { act: (p) => p.keyboard.press("v") });
await shot("palette-light", "/inbox/mine/maya", { act: (p) => p.keyboard.press("Control+k") });
await shot("palette-dark", "/inbox/mine/maya", { dark: true, act: (p) => p.keyboard.press("Control+k") });
await shot("keys", "/inbox/mine/maya", { act: (p) => p.keyboard.press("?") });
await shot("snooze", "/inbox/mine/maya", { act: (p) => p.keyboard.press("s") });
await shot("assign", "/inbox/mine/maya", { act: (p) => p.keyboard.press("a") });
await shot("note", "/inbox/mine/maya", { act: (p) => p.keyboard.press("n") });
await shot("sent", "/inbox/mine/maya", {
  act: async (p) => {
    await p.getByRole("textbox", { name: "Reply" }).focus();
    await p.keyboard.press("Control+Enter");
    await p.waitForTimeout(300);
    await p.clock.runFor(500);
  },
});
await shot("long", "/inbox/all/long");
await shot("empty", "/inbox/snoozed");
await shot("none", "/inbox/mine");
await shot("phone-list", "/inbox/mine", { width: 390, height: 844 });
await shot("phone-thread-dark", "/inbox/mine/maya", { width: 390, height: 844, dark: true });
await shot("settings-channel-light", "/settings/channels/ig1");
await shot("settings-channel-dark", "/settings/channels/web1", { dark: true });
await shot("settings-agents", "/settings/agents");
await shot("settings-teams", "/settings/teams");
await shot("settings-me", "/settings/me");
await shot("settings-dead", "/settings/dead");
await shot("sign-in-light", "/", { out: true });
await shot("sign-in-dark", "/", { out: true, dark: true });
await shot("settings-dead-dark", "/settings/dead", { dark: true });
await shot("settings-1024-dark", "/settings/channels/web1", { width: 1024, height: 768, dark: true });
await shot("settings-phone-channel", "/settings/channels/web1", { width: 390, height: 844 });
await shot("settings-phone", "/settings/me", { width: 390, height: 844 });

await browser.close();
mock.kill();

// Drives the built app beside the mock hub in a real browser: what unit tests cannot see. Prints one
// line for each check and fails if one fails. CHROMIUM names the browser.
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import axe from "axe-core";
import { chromium } from "playwright-core";

const mock = fork(fileURLToPath(new URL("./server.mjs", import.meta.url)), { env: { ...process.env, PORT: "0" } });
const port = await new Promise((ok) => mock.once("message", (m) => ok(m.port)));
const base = `http://127.0.0.1:${port}`;
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
});
const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, locale: "en-GB" });
const page = await context.newPage();
const errors = [];
page.on("pageerror", (e) => errors.push(String(e.stack ?? e)));
page.on(
  "console",
  (m) => m.type() === "error" && !/401|409|422|WebSocket|ERR_INTERNET_DISCONNECTED/.test(m.text()) && errors.push(m.text()),
);
const say = (conversation, text) => mock.send({ say: { conversation, text } });
let failed = 0;
async function check(name, f) {
  try {
    await f();
    console.log(`ok    ${name}`);
  } catch (e) {
    failed++;
    console.log(`FAIL  ${name}: ${String(e).split("\n").slice(0, 6).join(" | ")}`);
  }
}
const need = (ok, why) => {
  if (!ok) throw new Error(why);
};
const box = () => page.getByRole("textbox", { name: "Reply" });
const log = () => page.getByRole("log");
const bubble = (text) => log().getByText(text, { exact: true });
async function accessible(where) {
  await page.evaluate(axe.source);
  const r = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  need(
    r.violations.length === 0,
    `${where}: ${r.violations
      .map(
        (v) =>
          `${v.id} ${v.nodes
            .slice(0, 3)
            .map((n) => `${n.target.join(" ")} ${n.failureSummary}`)
            .join("; ")}`,
      )
      .join(" || ")}`,
  );
}

await check("sign-in refuses a wrong password in words, then lets in with a code", async () => {
  await page.goto(base);
  await page.getByLabel("E-mail").fill("totp@halden.example");
  await page.getByRole("textbox", { name: "Password" }).fill("wrong");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").getByText("E-mail or password is wrong").waitFor();
  await accessible("sign-in");
  await page.getByRole("textbox", { name: "Password" }).fill("parley");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByLabel("Six digits").fill("123456");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "My inbox" }).waitFor();
});

await check("J opens the next conversation, the URL follows, Esc comes back", async () => {
  await page.getByRole("link", { name: /Tomás/ }).waitFor();
  await page.keyboard.press("j");
  await page.waitForURL(/\/inbox\/mine\/.+/);
  await page.getByRole("heading", { level: 1, name: "Tomás Herrera" }).waitFor();
  await page.keyboard.press("Escape");
  await page.waitForURL(/\/inbox\/mine$/);
});

await check("a message is shown within a frame or two, then queued, sent and read", async () => {
  await page.getByRole("link", { name: /Liam/ }).click();
  await box().fill("The pair is put aside.");
  const ms = await page.evaluate(async () => {
    const el = document.querySelector("textarea");
    el.focus();
    const t0 = performance.now();
    el.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", ctrlKey: true, bubbles: true, cancelable: true }));
    while (![...document.querySelectorAll("article")].some((a) => a.textContent.includes("The pair is put aside."))) {
      if (performance.now() - t0 > 2000) break;
      await new Promise((r) => requestAnimationFrame(r));
    }
    return performance.now() - t0;
  });
  console.log(`      bubble after ${ms.toFixed(1)} ms`);
  need(ms < 120, `${ms} ms`);
  await page.getByText(/Sending to Liam in/).waitFor();
  await log()
    .getByText(/^Read /)
    .last()
    .waitFor({ timeout: 15_000 });
  need((await bubble("The pair is put aside.").count()) === 1, "doubled");
});

await check("Z takes a message back and puts its words into the composer", async () => {
  await box().fill("Wrong words");
  await page.keyboard.press("Control+Enter");
  await page.getByText(/Sending to Liam/).waitFor();
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => document.activeElement?.tagName !== "TEXTAREA");
  await page.keyboard.press("z");
  await page.waitForFunction(() => document.querySelector("textarea")?.value === "Wrong words");
  await page.waitForFunction(() => ![...document.querySelectorAll("article")].some((a) => a.textContent.includes("Wrong words")));
  await box().fill("");
});

await check("a failure shows the provider's words and code, and Retry works", async () => {
  await box().fill("please fail");
  await page.keyboard.press("Control+Enter");
  await log().getByText("Message could not be delivered").waitFor({ timeout: 15_000 });
  await log().getByRole("button", { name: "Retry" }).last().click();
  await page.waitForFunction(
    () => ![...document.querySelectorAll("article")].some((a) => a.textContent.includes("could not be delivered")),
    undefined,
    { timeout: 10_000 },
  );
});

await check("the list holds its order under the pointer and counts what is new", async () => {
  const list = page.getByRole("region", { name: "Conversations" });
  await list.getByRole("link").nth(2).hover();
  const before = await list.getByRole("link").first().textContent();
  say("henk", "One more thing");
  say("un1", "not mine");
  await page.waitForTimeout(500);
  need((await list.getByRole("link").first().textContent()) === before, "the first row moved");
  await page.mouse.move(900, 400);
  await list.getByRole("link", { name: /Henk.*One more thing/s }).waitFor();
});

await check("new messages stick to the end only when one is there", async () => {
  await page.goto(`${base}/inbox/all/long`);
  await bubble(/^10000\./).waitFor();
  say("long", "while at the end");
  await bubble("while at the end").waitFor();
  await page.waitForTimeout(200);
  const scroller = log();
  need(await scroller.evaluate((el) => el.scrollHeight - el.scrollTop - el.clientHeight < 4), "not at the end");
  await scroller.hover();
  await page.mouse.wheel(0, -700);
  await page.waitForTimeout(300);
  const y = await scroller.evaluate((el) => el.scrollHeight - el.scrollTop);
  say("long", "while above");
  await page.getByRole("button", { name: "1 new message" }).waitFor();
  const grown = (await scroller.evaluate((el) => el.scrollHeight - el.scrollTop)) - y;
  need(grown > 0, "it scrolled by itself");
  await page.getByRole("button", { name: "1 new message" }).click();
  await bubble("while above").waitFor();
});

await check("older pages never move what is on screen", async () => {
  const scroller = log();
  let worst = 0;
  for (let i = 0; i < 30; i++) {
    await scroller.hover();
    await page.mouse.wheel(0, -900);
    await page.waitForTimeout(60);
    const jump = await scroller.evaluate(async (el) => {
      const top = el.getBoundingClientRect().top + 200;
      const pick = () => [...el.querySelectorAll("article")].find((a) => a.getBoundingClientRect().top > top);
      const a = pick();
      if (!a) return 0;
      const y0 = a.getBoundingClientRect().top;
      await new Promise((r) => setTimeout(r, 160));
      return a.isConnected ? Math.abs(a.getBoundingClientRect().top - y0) : 0;
    });
    worst = Math.max(worst, jump);
  }
  const count = await page.evaluate(() => document.querySelectorAll("article").length);
  console.log(`      worst jump ${worst.toFixed(1)} px, ${count} bubbles in the page`);
  need(worst <= 2, `jumped ${worst} px`);
  need(count < 80, `${count} bubbles drawn`);
});

await check("10,000 events scroll smoothly", async () => {
  const frames = await log().evaluate(async (el) => {
    const times = [];
    let last = performance.now();
    for (let i = 0; i < 90; i++) {
      el.scrollTop += i % 2 ? 240 : 200;
      await new Promise((r) => requestAnimationFrame(r));
      const now = performance.now();
      times.push(now - last);
      last = now;
    }
    return times.sort((a, b) => a - b);
  });
  console.log(`      frame p50 ${frames[45].toFixed(1)} ms, p95 ${frames[85].toFixed(1)} ms`);
  need(frames[45] < 40, `p50 ${frames[45]} ms`);
});

await check("a cut connection comes back, replays what was missed, and says so only when it lasts", async () => {
  await page.goto(`${base}/inbox/mine/maya`);
  await bubble(/Great! Could you/).waitFor();
  mock.send({ drop: true });
  say("maya", "said while you were away");
  await bubble("said while you were away").waitFor({ timeout: 10_000 });
  need((await bubble("said while you were away").count()) === 1, "doubled");
});

await check("what is written offline waits, and leaves once with the same id", async () => {
  await context.setOffline(true);
  await box().fill("written offline");
  await page.keyboard.press("Control+Enter");
  await bubble("written offline").waitFor();
  await page.getByText(/Offline since/).waitFor({ timeout: 8000 });
  await page.getByText("1 message waits").waitFor();
  await context.setOffline(false);
  await page.getByText("All caught up").waitFor({ timeout: 30_000 });
  await page.getByText("1 message waits").waitFor({ state: "detached", timeout: 30_000 });
  await page.waitForTimeout(1500);
  need((await bubble("written offline").count()) === 1, "doubled or lost");
});

await check("a note goes to colleagues, an attachment that the channel refuses says why", async () => {
  await page.keyboard.press("Escape");
  await page.keyboard.press("n");
  await page.getByRole("textbox", { name: "Note for colleagues" }).fill("@Jonas Weber please look");
  await page.keyboard.press("Control+Enter");
  await log().getByText("please look").waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press("r");
  await page
    .locator('input[type="file"]')
    .setInputFiles({ name: "a.pdf", mimeType: "application/pdf", buffer: Buffer.from("x") });
  await page.getByText("This channel takes no such file").waitFor();
  await page.getByRole("button", { name: "Remove a.pdf" }).click();
});

await check("drafts survive a reload", async () => {
  await box().fill("half a sentence");
  await page.waitForTimeout(900);
  await page.reload();
  await page.waitForFunction(() => document.querySelector("textarea")?.value === "half a sentence");
  await box().fill("");
});

await check("resolve, undo, snooze, assign and the palette work by keys", async () => {
  await page.keyboard.press("Escape");
  await page.keyboard.press("e");
  await page.getByText("Maya Lindqvist resolved").waitFor();
  await page.getByRole("button", { name: "Undo", exact: true }).first().click();
  await page.getByRole("button", { name: "State: Open" }).waitFor();
  await page.keyboard.press("a");
  await page.getByRole("menuitem", { name: /Jonas Weber/ }).click();
  await page.getByRole("button", { name: "Assigned to: Jonas Weber" }).waitFor();
  await page.getByRole("menu").waitFor({ state: "detached" });
  await page.keyboard.press("i");
  await page.getByRole("button", { name: "Assigned to: Priya Nair" }).waitFor();
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox").fill("chlo");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: "Chloé Martin" }).waitFor();
});

await check("merge and its undo", async () => {
  await page.goto(`${base}/inbox/all/maya`);
  await page.getByRole("button", { name: "Merge", exact: true }).click();
  await page.getByText(/Merged with/).waitFor();
  await page.getByRole("complementary", { name: "Person" }).getByRole("button", { name: "Undo" }).click();
  await page.getByText(/Merged with/).waitFor({ state: "detached" });
});

for (const [where, path] of [
  ["inbox", "/inbox/mine/maya"],
  ["channel settings", "/settings/channels/web1"],
  ["agents", "/settings/agents"],
  ["profile", "/settings/me"],
  ["dead letters", "/settings/dead"],
  ["channels", "/settings/channels"],
  ["teams", "/settings/teams"],
]) {
  await check(`axe: ${where}`, async () => {
    for (const scheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
      await page.goto(base + path);
      await page.waitForTimeout(900);
      await accessible(`${where} ${scheme}`);
    }
  });
}

await check("a session that ended asks to sign in again and keeps what was written", async () => {
  await page.goto(`${base}/inbox/mine/maya`);
  await box().fill("kept words");
  await context.clearCookies();
  mock.send({ drop: true });
  await page.getByText("Your session has ended").waitFor({ timeout: 20_000 });
  await page.getByLabel("E-mail").fill("priya@halden.example");
  await page.getByRole("textbox", { name: "Password" }).fill("parley");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForFunction(() => document.querySelector("textarea")?.value === "kept words");
});

await check("a one-time link asks for a password", async () => {
  await page.goto("about:blank");
  await page.goto(`${base}/once#secret`);
  await page.getByRole("textbox", { name: "New password" }).fill("a long sentence");
  need(!page.url().includes("secret"), "the secret stays in the address");
  await page.getByRole("textbox", { name: "The same again" }).fill("a long sentence");
  await page.getByRole("button", { name: "Set password" }).click();
  await page.getByRole("heading", { name: "My inbox" }).waitFor();
});

await check("a stale answer is held back until somebody decides", async () => {
  await page.goto(`${base}/inbox/mine/chloe`);
  await box().waitFor();
  await page.route(
    "**/messages",
    (r) =>
      r.fulfill({
        status: 409,
        contentType: "application/problem+json",
        body: JSON.stringify({ type: "/api/problems/answered-meanwhile", title: "Somebody answered meanwhile", status: 409 }),
      }),
    { times: 1 },
  );
  await box().fill("crossing answer");
  await page.keyboard.press("Control+Enter");
  await log().getByText("Somebody answered meanwhile.").waitFor();
  await page.getByRole("button", { name: "Send anyway" }).click();
  await log()
    .getByText(/^(Sent|Delivered|Read) /)
    .last()
    .waitFor({ timeout: 15_000 });
  need((await bubble("crossing answer").count()) === 1, "doubled");
});

await check("no error in the console", async () => need(errors.length === 0, errors.slice(0, 5).join(" | ")));
await browser.close();
mock.kill();
process.exitCode = failed ? 1 : 0;

// The channels people write on, with the far side of each: one person over comment, direct message,
// mail and chat; what an agent does there; and that the far side has it, once.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Inbox } from "../lib/agent.mjs";
import { axe, until } from "../lib/browser.mjs";
import { deliver, letter } from "../lib/mail.mjs";
import { PRIYA, Rig, SUPPORT } from "../lib/rig.mjs";
import { Widget } from "../lib/widget.mjs";

const MAYA = "maya@example.com";

let rig;
let hub;
let meta;
let inbox;
let page;

before(async () => {
  rig = await Rig.start();
  ({ hub, meta } = rig);
  const priya = await rig.somebody();
  inbox = await Inbox.signIn(priya.context, hub.url, PRIYA);
  page = inbox.page;
});
after(() => rig?.stop());

/** Waits for something that must come true. */
async function comes(what, fn, ms = 20_000) {
  const got = await until(fn, ms);
  assert.ok(got, what);
  return got;
}

const write = (m) => deliver(rig.lmtp, MAYA, SUPPORT, letter({ from: `Maya Winter <${MAYA}>`, to: SUPPORT, ...m }));

describe("connecting Instagram", () => {
  it("the app's settings are entered once, for every account", async () => {
    await page.goto(`${hub.url}/settings/channels`);
    await page.getByRole("button", { name: "Add Instagram" }).click();
    await page.getByRole("button", { name: "Enter them" }).click();
    for (const [name, value] of Object.entries(meta.settings)) await page.locator(`#set-${name}`).fill(value);
    assert.deepEqual(await axe(page), []);
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Saved", { exact: true }).waitFor();
    await page.getByText(`${hub.url}/hooks/instagram`).waitFor();
  });

  it("what comes for an account that is not connected yet is taken, and waits", async () => {
    await meta.webhook(hub.url);
    await meta.person("maya", "Maya Winter", "maya.winter");
    await meta.dm("maya", "Written before you were connected");
    await meta.get("idle?timeout=5s");
    const { deliveries } = await meta.get("deliveries");
    assert.deepEqual(deliveries.map((d) => d.state), ["delivered"]);
    const { conversations } = await hub.api("GET", "/api/conversations?view=all");
    assert.deepEqual(conversations ?? [], []);
  });

  it("signing in on the far side makes the account, and what waited arrives", async () => {
    await page.goto(`${hub.url}/settings/channels/new:instagram`);
    await page.getByRole("button", { name: "Connect with Instagram" }).click();
    await page.getByRole("heading", { name: /asks for access/ }).waitFor();
    await page.getByRole("button", { name: "Allow" }).click();
    await page.getByText(/^Connected: /).waitFor({timeout:5000}).catch(async (e) => { await page.screenshot({path:"/tmp/e2e-run/c.png"}); console.log(page.url(), hub.out.slice(-1500)); throw e; });
    const card = page.getByRole("link", { name: /moss\.and\.clay|Moss & Clay/ });
    await card.getByText("Works", { exact: true }).waitFor({ timeout: 20_000 });
    await card.click();
    await page.getByRole("heading", { level: 2, name: /Works/ }).waitFor();
    assert.deepEqual(await axe(page), []);
    await inbox.all();
    await inbox.open("Written before you were connected");
    await inbox.shows("Written before you were connected");
  });
});

describe("one person over four channels", () => {
  let w;

  it("a comment joins the direct messages of whoever wrote it", async () => {
    await meta.comment("maya", "Do you ship the large pot to Norway?");
    await inbox.shows("Do you ship the large pot to Norway?");
    await page.screenshot({ path: "/tmp/e2e-run/1.png" });
  });

  it("a signed chat and a mail from its address are one person", async () => {
    const who = await rig.somebody();
    const shop = await who.context.newPage();
    await shop.goto(`${hub.url}/demo/signed`);
    await shop.locator("#jwt").fill(rig.jwt({ sub: "customer-7", name: "Maya Winter", email: MAYA }));
    await shop.getByRole("button", { name: "Identify" }).click();
    w = new Widget(shop);
    await w.box.waitFor();
    await w.write("Here I am in the chat");
    await shop.getByText("Delivered").waitFor();
    await inbox.all();
    await inbox.open("Here I am in the chat");
    await write({ subject: "Order 1042", text: "The same question, by mail." });
    await inbox.shows("The same question, by mail.").catch(() => {});
    await page.screenshot({ path: "/tmp/e2e-run/2.png" });
  });

  it("saying an address in a direct message suggests who it is", async () => {
    await meta.dm("maya", `Or write to ${MAYA} if that is easier`);
    await inbox.all();
    await inbox.open("if that is easier");
    await page.getByText("Same person?").waitFor();
    await page.screenshot({ path: "/tmp/e2e-run/3.png" });
  });
});

// The whole way of a message, with browsers at both ends and the real binary between them.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Inbox } from "../lib/agent.mjs";
import { axe, launch, person, until } from "../lib/browser.mjs";
import { Hub } from "../lib/hub.mjs";
import { Widget } from "../lib/widget.mjs";
import { Wire } from "../lib/wire.mjs";

const PRIYA = "priya@halden.example";
const TOM = "tom@halden.example";

let browser;
let hub;
const people = [];
const somebody = async (options) => {
  const p = await person(browser, options);
  people.push(p);
  return p;
};

before(async () => {
  hub = await Hub.start();
  browser = await launch();
  await hub.agent(PRIYA, "Priya Nair", "admin");
  await hub.agent(TOM, "Tom Adeyemi", "admin");
});
after(async () => {
  await browser?.close();
  await hub?.stop();
});

/** A new visitor with the panel open. */
async function visitor(name, url = hub.url) {
  const who = await somebody();
  const w = await Widget.visit(who.context, url);
  await w.open({ name });
  return { ...who, w };
}

async function agent(email, url = hub.url) {
  const who = await somebody();
  const inbox = await Inbox.signIn(who.context, url, email);
  await inbox.all();
  return { ...who, inbox };
}

describe("a visitor and an agent", () => {
  it("the first start's one-time sign-in opens the app", async () => {
    const who = await somebody();
    const page = await who.context.newPage();
    await page.goto(await hub.onceLink());
    await page
      .getByLabel(/password/i)
      .first()
      .waitFor();
  });

  it("talk: written in the widget, seen live in the inbox, answered, seen in the widget", async () => {
    const { inbox } = await agent(PRIYA);
    const { w } = await visitor("Maya Winter");
    await w.write("Is the Ridge 2 pole set sold on its own?");
    await w.page.getByText("Delivered").waitFor();
    await inbox.list().getByText("Is the Ridge 2 pole set sold on its own?").waitFor();
    await inbox.open("Is the Ridge 2 pole set sold on its own?");
    await inbox.shows("Is the Ridge 2 pole set sold on its own?");
    await inbox.send("It is, for 49 euros.");
    await w.shows("It is, for 49 euros.", 20_000); // the undo window is part of it
    await w.page.getByText("Read", { exact: true }).waitFor();
    await inbox.page
      .getByText(/^(Seen|Read)/)
      .first()
      .waitFor();
  });

  it("two agents, one visitor, killed sockets: the screens converge, nothing lost or doubled", async () => {
    const [agents, customers] = [await Wire.to(hub.addr), await Wire.to(hub.addr)];
    const { w } = await visitor("Ines Okoro", customers.url);
    await w.write("v0");
    await w.page.getByText("Delivered").waitFor();
    const a = await agent(PRIYA);
    const b = await agent(TOM, agents.url);
    for (const { inbox } of [a, b]) await inbox.open("v0");
    await b.inbox.shows("v0");
    agents.cut();
    await w.write("v1");
    await a.inbox.shows("v1");
    await a.inbox.send("a1");
    await w.shows("a1", 20_000);
    customers.cut();
    await w.write("v2");
    await a.inbox.send("a2");
    await w.page.getByText("Waiting for connection").waitFor();
    customers.mend();
    await a.inbox.shows("v2", 40_000);
    await w.shows("a2", 40_000);
    agents.mend();
    await b.inbox.shows("v2", 40_000);
    await b.inbox.shows("a2", 40_000);
    await b.inbox.send("b1");
    await w.shows("b1", 20_000);
    await a.inbox.shows("b1");
    const want = ["v0", "v1", "a1", "v2", "a2", "b1"];
    const seen = [await w.texts(), await a.inbox.order(want), await b.inbox.order(want)];
    for (const s of seen) assert.deepEqual([...s].sort(), [...want].sort(), "nothing lost, nothing doubled");
    assert.deepEqual(seen[1], seen[0], "the first agent and the visitor see one order");
    assert.deepEqual(seen[2], seen[0], "the second agent and the visitor see one order");
    agents.stop();
    customers.stop();
  });

  it("the hub stops and starts again: what was written meanwhile arrives once", async () => {
    const { w } = await visitor("Noor Haddad");
    await w.write("before");
    await w.page.getByText("Delivered").waitFor();
    await hub.down("SIGKILL");
    await w.page.getByText("No connection.").waitFor();
    await w.write("while it was down");
    await w.page.getByText("Waiting for connection").waitFor();
    await w.page.reload().catch(() => {}); // the page itself is down, as a shop's would not be
    await hub.up();
    await w.page.goto(`${hub.url}/demo/shop`);
    await w.shows("while it was down");
    await w.page.getByText("Delivered").waitFor({ timeout: 30_000 });
    const { inbox } = await agent(PRIYA);
    await inbox.open("while it was down");
    await inbox.shows("while it was down");
    const want = ["before", "while it was down"];
    assert.deepEqual(await inbox.order(want), want);
    assert.deepEqual(await w.texts(), want);
  });

  it("a restart under an open page: it comes back by itself, in order", async () => {
    const { w } = await visitor("Ola Berg");
    await w.write("one");
    await w.page.getByText("Delivered").waitFor();
    await hub.down();
    await w.write("two");
    await w.write("three");
    await hub.up();
    await until(async () => (await w.page.getByText("Waiting for connection").count()) === 0, 40_000);
    await w.page.getByText("Delivered").waitFor({ timeout: 40_000 });
    assert.deepEqual(await w.texts(), ["one", "two", "three"]);
  });

  it("two tabs: one conversation, one order", async () => {
    const { w, context } = await visitor("Sam Ito");
    await w.write("from the first tab");
    await w.page.getByText("Delivered").waitFor();
    const second = await Widget.visit(context, hub.url);
    await second.open();
    await second.shows("from the first tab");
    await second.write("from the second tab");
    await w.shows("from the second tab");
    const { inbox } = await agent(TOM);
    await inbox.open("from the second tab");
    await inbox.send("to both tabs");
    for (const tab of [w, second]) await tab.shows("to both tabs", 20_000);
    assert.deepEqual(await w.texts(), ["from the first tab", "from the second tab", "to both tabs"]);
    assert.deepEqual(await second.texts(), await w.texts());
  });

  it("a picture goes both ways of looking", async () => {
    const { w } = await visitor("Ada Lind");
    const png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
    await w.page
      .locator("input[type=file]")
      .setInputFiles({ name: "crack.png", mimeType: "image/png", buffer: Buffer.from(png, "base64") });
    await w.page.getByRole("img", { name: "Open picture crack.png" }).waitFor();
    await w.write("This is the crack");
    const { inbox } = await agent(PRIYA);
    await inbox.open("This is the crack");
    await inbox.page
      .getByRole("img", { name: /crack\.png/ })
      .or(inbox.page.getByText("crack.png"))
      .first()
      .waitFor();
  });

  it("a strict page works, and nobody but the hub is asked", async () => {
    const who = await somebody();
    const page = await who.context.newPage();
    await page.goto(`${hub.url}/demo/strict`);
    const w = new Widget(page);
    await w.open({ name: "Strict Page" });
    await w.write("under a strict policy");
    await page.getByText("Delivered").waitFor();
    assert.deepEqual(who.watch.violations, []);
    assert.deepEqual([...who.watch.hosts], [hub.addr]);
    assert.deepEqual(await who.context.cookies(), []);
  });

  it("axe finds nothing in the widget", async () => {
    const { w } = await visitor("Axe Probe");
    await w.write("for axe");
    await w.page.getByText("Delivered").waitFor();
    assert.deepEqual(await axe(w.page), []);
  });

  it("axe finds nothing in the sign-in", async () => {
    const who = await somebody();
    const page = await who.context.newPage();
    await page.goto(`${hub.url}/`);
    await page.getByLabel("E-mail").waitFor();
    assert.deepEqual(await axe(page), []);
  });

  it("axe finds nothing in the inbox", async () => {
    const { inbox } = await agent(PRIYA);
    await inbox.open("for axe");
    await inbox.shows("for axe");
    assert.deepEqual(await axe(inbox.page), []);
  });

  it("no script failed on any page", () => {
    assert.deepEqual(
      people.flatMap((p) => p.watch.errors),
      [],
    );
  });
});

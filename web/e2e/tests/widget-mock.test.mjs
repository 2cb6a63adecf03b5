// The widget in a real browser against the mock hub: what a hub can do to it, and what a visitor can.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { start } from "../../widget/mock/server.mjs";
import { axe, launch, person, until } from "../lib/browser.mjs";
import { Widget } from "../lib/widget.mjs";

let browser;
let hub;
let who;
before(async () => {
  browser = await launch();
});
after(() => browser.close());
beforeEach(async () => {
  hub = await start();
  hub.mock.config.form = [];
  who = await person(browser);
});
afterEach(async () => {
  await who.context.close();
  await hub.stop();
  assert.deepEqual(who.watch.errors, [], "no script failed");
});

const visit = async (query) => {
  const w = await Widget.visit(who.context, hub.url, query);
  await w.open();
  return w;
};
const online = (w) => w.page.getByText("answers in").waitFor();
const received = () => hub.mock.received.map((m) => m.text);

describe("writing", () => {
  it("sends a message once and shows what became of it", async () => {
    const w = await visit();
    await w.write("Is it in stock?");
    await w.page.getByText("Delivered").waitFor();
    hub.mock.say("Yes.");
    await w.page.getByText("Read", { exact: true }).waitFor();
    assert.deepEqual(received(), ["Is it in stock?"]);
  });

  it("keeps a refused message with the reason, and Retry sends it", async () => {
    const w = await visit();
    await online(w);
    hub.mock.refuseNext = { status: 422, title: "No", detail: "Not like this." };
    await w.write("hm");
    await w.page.getByText("Not sent. Not like this.").waitFor();
    await w.page.getByRole("button", { name: "Retry" }).click();
    await w.page.getByText("Delivered").waitFor();
    assert.deepEqual(received(), ["hm"]);
  });

  it("tries again by itself when the hub is busy, in the order of writing", async () => {
    const w = await visit();
    await online(w);
    hub.mock.refuseNext = { status: 503, title: "Busy", retryAfter: 0.3 };
    await w.write("first");
    await w.write("second");
    await until(() => received().length === 2);
    assert.deepEqual(received(), ["first", "second"]);
  });

  it("breaks a line with Shift+Enter and keeps markup as text", async () => {
    const w = await visit();
    await w.box.fill("<b>one</b>");
    await w.box.press("Shift+Enter");
    await w.box.pressSequentially("two https://a.example");
    await w.box.press("Enter");
    await w.page.getByText("Delivered").waitFor();
    assert.deepEqual(received(), ["<b>one</b>\ntwo https://a.example"]);
    const link = w.log.getByRole("link", { name: "https://a.example" });
    assert.match(await link.getAttribute("rel"), /noopener/);
  });

  it("keeps the draft over a reload", async () => {
    const w = await visit();
    await w.box.fill("half a thought");
    await w.page.reload();
    await w.box.waitFor();
    assert.equal(await w.box.inputValue(), "half a thought");
  });

  it("asks the form first, shows what the hub says of it, and lets in", async () => {
    hub.mock.config.form = [{ name: "email", label: "E-mail", kind: "email", required: true }];
    hub.mock.config.formDone = false;
    const w = await Widget.visit(who.context, hub.url);
    await w.launcher.click();
    const field = w.page.getByRole("textbox", { name: "E-mail" });
    await field.fill("nobody@nowhere.invalid");
    hub.mock.refuseForm = "This address takes no mail.";
    await w.page.getByRole("button", { name: "Start chat" }).click();
    await w.page.getByText("This address takes no mail.").waitFor();
    assert.equal(await w.box.count(), 0);
    await field.fill("maya@example.com");
    await w.page.getByRole("button", { name: "Start chat" }).click();
    await w.write("let in");
    await w.page.getByText("Delivered").waitFor();
  });

  it("answers with a button", async () => {
    const w = await visit();
    await online(w);
    hub.mock.say("Which?", { buttons: [{ kind: "reply", title: "My order" }] });
    await w.page.getByRole("button", { name: "My order" }).click();
    await until(() => received().length === 1);
    assert.deepEqual(received(), ["My order"]);
    assert.equal(await w.page.getByRole("button", { name: "My order" }).count(), 0);
  });
});

describe("the line", () => {
  it("keeps what is written without it, over a reload, and sends it once under the same id", async () => {
    const w = await visit();
    await online(w);
    hub.mock.setDown(true);
    await w.page.getByText("No connection.").waitFor();
    await w.write("one");
    await w.write("two");
    await w.page.getByText("Waiting for connection").first().waitFor();
    const ids = await w.page.evaluate(() =>
      Object.keys(localStorage)
        .filter((k) => k.includes(".out."))
        .map((k) => k.split(".").at(-1)),
    );
    await w.page.reload();
    await w.shows("two");
    hub.mock.setDown(false);
    await until(() => received().length === 2, 40_000);
    await w.page.getByText("Delivered").waitFor();
    assert.deepEqual(
      hub.mock.received.map((m) => m.id),
      ids.sort(),
    );
    assert.deepEqual(received(), ["one", "two"]);
    assert.deepEqual(await w.texts(), ["one", "two"]);
  });

  it("sends again under the same id when the answer was lost", async () => {
    const w = await visit();
    await online(w);
    hub.mock.holdAcks = true;
    await w.write("did it arrive?");
    await w.page.getByText("Sending").waitFor();
    hub.mock.holdAcks = false;
    for (const s of hub.mock.sockets) s.terminate();
    await w.page.getByText("Delivered").waitFor();
    assert.deepEqual(received(), ["did it arrive?"]);
  });

  it("catches up with everything said while it was away, once and in order", async () => {
    const w = await visit();
    await online(w);
    hub.mock.setDown(true);
    for (let i = 0; i < 50; i++) hub.mock.say(`n${i}`);
    hub.mock.setDown(false);
    await w.shows("n49", 40_000);
    assert.deepEqual(
      await w.texts(),
      Array.from({ length: 50 }, (_, i) => `n${i}`),
    );
  });

  it("notices a hole by prev and asks again", async () => {
    const w = await visit();
    await online(w);
    const sockets = hub.mock.sockets;
    hub.mock.sockets = new Set(); // this one is lost on the way
    hub.mock.say("lost on the way");
    hub.mock.sockets = sockets;
    hub.mock.say("after it");
    await w.shows("after it");
    assert.deepEqual(await w.texts(), ["lost on the way", "after it"]);
  });

  it("works over HTTP when sockets are blocked", async () => {
    hub.mock.blockSockets = true;
    const w = await visit();
    await w.write("by post");
    await w.page.getByText("Delivered").waitFor();
    hub.mock.say("by post too");
    await w.shows("by post too");
    assert.equal(await w.page.getByText("No connection.").count(), 0);
  });

  it("begins anew when its token is forgotten, and loses nothing unsent", async () => {
    const w = await visit();
    await online(w);
    hub.mock.tokens.clear();
    for (const s of hub.mock.sockets) s.terminate();
    await w.write("still here");
    await until(() => received().length === 1);
    assert.deepEqual(received(), ["still here"]);
  });
});

/** In the page: whether the browser has a file written down. The widget opened its database before. */
function kept() {
  return new Promise((resolve) => {
    const open = indexedDB.open("parley");
    open.onerror = () => resolve(false);
    open.onsuccess = () => {
      const count = open.result.transaction("files").objectStore("files").count();
      count.onerror = () => resolve(false);
      count.onsuccess = () => {
        open.result.close();
        resolve(count.result > 0);
      };
    };
  });
}

describe("files", () => {
  const png = Buffer.from(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
    "base64",
  );

  it("uploads a chosen file and sends it as a message", async () => {
    const w = await visit();
    await w.page.locator("input[type=file]").setInputFiles({ name: "dot.png", mimeType: "image/png", buffer: png });
    await w.page.getByRole("img", { name: "Open picture dot.png" }).waitFor();
    assert.equal(hub.mock.received[0].parts.length, 1);
  });

  it("takes a pasted file", async () => {
    const w = await visit();
    await w.box.evaluate(
      (el, data) => {
        const d = new DataTransfer();
        d.items.add(new File([Uint8Array.from(data)], "pasted.png", { type: "image/png" }));
        el.dispatchEvent(new ClipboardEvent("paste", { clipboardData: d, bubbles: true, cancelable: true }));
      },
      [...png],
    );
    await w.page.getByRole("img", { name: "Open picture pasted.png" }).waitFor();
  });

  it("takes a dropped file", async () => {
    const w = await visit();
    const data = await w.page.evaluateHandle(() => {
      const d = new DataTransfer();
      d.items.add(new File(["hello"], "note.txt", { type: "text/plain" }));
      return d;
    });
    await w.log.dispatchEvent("dragover", { dataTransfer: data });
    await w.log.dispatchEvent("drop", { dataTransfer: data });
    await w.log.getByRole("link", { name: /note\.txt/ }).waitFor();
  });

  it("refuses a file over the limit before sending it", async () => {
    hub.mock.config.limits.file = 10;
    const w = await visit();
    await online(w);
    await w.page
      .locator("input[type=file]")
      .setInputFiles({ name: "big.bin", mimeType: "application/octet-stream", buffer: Buffer.alloc(11) });
    await w.page.getByText(/larger than/).waitFor();
    assert.equal(hub.mock.files.size, 0);
  });

  it("stops an upload", async () => {
    hub.mock.slowUploads = 500;
    const w = await visit();
    await w.page
      .locator("input[type=file]")
      .setInputFiles({ name: "slow.bin", mimeType: "application/octet-stream", buffer: Buffer.alloc(4_000_000) });
    await w.page.getByRole("button", { name: "Stop upload" }).click();
    await w.log.getByText("slow.bin").waitFor({ state: "detached" });
    assert.equal(hub.mock.received.length, 0);
  });

  it("uploads after a reload what waited", async () => {
    const w = await visit();
    await online(w);
    hub.mock.setDown(true);
    await w.page.getByText("No connection.").waitFor();
    await w.page.locator("input[type=file]").setInputFiles({ name: "dot.png", mimeType: "image/png", buffer: png });
    await w.log.getByText("dot.png").waitFor();
    await until(() => w.page.evaluate(kept)); // the browser writes it down in its own time
    await w.page.reload();
    hub.mock.setDown(false);
    await w.page.getByRole("img", { name: "Open picture dot.png" }).waitFor({ timeout: 40_000 });
    assert.deepEqual([...hub.mock.files.values()][0].data, png);
  });
});

describe("reading", () => {
  it("counts what came while it was closed, and reading clears it", async () => {
    const w = await visit();
    await online(w);
    await w.page.keyboard.press("Escape");
    hub.mock.say("one");
    hub.mock.say("two");
    await w.page.getByRole("button", { name: "Open chat, 2 new messages" }).waitFor();
    assert.equal(hub.mock.reads.length, 0);
    await w.launcher.click();
    await until(() => hub.mock.reads.length > 0);
    assert.equal(hub.mock.reads.at(-1), hub.mock.items.at(-1).cursor);
    await w.page.keyboard.press("Escape");
    await w.page.getByRole("button", { name: "Open chat", exact: true }).waitFor();
  });

  it("says 99+ and shows the last message beside the button", async () => {
    const w = await visit();
    await online(w);
    await w.page.keyboard.press("Escape");
    for (let i = 1; i <= 120; i++) hub.mock.say(`n${i}`);
    await w.page.locator(".lau b", { hasText: "99+" }).waitFor();
    await w.page.locator(".tease").getByText("n120").waitFor();
  });

  it("loads earlier messages when scrolled up and keeps its place", async () => {
    for (let i = 0; i < 80; i++) hub.mock.say(`n${i}`);
    const w = await visit();
    await w.shows("n79");
    const top = () => w.log.evaluate((el) => el.scrollTop);
    await w.log.hover();
    await w.page.mouse.wheel(0, -20_000);
    await w.log.getByText("n20", { exact: true }).waitFor({ state: "attached" });
    assert.ok((await top()) > 0, "the place is kept");
    await until(async () => {
      await w.page.mouse.wheel(0, -20_000);
      return (await w.texts()).length === 80;
    });
    assert.deepEqual(
      await w.texts(),
      Array.from({ length: 80 }, (_, i) => `n${i}`),
    );
  });

  it("does not pull the reader down when something new comes", async () => {
    for (let i = 0; i < 40; i++) hub.mock.say(`n${i}`);
    const w = await visit();
    await w.shows("n39");
    await w.log.hover();
    await w.page.mouse.wheel(0, -300);
    await w.page.getByRole("button", { name: "Go to the newest message" }).waitFor();
    hub.mock.say("news");
    await w.page.getByRole("button", { name: "1 new message" }).click();
    await until(() => hub.mock.reads.at(-1) === hub.mock.items.at(-1).cursor);
    assert.equal(hub.mock.reads.at(-1), hub.mock.items.at(-1).cursor);
  });

  it("shows who types, and forgets it", async () => {
    const w = await visit();
    await online(w);
    hub.mock.frame({ type: "typing", on: true, name: "Priya" });
    const dots = w.page.getByRole("status", { name: "Priya is typing" });
    await dots.waitFor();
    await dots.waitFor({ state: "detached", timeout: 8000 });
  });
});

describe("several tabs", () => {
  it("show one conversation in one order, and reading in one clears the other", async () => {
    const a = await visit();
    const b = await Widget.visit(who.context, hub.url);
    await b.open();
    await a.write("from a");
    await b.shows("from a");
    await b.write("from b");
    await a.shows("from b");
    hub.mock.say("to both");
    await a.shows("to both");
    await b.shows("to both");
    assert.deepEqual(await a.texts(), await b.texts());
    assert.equal(hub.mock.tokens.size, 1);
    assert.deepEqual(received(), ["from a", "from b"]);
  });

  it("make one sound together", async () => {
    await who.context.addInitScript(() => {
      window.sounds = 0;
      const start = OscillatorNode.prototype.start;
      OscillatorNode.prototype.start = function (...args) {
        window.sounds++;
        return start.apply(this, args);
      };
    });
    const a = await visit();
    const b = await Widget.visit(who.context, hub.url);
    await b.open();
    for (const w of [a, b]) {
      await online(w);
      await w.page.getByRole("button", { name: "Close" }).first().click();
    }
    hub.mock.say("ping");
    await a.page.locator(".tease").waitFor();
    await b.page.locator(".tease").waitFor();
    const sounds = async () =>
      (await a.page.evaluate(() => window.sounds)) + (await b.page.evaluate(() => window.sounds));
    await until(async () => (await sounds()) > 0);
    await a.page.waitForTimeout(800); // longer than the tabs take to agree
    assert.equal(await sounds(), 2, "two tones of one chime");
  });

  it("a logout in one wipes both", async () => {
    const a = await visit();
    await a.write("private");
    await a.page.getByText("Delivered").waitFor();
    const b = await Widget.visit(who.context, hub.url);
    await b.open();
    await b.shows("private");
    await a.page.evaluate(() => window.Parley.logout());
    await b.log.waitFor({ state: "detached" });
    const left = await b.page.evaluate(() => Object.keys(localStorage).filter((k) => k.startsWith("parley.")));
    assert.deepEqual(left, []);
    await until(() => hub.mock.tokens.size === 0);
    assert.equal(hub.mock.tokens.size, 0);
  });
});

describe("the page around it", () => {
  it("may have the strictest policy and rude styles; nobody else is asked", async () => {
    const page = await who.context.newPage();
    await page.goto(`${hub.url}/demo/strict`);
    const w = new Widget(page);
    await w.open();
    await w.write("hello");
    await page.getByText("Delivered").waitFor();
    assert.deepEqual(who.watch.violations, []);
    assert.deepEqual([...who.watch.hosts], [new URL(hub.url).host]);
    assert.deepEqual(await who.context.cookies(), []);
    assert.equal(await w.box.evaluate((el) => getComputedStyle(el).fontSize), "14px");
  });

  it("may be on another origin than the hub", async () => {
    const html = `<!doctype html><html lang="en"><title>Elsewhere</title><script src="${hub.url}/widget.js" data-account="demo" async></script><body></body></html>`;
    const shop = createServer((_, res) => res.writeHead(200, { "Content-Type": "text/html" }).end(html));
    await new Promise((r) => shop.listen(0, "127.0.0.1", r));
    const page = await who.context.newPage();
    await page.goto(`http://localhost:${shop.address().port}/`);
    const w = new Widget(page);
    await w.open();
    await w.write("from elsewhere");
    await page.getByText("Delivered").waitFor();
    await page
      .locator("input[type=file]")
      .setInputFiles({ name: "note.txt", mimeType: "text/plain", buffer: Buffer.from("hi") });
    await w.log.getByRole("link", { name: /note\.txt/ }).waitFor();
    shop.closeAllConnections();
    shop.close();
  });

  it("is told when its origin is not allowed", async () => {
    const html = `<!doctype html><html lang="en"><title>Elsewhere</title><script src="${hub.url}/widget.js" data-account="demo" async></script><body></body></html>`;
    const shop = createServer((_, res) => res.writeHead(200, { "Content-Type": "text/html" }).end(html));
    await new Promise((r) => shop.listen(0, "127.0.0.1", r));
    hub.mock.onlyOrigin = "https://shop.example";
    const page = await who.context.newPage();
    await page.goto(`http://localhost:${shop.address().port}/`);
    await page.locator("#parley-widget .lau").click();
    await page.getByText("This page may not use this chat.").waitFor();
    shop.closeAllConnections();
    shop.close();
  });

  it("may let only signed-in users write", async () => {
    hub.mock.requireIdentity = true;
    const w = await Widget.visit(who.context, hub.url);
    await w.launcher.click();
    await w.page.getByText("Please sign in on this site first").waitFor();
    assert.equal(await w.box.count(), 0);
    await w.page.evaluate(() => window.Parley.identify("a.b.c"));
    await w.box.waitFor();
    await w.write("signed in");
    await w.page.getByText("Delivered").waitFor();
  });

  it("may refuse storage", async () => {
    await who.context.addInitScript(() => {
      Object.defineProperty(window, "localStorage", {
        get: () => {
          throw new DOMException("no", "SecurityError");
        },
      });
    });
    const w = await visit();
    await w.write("in memory");
    await w.page.getByText("Delivered").waitFor();
  });

  it("may call before the widget is there, and listens", async () => {
    await who.context.addInitScript(() => {
      window.heard = [];
      window.Parley = [
        ["on", "open", () => window.heard.push("open")],
        ["on", "unread", (n) => window.heard.push(n)],
        ["open"],
      ];
    });
    const w = await Widget.visit(who.context, hub.url);
    await w.box.waitFor();
    assert.ok((await w.page.evaluate(() => window.heard)).includes("open"));
    await w.page.evaluate(() => window.Parley.close());
    await w.box.waitFor({ state: "detached" });
    hub.mock.say("psst");
    await until(async () => (await w.page.evaluate(() => window.heard)).includes(1));
    assert.ok((await w.page.evaluate(() => window.heard)).includes(1));
  });

  it("can go to the page cache and come back", async () => {
    const w = await visit();
    await online(w);
    await w.page.evaluate(() => dispatchEvent(new PageTransitionEvent("pagehide", { persisted: true })));
    await until(() => hub.mock.sockets.size === 0);
    assert.equal(hub.mock.sockets.size, 0);
    hub.mock.say("meanwhile");
    await w.page.evaluate(() => dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true })));
    await w.shows("meanwhile");
  });

  it("costs a first view nothing but the loader", async () => {
    const page = await who.context.newPage();
    const asked = [];
    page.on("request", (r) => asked.push(new URL(r.url()).pathname));
    await page.goto(`${hub.url}/demo/shop`);
    await page.locator("#parley-widget .lau").waitFor();
    assert.deepEqual(
      asked.filter((p) => p.startsWith("/c/") || p.startsWith("/w/")),
      [],
    );
  });
});

describe("for everybody", () => {
  for (const theme of ["light", "dark"])
    it(`has no fault that axe finds, ${theme}`, async () => {
      hub.mock.config.form = [{ name: "email", label: "E-mail", kind: "email" }];
      const w = await Widget.visit(who.context, hub.url, `?theme=${theme}`);
      await w.launcher.click();
      await w.page.getByRole("button", { name: "Skip" }).waitFor();
      assert.deepEqual(await axe(w.page), []);
      await w.page.getByRole("button", { name: "Skip" }).click();
      await w.write("Hello");
      await w.page.getByText("Delivered").waitFor();
      hub.mock.say("Which?", { buttons: [{ kind: "reply", title: "My order" }] });
      await w.page.getByRole("button", { name: "My order" }).waitFor();
      hub.mock.setDown(true);
      await w.page.getByText("No connection.").waitFor();
      await w.write("waiting");
      assert.deepEqual(await axe(w.page), []);
      await w.page.getByRole("button", { name: "More" }).click();
      await w.page.getByRole("menu").waitFor();
      assert.deepEqual(await axe(w.page), []);
    });

  it("is used by keyboard: opens, moves in the menu, closes, and gives the focus back", async () => {
    const w = await Widget.visit(who.context, hub.url);
    await w.launcher.focus();
    await w.page.keyboard.press("Enter");
    await w.box.waitFor();
    await until(() => w.box.evaluate((el) => el.getRootNode().activeElement === el));
    await w.page.getByRole("button", { name: "More" }).press("Enter");
    await w.page.keyboard.press("ArrowDown");
    await w.page.keyboard.press("Escape");
    await w.page.getByRole("menu").waitFor({ state: "detached" });
    await w.page.keyboard.press("Escape");
    await w.log.waitFor({ state: "detached" });
    assert.ok(await w.launcher.evaluate((el) => el.getRootNode().activeElement === el));
  });

  it("keeps Tab inside on a phone, where targets are large enough for a finger", async () => {
    const phone = await person(browser, { viewport: { width: 390, height: 700 }, hasTouch: true, isMobile: true });
    const w = await Widget.visit(phone.context, hub.url);
    await w.launcher.tap();
    await w.box.waitFor();
    await online(w);
    for (let i = 0; i < 12; i++) {
      await w.page.keyboard.press("Tab");
      assert.equal(await w.page.evaluate(() => document.activeElement?.id), "parley-widget");
    }
    const small = await w.page.evaluate(() => {
      const root = document.querySelector("#parley-widget").shadowRoot;
      return [...root.querySelectorAll(".wg button, .wg a")].flatMap((el) => {
        const r = el.getBoundingClientRect();
        const a = getComputedStyle(el, "::after");
        const grow = a.content === "none" ? 0 : -2 * Number.parseFloat(a.top || "0");
        return r.height + grow < 43.5 ? [`${el.getAttribute("aria-label") ?? el.textContent} ${r.height}+${grow}`] : [];
      });
    });
    assert.deepEqual(small, []);
    await phone.context.close();
  });

  it("reads from right to left with the page", async () => {
    await who.context.addInitScript(() => {
      const turn = () => {
        if (document.documentElement) document.documentElement.dir = "rtl";
      };
      new MutationObserver(turn).observe(document, { childList: true });
    });
    const w = await visit();
    const x = await w.launcher.evaluate((el) => el.getBoundingClientRect().x);
    assert.ok(x < 100, `the button stands at the left: ${x}`);
    await w.write("مرحبا");
    await w.page.getByText("Delivered").waitFor();
    const bubble = await w.log.locator(".wm.me .b").boundingBox();
    const log = await w.log.boundingBox();
    assert.ok(bubble.x - log.x < 40, "mine stand at the end, which is left");
  });

  it("stands still for those who asked for it", async () => {
    const w = await visit();
    await online(w);
    hub.mock.frame({ type: "typing", on: true, name: "Priya" });
    await w.page.getByRole("status", { name: "Priya is typing" }).waitFor();
    assert.equal(
      await w.page
        .locator(".wt i")
        .first()
        .evaluate((el) => getComputedStyle(el).animationName),
      "none",
    );
  });
});

// The channels people write on, with the far side of each: one person over comment, direct message,
// mail and chat; what an agent does there; and that the far side has it, once.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { Inbox } from "../lib/agent.mjs";
import { axe, until } from "../lib/browser.mjs";
import { deliver, letter, messageID } from "../lib/mail.mjs";
import { Elsewhere, PNG } from "../lib/pictures.mjs";
import { PRIYA, Rig, SUPPORT } from "../lib/rig.mjs";
import { Widget } from "../lib/widget.mjs";
import { unzip } from "../lib/zip.mjs";

const MAYA = "maya@example.com";
const [ORDER, INVOICE] = [messageID(), messageID()];

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

/** Has a picture come, and is it drawn? */
const drawn = (img) => img.evaluate((x) => x.complete && x.naturalWidth > 0);

const write = (m) => deliver(rig.lmtp, MAYA, SUPPORT, letter({ from: `Maya Winter <${MAYA}>`, to: SUPPORT, ...m }));

describe("connecting Instagram", () => {
  it("the app's settings are entered once, for every account", async () => {
    await page.goto(`${hub.url}/settings/channels`);
    await page.getByRole("button", { name: "Add Instagram" }).click();
    await page.getByRole("button", { name: "Enter them" }).click();
    await page.getByText(/\d more settings?$/).click();
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
    assert.deepEqual(
      deliveries.map((d) => d.state),
      ["delivered"],
    );
    const { conversations } = await hub.api("GET", "/api/conversations?view=all");
    assert.deepEqual(conversations ?? [], []);
  });

  it("signing in on the far side makes the account, and what waited arrives", async () => {
    await page.goto(`${hub.url}/settings/channels/new:instagram`);
    await page.getByRole("button", { name: "Connect with Instagram" }).click();
    await page.getByRole("heading", { name: /asks for access/ }).waitFor();
    await page.getByRole("button", { name: "Allow" }).click();
    await page.getByText(/^Connected: /).waitFor();
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
  let asked;

  it("a comment joins the direct messages of whoever wrote it", async () => {
    asked = await meta.comment("maya", "Do you ship the large pot to Norway?");
    await inbox.shows("Do you ship the large pot to Norway?");
    await inbox.leg("Instagram · Comment").waitFor();
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
    await write({ subject: "Order 1042", text: "The same question, by mail.", id: ORDER });
    await inbox.shows("The same question, by mail.");
  });

  it("saying an address suggests who it is, with the reason; merged, it is one conversation", async () => {
    await meta.dm("maya", `Or write to ${MAYA} if that is easier`);
    await inbox.all();
    await inbox.open("if that is easier");
    await page.getByText(`Same e-mail: ${MAYA} (they wrote it)`).waitFor();
    await w.write("It is me again"); // the conversation of the last words goes on
    await inbox.list().getByText("It is me again").waitFor();
    await page.getByRole("button", { name: "Merge", exact: true }).click();
    await comes("the question is answered", async () => (await page.getByText("Same person?").count()) === 0);
    await inbox.open("It is me again");
    await page.getByText("Merged with Maya Winter").waitFor();
    for (const leg of ["Web chat", "E-mail", "Instagram", "Instagram · Comment"]) await inbox.leg(leg).waitFor();
  });

  it("whatever they write on any of them comes into that conversation from then on", async () => {
    asked = await meta.comment("maya", "And to Sweden?");
    await meta.dm("maya", "I mean the big one");
    await write({
      subject: "Order 1042",
      text: "With an invoice, please.",
      id: INVOICE,
      headers: { "In-Reply-To": ORDER, References: ORDER },
    });
    await w.write("Are you there?");
    for (const text of ["And to Sweden?", "I mean the big one", "With an invoice, please.", "Are you there?"])
      await inbox.shows(text);
  });

  it("an answer leaves by the way that was chosen, and arrives there once", async () => {
    await inbox.sendBy("Instagram · Comment", "We do, twice a week.");
    await inbox.sendBy("Instagram", "Your parcel leaves on Monday.");
    await inbox.sendBy("E-mail", "The invoice goes with it.");
    await inbox.sendBy("Web chat", "Anything else?");
    await w.shows("Anything else?", 20_000);
    const mail = await rig.outbox.mail("The invoice goes with it.");
    await meta.get("idle?timeout=5s");
    await comes(
      "the reply is below the comment",
      async () => (await meta.calls("POST", "/replies", "twice a week")).length,
    );
    await comes("the direct message", async () => (await meta.calls("POST", "/messages", "leaves on Monday")).length);
    for (const text of [
      "We do, twice a week.",
      "Your parcel leaves on Monday.",
      "The invoice goes with it.",
      "Anything else?",
    ])
      await inbox
        .message(text)
        .getByText(/^(Sent|Delivered|Read)/)
        .first()
        .waitFor();
    const replies = await meta.calls("POST", "/replies", "twice a week");
    assert.deepEqual(
      replies.map((c) => [c.path, c.status]),
      [[`/${asked}/replies`, 200]],
    );
    await meta.post("expect", {
      no_unimplemented: true,
      messages: [{ person: "maya", from: "business", contains: "Your parcel leaves on Monday.", count: 1 }],
    });
    assert.deepEqual(mail.rcpt, [MAYA]);
    assert.match(mail.headers.to, new RegExp(MAYA));
    assert.equal(mail.headers["in-reply-to"], INVOICE);
    assert.equal(mail.headers.references, `${ORDER} ${INVOICE}`);
    assert.match(mail.headers.subject, /^Re: Order 1042$/);
    assert.equal(rig.outbox.having("The invoice goes with it.").length, 1);
    assert.deepEqual(await w.texts(), ["Here I am in the chat", "It is me again", "Are you there?", "Anything else?"]);
  });

  it("a hidden copy goes out, and no mail tells of it", async () => {
    await inbox.leg("E-mail").click();
    await page.getByTitle("Change the recipients").click();
    await page.getByLabel("Bcc").fill("ledger@halden.example");
    await inbox.send("With a copy to our books.");
    const told = await comes("both get it", async () => {
      const all = rig.outbox.having("With a copy to our books.");
      return all.flatMap((m) => m.rcpt).length === 2 && all;
    });
    assert.deepEqual(told.flatMap((m) => m.rcpt).sort(), ["ledger@halden.example", MAYA]);
    for (const m of told) assert.doesNotMatch(m.raw, /ledger@|^bcc:/im);
  });
});

describe("comments", () => {
  it("a comment opens one private answer, which is told and used up", async () => {
    await meta.person("ben", "Ben Okafor", "ben.okafor");
    await meta.comment("ben", "Is the glaze food safe?");
    await inbox.open("Is the glaze food safe?");
    await inbox
      .leg("Instagram")
      .getByText(/Private answer to the comment/)
      .waitFor();
    await inbox.sendBy("Instagram", "It is; here is the certificate.");
    await inbox
      .message("here is the certificate")
      .getByText(/^(Sent|Read)/)
      .first()
      .waitFor();
    const [call] = await meta.calls("POST", "/messages", "here is the certificate");
    assert.match(JSON.stringify(call.body), /comment_id/);
    await inbox.leg("Instagram").getByText("used", { exact: true }).waitFor();
  });

  it("a comment is hidden there and here, and shown again", async () => {
    const id = await meta.comment("ben", "Buy cheap pots at pots.example");
    await inbox.shows("Buy cheap pots at pots.example").catch(() => {});
    await (await inbox.act("Buy cheap pots", "Hide from others")).click();
    await inbox
      .message("Buy cheap pots")
      .getByText(/hidden from others by Priya Nair/)
      .waitFor();
    const hidden = async () => (await meta.calls("POST", `/${id}`, "hide")).map((c) => c.status);
    assert.deepEqual(await hidden(), [200]);
    await (await inbox.act("Buy cheap pots", "Show to others again")).click();
    await comes("it is shown again", async () => (await hidden()).length === 2);
    await inbox
      .message("Buy cheap pots")
      .getByText(/hidden from others/)
      .waitFor({ state: "hidden" });
  });
});

describe("mail", () => {
  const HTML = (picture) => `<div style="background:#fff4e0"><h1>Broken pot</h1><p>It came like this.</p>
    <img src="cid:crack@1" alt="the crack"><img src="${picture}/logo.png" alt="a logo">
    <script>window.ran = 1; parent.ran = 1;</script><img src="x" onerror="parent.ran = 1" alt="nothing">
    </div><div class="gmail_quote"><div class="gmail_attr">On Mon, 2 Mar 2026 at 09:00, Halden &lt;${SUPPORT}&gt; wrote:<br></div>
    <blockquote class="gmail_quote"><p>Your parcel is on its way.</p><p>Kind regards</p></blockquote></div>`;
  let elsewhere;
  before(async () => {
    elsewhere = await Elsewhere.start();
  });
  after(() => elsewhere.stop());

  it("HTML is shown in a frame that runs nothing; pictures from elsewhere wait to be asked for", async () => {
    const pictures = [{ cid: "crack@1", name: "crack.png", type: "image/png", base64: PNG }];
    await deliver(
      rig.lmtp,
      "kim@example.com",
      SUPPORT,
      letter({
        from: "Kim Aas <kim@example.com>",
        to: SUPPORT,
        subject: "Re: Broken pot",
        headers: { "In-Reply-To": ORDER }, // only what answers something quotes it
        html: HTML(elsewhere.url),
        pictures,
      }),
    );
    await inbox.open("Broken pot");
    const frame = page.frameLocator('iframe[title="The mail as it came"]');
    await frame.getByText("It came like this.").waitFor();
    await comes("the picture that came along is drawn", () => drawn(frame.getByAltText("the crack")));
    assert.equal(await drawn(frame.getByAltText("a logo")), false);
    assert.deepEqual(elsewhere.asked, []);
    await page.getByText("1 picture from elsewhere is not loaded").waitFor();
    await page.getByRole("button", { name: "Load pictures" }).click();
    await comes("the picture from elsewhere is drawn", () => drawn(frame.getByAltText("a logo")));
    assert.deepEqual(elsewhere.asked, ["/logo.png"]);
    for (const f of page.frames()) assert.equal(await f.evaluate(() => window.ran), undefined);
  });

  it("what was quoted is folded, and the original can be had", async () => {
    assert.equal(await page.getByText("Your parcel is on its way.").isVisible(), false);
    await page.getByRole("button", { name: /^quoted text, / }).click();
    await page.getByText("Your parcel is on its way.").waitFor();
    const original = await inbox.act("quoted text", "Show original");
    const got = await page.request.get(new URL(await original.getAttribute("href"), page.url()).href);
    assert.match(await got.text(), /^Subject: Re: Broken pot\r?$/m);
    await page.keyboard.press("Escape");
  });

  for (const colorScheme of ["light", "dark"]) {
    it(`axe finds nothing in a mail's thread, ${colorScheme}`, async () => {
      await page.emulateMedia({ colorScheme });
      await page.mouse.move(1, 1); // a hint that hangs over the page is no part of it
      await page.locator(".mantine-Tooltip-tooltip").first().waitFor({ state: "hidden" });
      assert.deepEqual(await axe(page), []);
    });
  }

  it("we write first, and the answer comes into the same conversation", async () => {
    await page.keyboard.press("c");
    const dialog = page.getByRole("dialog", { name: "New conversation" });
    await dialog.getByLabel("To", { exact: true }).fill("Noor Haddad <noor@example.org>");
    await dialog.getByLabel("Subject").fill("Your order 2077");
    await dialog.getByLabel("Message").fill("The blue bowl is back in stock.");
    for (const colorScheme of ["dark", "light"]) {
      await page.emulateMedia({ colorScheme });
      assert.deepEqual(await axe(page, ["[role=dialog]"]), []);
    }
    await dialog.getByRole("button", { name: "Send" }).click();
    await inbox.shows("The blue bowl is back in stock.");
    const mail = await rig.outbox.mail("The blue bowl is back in stock.");
    assert.deepEqual([mail.rcpt, mail.headers.subject], [["noor@example.org"], "Your order 2077"]);
    const headers = { "In-Reply-To": mail.headers["message-id"], References: mail.headers["message-id"] };
    const answer = {
      from: "noor@example.org",
      to: SUPPORT,
      subject: "Re: Your order 2077",
      text: "Lovely, one please.",
      headers,
    };
    await deliver(rig.lmtp, "noor@example.org", SUPPORT, letter(answer));
    await inbox.shows("Lovely, one please.");
    assert.deepEqual(await inbox.order(["The blue bowl is back in stock.", "Lovely, one please."]), [
      "The blue bowl is back in stock.",
      "Lovely, one please.",
    ]);
  });

  it("axe finds nothing in Chinese", async () => {
    const zh = await rig.somebody({ locale: "zh-CN", storageState: await page.context().storageState() });
    const second = await zh.context.newPage();
    await second.goto(page.url());
    await second.getByText("Lovely, one please.").first().waitFor();
    assert.match((await second.locator("html").getAttribute("lang")) ?? "", /^zh/);
    assert.deepEqual(await axe(second), []);
    await second.close();
  });
});

describe("a person's data", () => {
  it("an export has who they are and what they said", async () => {
    await inbox.all();
    await inbox.open("Maya Winter");
    await page.getByRole("button", { name: "What can be done with this person" }).click();
    const [saved] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("menuitem", { name: "Export all data" }).click(),
    ]);
    const files = unzip(readFileSync(await saved.path()));
    const person = files.get("person.json").toString();
    for (const word of [MAYA, "Maya Winter", "maya.winter"]) assert.match(person, new RegExp(word));
    const talk = [...files].filter(([name]) => name.startsWith("conversations/")).map(([, b]) => b.toString());
    const words = ["Here I am in the chat", "The same question, by mail.", "Do you ship the large pot to Norway?"];
    for (const word of words)
      assert.ok(
        talk.some((t) => t.includes(word)),
        word,
      );
  });

  it("erased, their words leave the screen and the record", async () => {
    const id = page.url().split("/").pop();
    await page.getByRole("button", { name: "What can be done with this person" }).click();
    await page.getByRole("menuitem", { name: "Erase this person …" }).click();
    await page.getByLabel(/to confirm/).fill("Maya Winter");
    await page.getByRole("button", { name: "Erase for good" }).click();
    await page.getByText("Erased", { exact: true }).first().waitFor();
    const words = [
      "Here I am in the chat",
      "The same question, by mail.",
      "Do you ship the large pot to Norway?",
      MAYA,
    ];
    const left = async () => {
      const told = JSON.stringify([
        await hub.api("GET", `/api/conversations/${id}`),
        await hub.api("GET", `/api/conversations/${id}/events`),
      ]);
      return words.filter((x) => told.includes(x));
    };
    await until(async () => (await left()).length === 0);
    assert.deepEqual(await left(), []);
    for (const word of words) await page.getByText(word).first().waitFor({ state: "hidden" });
  });
});

it("the far side's refusal is told in its words: the window there is over", async () => {
  await meta.person("ola", "Ola Berg", "ola.berg");
  await meta.dm("ola", "Are you open on Sunday?");
  await inbox.all();
  await inbox.open("Are you open on Sunday?");
  await meta.post("clock", { advance: "25h" });
  await inbox.send("We are, from ten.");
  await inbox.message("We are, from ten.").getByText("Not delivered.").waitFor({ timeout: 30_000 });
});

it("no script failed on any page", () => {
  assert.deepEqual(
    rig.people.flatMap((p) => p.watch.errors),
    [],
  );
});

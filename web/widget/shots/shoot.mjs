// Takes pictures of the widget in its states, against the mock hub. Usage: node shots/shoot.mjs [folder]
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { start } from "../mock/server.mjs";

const HERE = dirname(fileURLToPath(import.meta.url));
const OUT = process.argv[2] ?? join(HERE, "../../../build/screens");
const ARGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"];
mkdirSync(OUT, { recursive: true });

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ARGS });

/** One state: a fresh hub, a fresh visitor. */
async function shot(name, { size = [390, 700], query = "", setup = () => {}, act = () => {}, locale = "en-GB" }) {
  const hub = await start();
  setup(hub.mock);
  const page = await browser.newPage({
    viewport: { width: size[0], height: size[1] },
    locale,
    reducedMotion: "reduce",
  });
  page.on("pageerror", (e) => console.error(`${name}: ${e.message}`));
  page.on("console", (m) => m.type() === "error" && console.error(`${name}: ${m.text()}`));
  await page.goto(`${hub.url}/demo/shop${query}`);
  await act(page, hub.mock);
  await page.waitForTimeout(300);
  await page.screenshot({ path: join(OUT, `${name}.png`) });
  await page.close();
  await hub.stop();
  console.log(name);
}

const open = (page) => page.getByRole("button", { name: /Open chat|打开聊天/ }).click();
const write = async (page, text) => {
  await page.getByRole("textbox", { name: /Write a message|输入消息/ }).fill(text);
  await page.keyboard.press("Enter");
};

/** The conversation of the drawn picture. */
async function talk(page, mock) {
  await open(page);
  await page.getByRole("textbox", { name: "Write a message" }).waitFor();
  await write(page, "Is the Ridge 2 pole set sold on its own? One of mine cracked.");
  await page.getByText("Delivered").waitFor();
  const buttons = ["Send a photo", "Talk to a person", "My order"].map((title) => ({ kind: "reply", title }));
  mock.say("It is under warranty, so it costs you nothing. May I see the crack?", {
    actor: { kind: "assistant", name: "Assistant" },
    buttons,
  });
  await page.getByText("Assistant, not a person").waitFor();
}

async function upload(page) {
  const png = await page.evaluate(async () => {
    const c = new OffscreenCanvas(240, 160);
    const x = c.getContext("2d");
    x.fillStyle = "#3a5230";
    x.fillRect(0, 0, 240, 160);
    x.fillStyle = "#c2c6ca";
    x.fillRect(0, 70, 240, 20);
    return [...new Uint8Array(await (await c.convertToBlob()).arrayBuffer())];
  });
  const body = Buffer.concat([Buffer.from(png), Buffer.alloc(2_100_000 - png.length)]);
  await page.locator("input[type=file]").setInputFiles({ name: "pole-crack.jpg", mimeType: "image/png", buffer: body });
}

for (const theme of ["light", "dark"]) {
  const query = `?theme=${theme}`;
  await shot(`widget-${theme}`, {
    query,
    setup: (m) => {
      m.slowUploads = 400;
    },
    act: async (page, mock) => {
      await talk(page, mock);
      await upload(page);
      mock.frame({ type: "typing", on: true, name: "Priya" });
      await page.waitForTimeout(1200);
    },
  });
  await shot(`widget-offline-${theme}`, {
    query,
    act: async (page, mock) => {
      await talk(page, mock);
      await page.context().setOffline(true);
      await page.getByText("No connection.").waitFor();
      await upload(page);
      await write(page, "We leave on Friday morning!");
    },
  });
  await shot(`widget-launcher-${theme}`, {
    query,
    act: async (page, mock) => {
      await open(page);
      await page.getByText("answers in").waitFor();
      await page.keyboard.press("Escape");
      mock.say("Hello Maya, one moment please.");
      await page.waitForTimeout(100);
      mock.say("Your pole set leaves today. Here is the tracking link.");
    },
  });
  await shot(`widget-desktop-${theme}`, {
    size: [1280, 800],
    query,
    setup: (m) =>
      m.say("Good to see you again. Your order left yesterday: https://example.com/track/81.", {
        at: new Date(Date.now() - 86_400_000).toISOString(),
      }),
    act: async (page, mock) => {
      await talk(page, mock);
      mock.refuseNext = { status: 422, title: "Too long", detail: "This shop takes no telephone numbers here." };
      await write(page, "Call me at +49 30 1234567");
      const id = mock.say("Of course. I look it up.");
      mock.change("reaction", id, (m) => {
        m.reactions = [{ by: { kind: "customer", name: "Maya" }, emoji: "👍" }];
      });
      const gone = mock.say("x");
      mock.change("unsend", gone, (m) => {
        m.unsent = new Date().toISOString();
        m.text = "";
      });
    },
  });
}
await shot("widget-zh-light", {
  query: "?theme=light&lang=zh",
  setup: (m) => {
    m.config.greeting = "";
    m.config.replyTime = "3 分钟";
  },
  act: async (page, mock) => {
    await open(page);
    await write(page, "这个帐篷杆可以单独购买吗？");
    await page.getByText("已送达").waitFor();
    mock.say("可以的，保修期内免费更换。");
    await page.getByText("已读").waitFor();
  },
});
await shot("widget-form-light", {
  query: "?theme=light",
  setup: (m) => {
    m.config.color = "#f5b400";
    m.config.form = [
      { name: "name", label: "Name", kind: "text" },
      { name: "email", label: "E-mail", kind: "email", required: true },
    ];
  },
  act: async (page) => {
    await open(page);
    await page.getByRole("button", { name: "Start chat" }).click();
  },
});
await shot("widget-menu-emoji-dark", {
  size: [1280, 800],
  query: "?theme=dark",
  act: async (page) => {
    await open(page);
    await page.getByRole("button", { name: "Emoji" }).click();
  },
});
await browser.close();

// Pictures of the app and the widget over the real binary, to look at. Usage: node screens.mjs [folder]
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Inbox } from "./lib/agent.mjs";
import { launch, person } from "./lib/browser.mjs";
import { Hub } from "./lib/hub.mjs";
import { Widget } from "./lib/widget.mjs";

const OUT = process.argv[2] ?? join(dirname(fileURLToPath(import.meta.url)), "../../build/screens");
mkdirSync(OUT, { recursive: true });
const hub = await Hub.start();
const browser = await launch();
const save = async (page, name) => {
  await page.screenshot({ path: join(OUT, `${name}.png`) });
  console.log(name);
};
try {
  await hub.agent("priya@halden.example", "Priya Nair", "admin");
  for (const theme of ["light", "dark"]) {
    const visitor = await person(browser, { viewport: { width: 390, height: 700 }, colorScheme: theme });
    const w = await Widget.visit(visitor.context, hub.url, `?theme=${theme}`);
    await save(w.page, `hub-launcher-${theme}`);
    await w.open();
    await w.write("Is the Ridge 2 pole set sold on its own? One of mine cracked.");
    await w.page.getByText("Delivered").waitFor();
    const desk = await person(browser, { viewport: { width: 1440, height: 900 }, colorScheme: theme });
    const blank = await desk.context.newPage();
    await blank.goto(`${hub.url}/`);
    await blank.getByLabel("E-mail").waitFor();
    await save(blank, `hub-signin-${theme}`);
    const inbox = await Inbox.signIn(desk.context, hub.url, "priya@halden.example");
    await inbox.all();
    await save(inbox.page, `hub-list-${theme}`);
    await inbox.open("Ridge 2 pole set");
    await inbox.send("It is under warranty, so it costs you nothing. May I see the crack?");
    await w.shows("It is under warranty, so it costs you nothing. May I see the crack?", 20_000);
    await save(w.page, `hub-widget-${theme}`);
    await inbox.page.waitForTimeout(500);
    await save(inbox.page, `hub-inbox-${theme}`);
    await visitor.context.close();
    await desk.context.close();
  }
} finally {
  await browser.close();
  await hub.stop();
}

// The browser that the tests drive, and what every page of them is watched for.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const ARGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"];
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export async function launch() {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ARGS });
  return browser;
}

/** A visitor or an agent with a browser of their own. `watch` collects what must not happen. */
export async function person(browser, options = {}) {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    locale: "en-GB",
    reducedMotion: "reduce",
    ...options,
  });
  context.setDefaultTimeout(15_000);
  const watch = { errors: [], violations: [], hosts: new Set() };
  context.on("request", (r) => watch.hosts.add(new URL(r.url()).host));
  context.on("page", (page) => {
    page.on("pageerror", (e) => watch.errors.push(e.message));
    page.on("console", (m) => /Content Security Policy/i.test(m.text()) && watch.violations.push(m.text()));
  });
  return { context, watch };
}

/** What axe finds in a page, in one line each. Open shadow roots are looked into. */
export async function axe(page, include) {
  await page.evaluate(AXE); // by the debugger: the page's own policy stays as it is
  const found = await page.evaluate(
    (inc) =>
      window.axe.run(inc ? { include: inc } : document, { resultTypes: ["violations"] }).then((r) => r.violations),
    include,
  );
  return found.map(
    (v) =>
      `${v.id}: ${v.nodes.map((n) => `${n.html.slice(0, 160)} ${(n.any[0] ?? n.all[0] ?? n.none[0])?.message ?? ""}`).join(" | ")}`,
  );
}

/** Waits until `fn` answers something true; the last answer when time is up. */
export async function until(fn, ms = 15_000) {
  const end = Date.now() + ms;
  for (;;) {
    const got = await fn();
    if (got || Date.now() > end) return got;
    await new Promise((r) => setTimeout(r, 50));
  }
}

// Builds dist/widget.js (the loader) and dist/w/assets/panel-<hash>.js, and fails when they grow too large.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, watch, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const HERE = dirname(fileURLToPath(import.meta.url));
const DIST = join(HERE, "dist");
const LOADER_MAX = 6_000; // bytes, gzip
const FIRST_VIEW_MAX = 40_000; // bytes, gzip: loader and panel together

/** Style sheets are template strings: what is only there for the reader goes. */
const squeezeCSS = {
  name: "squeeze-css",
  setup(b) {
    b.onLoad({ filter: /styles\.ts$/ }, (args) => ({
      loader: "ts",
      contents: readFileSync(args.path, "utf8").replace(
        /`([\s\S]*)`/,
        (_, css) =>
          `\`${css
            .replace(/\/\*[\s\S]*?\*\//g, "")
            .replace(/\s*\n\s*/g, "")
            .replace(/\s*([{};])\s*/g, "$1")
            .replace(/;}/g, "}")}\``,
      ),
    }));
  },
};

async function bundle(entry, define = {}) {
  const out = await build({
    entryPoints: [join(HERE, entry)],
    absWorkingDir: HERE,
    bundle: true,
    minify: true,
    write: false,
    format: "iife",
    target: ["es2021"],
    jsx: "automatic",
    jsxImportSource: "preact",
    legalComments: "none",
    charset: "utf8",
    plugins: [squeezeCSS],
    define,
  });
  return Buffer.from(out.outputFiles[0].contents);
}

async function run() {
  const panel = await bundle("src/panel/main.tsx");
  const hash = createHash("sha256").update(panel).digest("hex").slice(0, 16);
  const path = `w/assets/panel-${hash}.js`;
  const loader = await bundle("src/loader/loader.ts", { PANEL: JSON.stringify(path) });
  rmSync(join(DIST, "w"), { recursive: true, force: true });
  mkdirSync(join(DIST, "w/assets"), { recursive: true });
  writeFileSync(join(DIST, path), panel);
  writeFileSync(join(DIST, "widget.js"), loader);
  const sizes = { loader: gzipSync(loader, { level: 9 }).length, panel: gzipSync(panel, { level: 9 }).length };
  const first = sizes.loader + sizes.panel;
  const report = { loader_gz: sizes.loader, panel_gz: sizes.panel, first_view_gz: first };
  writeFileSync(join(DIST, ".sizes.json"), `${JSON.stringify(report)}\n`);
  console.log(
    `widget: loader ${sizes.loader} B gz (at most ${LOADER_MAX}), first view ${first} B gz (at most ${FIRST_VIEW_MAX})`,
  );
  return sizes.loader <= LOADER_MAX && first <= FIRST_VIEW_MAX;
}

if (process.argv.includes("--watch")) {
  let timer;
  watch(join(HERE, "src"), { recursive: true }, () => {
    clearTimeout(timer);
    timer = setTimeout(() => run().catch((e) => console.error(e.message)), 50);
  });
  await run();
} else if (!(await run())) {
  console.error("widget: too large; see the limits above");
  process.exit(1);
}

// Prints what a first visit loads, compressed, and fails above the limit.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const LIMIT = 250_000;
const dist = new URL("../dist/", import.meta.url);
const manifest = JSON.parse(readFileSync(new URL(".vite/manifest.json", dist), "utf8"));
const entry = Object.values(manifest).find((c) => c.isEntry);
const seen = new Set();
function walk(chunk, lazy = false) {
  if (!chunk || seen.has(chunk.file)) return;
  seen.add(chunk.file);
  for (const css of chunk.css ?? []) seen.add(css);
  for (const i of chunk.imports ?? []) walk(manifest[i]);
  if (!lazy) for (const i of chunk.dynamicImports ?? []) if (/Inbox/.test(i)) walk(manifest[i], true);
}
walk(entry);
let js = 0;
for (const f of [...seen].sort()) {
  const size = gzipSync(readFileSync(new URL(f, dist)), { level: 9 }).length;
  if (f.endsWith(".js")) js += size;
  console.log(`${(size / 1000).toFixed(1).padStart(7)} kB  ${f}`);
}
console.log(`first load, JavaScript, gzip: ${(js / 1000).toFixed(1)} kB (limit ${LIMIT / 1000} kB)`);
if (js > LIMIT) process.exit(1);

// Channels name their icon ("message-circle"); the app must not know which ones there are. Outline
// icons of these groups are therefore served one by one under /icons/, each a small symbol file.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const tabler = join(dirname(fileURLToPath(import.meta.url)), "../node_modules/@tabler/icons");
const folder = join(tabler, "icons/outline");
const groups = new Set(["Brand", "Communication", "Devices"]);

function symbol(name) {
  const svg = readFileSync(join(folder, `${name}.svg`), "utf8");
  const body = svg.slice(svg.indexOf(">", svg.indexOf("<svg")) + 1, svg.lastIndexOf("</svg>"));
  const paths = body.replace(/<path stroke="none"[^>]*\/>/, "").replace(/\s*\n\s*/g, "");
  return `<svg xmlns="http://www.w3.org/2000/svg"><symbol id="i" viewBox="0 0 24 24">${paths}</symbol></svg>`;
}

function wanted() {
  const all = JSON.parse(readFileSync(join(tabler, "icons.json"), "utf8"));
  return Object.keys(all).filter((n) => groups.has(all[n].category) && existsSync(join(folder, `${n}.svg`)));
}

/** A Vite plugin that serves and emits the channels' icons. */
export function channelIcons() {
  return {
    name: "channel-icons",
    configureServer(server) {
      server.middlewares.use("/icons/", (req, res, next) => {
        const name = /^\/?([a-z0-9-]+)\.svg$/.exec(req.url ?? "")?.[1];
        if (!name) return next();
        try {
          const body = symbol(name);
          res.setHeader("Content-Type", "image/svg+xml");
          res.end(body);
        } catch {
          res.statusCode = 404;
          res.end();
        }
      });
    },
    generateBundle() {
      for (const name of wanted()) this.emitFile({ type: "asset", fileName: `icons/${name}.svg`, source: symbol(name) });
    },
  };
}

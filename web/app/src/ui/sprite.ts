// The channels' icons as symbols of this page. Each file is fetched once; a reference to another file
// would be looked up again for every row that scrolls into sight.
const asked = new Set<string>();
let sheet: SVGSVGElement | undefined;
const SVG = "http://www.w3.org/2000/svg";

/** The reference to an icon; it is drawn as soon as its file is here. */
export function symbol(icon: string): string {
  if (!asked.has(icon) && /^[a-z0-9-]+$/.test(icon)) {
    asked.add(icon);
    void add(icon);
  }
  return `#channel-${icon}`;
}

async function add(icon: string): Promise<void> {
  try {
    const res = await fetch(`/icons/${icon}.svg`);
    if (!res.ok) return;
    const drawn = new DOMParser().parseFromString(await res.text(), "image/svg+xml").querySelector("symbol");
    if (!drawn) return;
    const own = document.importNode(drawn, true);
    own.id = `channel-${icon}`;
    place().append(own);
  } catch {
    asked.delete(icon); // the next glyph asks again
  }
}

function place(): SVGSVGElement {
  if (sheet) return sheet;
  sheet = document.createElementNS(SVG, "svg");
  sheet.setAttribute("width", "0");
  sheet.setAttribute("height", "0");
  sheet.setAttribute("aria-hidden", "true");
  sheet.style.position = "absolute";
  document.body.append(sheet);
  return sheet;
}

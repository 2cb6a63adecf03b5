// What can be told of a mail's HTML without a page: whether it needs a frame of its own, and whether it
// brings its own paper. Pure text work on what the hub has sanitised.

const plain = new Set([
  "p",
  "div",
  "br",
  "span",
  "a",
  "b",
  "i",
  "u",
  "s",
  "strong",
  "em",
  "ul",
  "ol",
  "li",
  "blockquote",
  "pre",
  "code",
]);

/** Does the HTML say more than its text does? Then it is shown as it came. */
export function rich(html: string): boolean {
  for (const m of html.matchAll(/<([a-z][a-z0-9]*)\b([^>]*)>/gi)) {
    const tag = (m[1] ?? "").toLowerCase();
    if (!plain.has(tag)) return true;
    if (/\s(?:bgcolor|background)=|background(?:-color)?\s*:/i.test(m[2] ?? "")) return true;
  }
  return false;
}

/** Does it bring its own ground? Then it is laid on white, also in the dark. */
export function ownPaper(html: string): boolean {
  return /\sbgcolor=|background(?:-color)?\s*:|<table\b|<font\b[^>]*color|[;"\s]color\s*:/i.test(html);
}

/** How many pictures would have to be fetched from elsewhere. */
export function remoteImages(html: string): number {
  return (html.match(/\sdata-remote=/gi) ?? []).length;
}

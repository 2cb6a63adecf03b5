// Finds web and mail addresses in text. Only http, https and mailto become links; everything else stays text.

export interface Piece {
  text: string;
  href?: string;
}

const ADDRESS = /\bhttps?:\/\/[^\s<>"']+|\bwww\.[^\s<>"']+\.[^\s<>"']+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+/gi;
const TRAILING = /[.,;:!?…。，；：！？、)\]}'"]+$/;

export function linkify(text: string): Piece[] {
  const out: Piece[] = [];
  let from = 0;
  for (const m of text.matchAll(ADDRESS)) {
    const shown = trim(m[0]);
    const href = target(shown);
    if (!href) continue;
    if (m.index > from) out.push({ text: text.slice(from, m.index) });
    out.push({ text: shown, href });
    from = m.index + shown.length;
  }
  if (from < text.length) out.push({ text: text.slice(from) });
  return out;
}

/** Leaves out the punctuation behind an address, but not a bracket that it opened. */
function trim(found: string): string {
  const cut = found.replace(TRAILING, "");
  const rest = found.slice(cut.length);
  return rest.startsWith(")") && cut.includes("(") && !cut.includes(")") ? `${cut})` : cut;
}

function target(shown: string): string | undefined {
  if (/^https?:/i.test(shown)) return safeHref(shown);
  if (/^www\./i.test(shown)) return safeHref(`https://${shown}`);
  return `mailto:${shown}`;
}

/** The address if it is one that may be opened, else nothing. */
export function safeHref(url: string): string | undefined {
  try {
    const u = new URL(url);
    return u.protocol === "https:" || u.protocol === "http:" || u.protocol === "mailto:" ? u.href : undefined;
  } catch {
    return undefined;
  }
}

// Cuts a text into plain pieces and links. Only http, https and mailto become links; the address shown
// is the address opened.

export interface Piece {
  text: string;
  href?: string;
}

const found = /\b(?:https?:\/\/[^\s<>"'）】》]+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+)/giu;

export function pieces(text: string): Piece[] {
  const out: Piece[] = [];
  let at = 0;
  for (const m of text.matchAll(found)) {
    let s = m[0].replace(/[.,;:!?，。；：！？]+$/u, "");
    if (s.endsWith(")") && !s.includes("(")) s = s.slice(0, -1);
    const href = safe(s);
    if (!href) continue;
    if (m.index > at) out.push({ text: text.slice(at, m.index) });
    out.push({ text: s, href });
    at = m.index + s.length;
  }
  if (at < text.length) out.push({ text: text.slice(at) });
  return out;
}

/** The address to open, or nothing where it is not one we open. */
export function safe(s: string): string | undefined {
  const raw = /^[^:/]+@/.test(s) ? `mailto:${s}` : s;
  try {
    const u = new URL(raw);
    return ["http:", "https:", "mailto:"].includes(u.protocol) ? u.href : undefined;
  } catch {
    return undefined;
  }
}

// A text cut at what was found in it. Ranges count UTF-16 code units, as strings here do.

export interface Piece {
  text: string;
  found: boolean;
}

const BEFORE = 24;

/** The pieces of a text; a long beginning before the first find is left out. */
export function marked(text: string, ranges: readonly (readonly number[])[]): Piece[] {
  const out: Piece[] = [];
  const sorted = ranges.filter((r) => (r[0] ?? 0) < (r[1] ?? 0)).sort((a, b) => (a[0] ?? 0) - (b[0] ?? 0));
  let at = 0;
  const first = sorted[0]?.[0] ?? 0;
  if (first > BEFORE * 2) {
    const space = text.indexOf(" ", first - BEFORE);
    at = space >= 0 && space < first ? space + 1 : first;
    out.push({ text: "… ", found: false });
  }
  for (const [from = 0, to = 0] of sorted) {
    if (from < at) continue;
    if (from > at) out.push({ text: text.slice(at, from), found: false });
    out.push({ text: text.slice(from, to), found: true });
    at = to;
  }
  if (at < text.length) out.push({ text: text.slice(at), found: false });
  return out;
}

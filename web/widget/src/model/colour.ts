// The brand colour made readable: what stands on it and what is written in it always has the contrast of WCAG AA.

export type Rgb = readonly [number, number, number]; // 0 to 255

export interface Brand {
  accent: string;
  accentHover: string;
  onAccent: string;
  accentText: string;
  accentLine: string;
  focus: string;
}

const WHITE: Rgb = [255, 255, 255];
const BLACK: Rgb = [0, 0, 0];

/** The product's own blue, whose values were chosen by hand. */
export const OWN = "#2b53c6";

const own: Record<"light" | "dark", Brand> = {
  light: {
    accent: "#2b53c6",
    accentHover: "#2447ad",
    onAccent: "#ffffff",
    accentText: "#2447ad",
    accentLine: "#b9c7f2",
    focus: "#2b53c6",
  },
  dark: {
    accent: "#3e63dd",
    accentHover: "#4669df",
    onAccent: "#ffffff",
    accentText: "#a3b8ff",
    accentLine: "#3d4d85",
    focus: "#8aa4ff",
  },
};

const ground: Record<"light" | "dark", { bg: Rgb; sunken: Rgb }> = {
  light: { bg: WHITE, sunken: [243, 242, 239] },
  dark: { bg: [25, 26, 28], sunken: [38, 40, 44] },
};

/** Reads #rgb or #rrggbb; anything else is not a colour. */
export function parseHex(text: string | undefined): Rgb | undefined {
  const m = /^#?([0-9a-f]{3}|[0-9a-f]{6})$/i.exec(text?.trim() ?? "");
  if (!m?.[1]) return undefined;
  const hex = m[1].length === 3 ? [...m[1]].map((c) => c + c).join("") : m[1];
  const at = (i: number) => Number.parseInt(hex.slice(i, i + 2), 16);
  return [at(0), at(2), at(4)];
}

export function toHex(c: Rgb): string {
  return `#${c.map((v) => Math.round(v).toString(16).padStart(2, "0")).join("")}`;
}

function luminance(c: Rgb): number {
  const lin = (v: number) => {
    const s = v / 255;
    return s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * lin(c[0]) + 0.7152 * lin(c[1]) + 0.0722 * lin(c[2]);
}

export function contrast(a: Rgb, b: Rgb): number {
  const [x, y] = [luminance(a) + 0.05, luminance(b) + 0.05];
  return Math.max(x, y) / Math.min(x, y);
}

function mix(a: Rgb, b: Rgb, part: number): Rgb {
  return [0, 1, 2].map((i) => Math.round((a[i] ?? 0) * (1 - part) + (b[i] ?? 0) * part)) as unknown as Rgb;
}

/** The colour moved towards `end` until it has the wanted contrast against every ground. */
function until(c: Rgb, end: Rgb, grounds: readonly Rgb[], wanted: number): Rgb {
  for (let part = 0; part < 1; part += 0.04) {
    const tried = mix(c, end, part);
    if (grounds.every((g) => contrast(tried, g) >= wanted)) return tried;
  }
  return end;
}

/** The colours of a brand in one theme. No or an unreadable colour gives the product's own. */
export function brand(color: string | undefined, theme: "light" | "dark"): Brand {
  const base = parseHex(color);
  if (!base || toHex(base) === OWN) return own[theme];
  const { bg, sunken } = ground[theme];
  const far = theme === "light" ? BLACK : WHITE;
  const accent = theme === "dark" ? until(base, WHITE, [bg], 2) : base;
  const onAccent = contrast(WHITE, accent) >= 4.5 ? WHITE : BLACK;
  const hover = mix(accent, onAccent === WHITE ? BLACK : WHITE, 0.12);
  return {
    accent: toHex(accent),
    accentHover: toHex(hover),
    onAccent: toHex(onAccent),
    accentText: toHex(until(base, far, [bg, sunken], 4.6)),
    accentLine: toHex(mix(accent, bg, 0.55)),
    focus: toHex(until(base, far, [bg], 3)),
  };
}

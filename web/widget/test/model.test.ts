import { describe, expect, it } from "vitest";
import { brand, contrast, parseHex } from "../src/model/colour";
import { linkify } from "../src/model/linkify";
import { badge, dayOf, doneOf, initialsOf, sizeOf } from "../src/model/show";
import { en, stringsFor, zh } from "../src/model/strings";
import { makeUlid } from "../src/model/ulid";

describe("ulid", () => {
  it("sorts by the order of writing, also within a millisecond and when the clock goes back", () => {
    const times = [5, 5, 5, 9, 2, 2];
    const next = makeUlid(
      () => times.shift() ?? 9,
      (n) => new Uint8Array(n).fill(255),
    );
    const ids = [next(), next(), next(), next(), next(), next()];
    expect([...ids].sort()).toEqual(ids);
    expect(new Set(ids).size).toBe(6);
    for (const id of ids) expect(id).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}$/);
  });
});

describe("linkify", () => {
  const cases: [string, string, (string | undefined)[]][] = [
    ["a web address", "see https://a.example/x?y=1.", [undefined, "https://a.example/x?y=1", undefined]],
    ["with brackets of its own", "https://a.example/b_(c)", ["https://a.example/b_(c)"]],
    ["inside of brackets", "(https://a.example/b)", [undefined, "https://a.example/b", undefined]],
    ["www", "www.a.example", ["https://www.a.example/"]],
    ["mail", "to ann@a.example!", [undefined, "mailto:ann@a.example", undefined]],
    ["a script is text", "javascript:alert(1)", [undefined]],
    ["markup is text", "<img src=x onerror=alert(1)>", [undefined]],
    ["nothing", "", []],
  ];
  it.each(cases)("%s", (_, text, hrefs) => {
    const got = linkify(text);
    expect(got.map((p) => p.href)).toEqual(hrefs);
    expect(got.map((p) => p.text).join("")).toBe(text);
  });
});

describe("brand", () => {
  const ground = { light: ["#ffffff", "#f3f2ef"], dark: ["#191a1c", "#26282c"] };
  const rgb = (c: string) => parseHex(c) ?? [0, 0, 0];
  it("is readable for every colour in both themes", () => {
    for (const theme of ["light", "dark"] as const)
      for (let r = 0; r < 256; r += 51)
        for (let g = 0; g < 256; g += 51)
          for (let b = 0; b < 256; b += 51) {
            const hex = `#${[r, g, b].map((v) => v.toString(16).padStart(2, "0")).join("")}`;
            const c = brand(hex, theme);
            expect(contrast(rgb(c.onAccent), rgb(c.accent)), `${hex} on ${theme}`).toBeGreaterThanOrEqual(4.5);
            expect(contrast(rgb(c.onAccent), rgb(c.accentHover)), `${hex} hover ${theme}`).toBeGreaterThanOrEqual(4.5);
            for (const bg of ground[theme])
              expect(contrast(rgb(c.accentText), rgb(bg)), `${hex} text ${theme}`).toBeGreaterThanOrEqual(4.5);
          }
  });
  it.each([undefined, "", "red", "#12", "url(x)"])("%j gives the product's own", (c) => {
    expect(brand(c, "light").accent).toBe("#2b53c6");
  });
});

describe("words", () => {
  it.each([
    ["zh-CN", zh],
    ["zh", zh],
    ["en-GB", en],
    ["de", en],
    ["", en],
  ])("%s", (tag, want) => expect(stringsFor(tag)).toBe(want));
  it("badge", () => expect([badge(1), badge(99), badge(100)]).toEqual(["1", "99", "99+"]));
  it("initials", () => expect(["Priya Nair", "王芳", "a", ""].map(initialsOf)).toEqual(["PN", "王", "A", ""]));
  it("sizes", () => {
    expect([sizeOf(0), sizeOf(900), sizeOf(2_100_000)]).toEqual(["0 kB", "1 kB", "2.1 MB"]);
    expect(doneOf(1_300_000, 2_100_000)).toEqual(["1.3", "2.1 MB"]);
  });
  it("days", () => {
    const now = new Date(2026, 4, 2, 0, 30);
    const day = (d: Date) => dayOf(d.toISOString(), now, "en", en);
    expect(day(new Date(2026, 4, 2, 0, 10))).toBe("Today");
    expect(day(new Date(2026, 4, 1, 23, 50))).toBe("Yesterday");
    expect(day(new Date(2026, 3, 3))).toContain("April");
    expect(day(new Date(2025, 3, 3))).toContain("2025");
  });
});

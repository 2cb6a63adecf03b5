import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { en } from "../lib/words/en";
import { zh } from "../lib/words/zh";

const root = join(import.meta.dirname, "..");
const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter(
  (f) => /\.(ts|tsx|css)$/.test(f) && !f.endsWith(".test.ts"),
);
const text = (f: string) => readFileSync(join(root, f), "utf8");

describe("rules of the code", () => {
  test("no file names a channel: what they are comes from the hub", () => {
    const named = /\b(instagram|messenger|whatsapp|webchat|telegram|tiktok)\b/i;
    expect(files.filter((f) => named.test(text(f)))).toEqual([]);
  });

  test("features do not import one another", () => {
    const wrong = files
      .filter((f) => f.startsWith("features/"))
      .flatMap((f) => {
        const own = f.split("/")[1];
        return [...text(f).matchAll(/from "\.\.\/([a-z]+)\//g)].filter((m) => m[1] !== own).map((m) => `${f} imports ${m[1]}`);
      });
    expect(wrong).toEqual([]);
  });

  test("the model knows no React and no browser library", () => {
    const wrong = files.filter((f) => f.startsWith("model/") && /from "(react|\.\.\/(lib|ui|features|app))/.test(text(f)));
    expect(wrong).toEqual([]);
  });

  test("colours are written in tokens.css only", () => {
    const wrong = files.filter((f) => f.endsWith(".module.css") && /#[0-9a-f]{3,8}\b|rgb\(/i.test(text(f).replace(/#000/g, "")));
    expect(wrong).toEqual([]);
  });

  test("no file of code is longer than 500 lines", () => {
    expect(files.filter((f) => !f.endsWith(".gen.ts") && !f.includes("words/") && text(f).split("\n").length > 500)).toEqual([]);
  });
});

describe("words", () => {
  const names = (v: unknown) => [...JSON.stringify(v).matchAll(/\{(\w+)\}/g)].map((m) => m[1]).sort();
  test("both languages fill in the same values", () => {
    const differ = (Object.keys(en) as (keyof typeof en)[]).filter(
      (k) => [...new Set(names(en[k]))].join() !== [...new Set(names(zh[k]))].join(),
    );
    expect(differ).toEqual([]);
  });
  test("nothing blames, shouts or says oops", () => {
    expect(Object.values(en).filter((v) => /!|oops|something went wrong/i.test(JSON.stringify(v)))).toEqual([]);
  });
});

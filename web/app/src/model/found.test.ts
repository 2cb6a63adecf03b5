import { describe, expect, test } from "vitest";
import { marked } from "./found";

const show = (text: string, ranges: number[][]) =>
  marked(text, ranges)
    .map((p) => (p.found ? `[${p.text}]` : p.text))
    .join("");

describe("marked", () => {
  test.each([
    ["nothing found", "hello", [], "hello"],
    ["one", "a pole broke", [[2, 6]], "a [pole] broke"],
    [
      "several, out of order",
      "pole and pole",
      [
        [9, 13],
        [0, 4],
      ],
      "[pole] and [pole]",
    ],
    [
      "overlapping ones once",
      "abcdef",
      [
        [0, 3],
        [2, 5],
      ],
      "[abc]def",
    ],
    ["Chinese", "想问一下运费", [[4, 6]], "想问一下[运费]"],
    ["an empty range", "abc", [[1, 1]], "abc"],
  ])("%s", (_, text, ranges, want) => expect(show(text as string, ranges as number[][])).toBe(want));

  test("a long beginning is left out at a word", () => {
    const text = `${"word ".repeat(30)}needle here`;
    const got = show(text, [[150, 156]]);
    expect(got.startsWith("… ")).toBe(true);
    expect(got.endsWith("[needle] here")).toBe(true);
    expect(got.length).toBeLessThan(60);
  });
});

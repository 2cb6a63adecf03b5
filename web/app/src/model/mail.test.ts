import { describe, expect, test } from "vitest";
import { ownPaper, remoteImages, rich } from "./mail";

describe("rich", () => {
  test.each([
    ["a short answer", "<p>Thanks,<br>that <b>works</b>.</p>", false],
    ["a list and a link", '<ul><li><a href="https://x.example">x</a></li></ul>', false],
    ["a picture", '<p>See</p><img data-cid="1">', true],
    ["a table", "<table><tr><td>1</td></tr></table>", true],
    ["a heading", "<h1>News</h1>", true],
    ["a coloured ground", '<div style="background:#eee">x</div>', true],
    ["text only", "no tags at all", false],
  ])("%s", (_, html, want) => expect(rich(html)).toBe(want));
});

describe("ownPaper", () => {
  test.each([
    ["plain paragraphs", "<p>Hello</p>", false],
    ["a newsletter", '<table bgcolor="#ffffff"><tr><td>x</td></tr></table>', true],
    ["coloured words", '<span style="color: #333">x</span>', true],
  ])("%s", (_, html, want) => expect(ownPaper(html)).toBe(want));
});

test("remote pictures are counted", () => {
  expect(remoteImages('<img data-remote="https://a.example/1.png"><img data-cid="2"><img data-remote="https://b.example">')).toBe(
    2,
  );
});

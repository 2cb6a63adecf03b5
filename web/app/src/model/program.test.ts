import { expect, test } from "vitest";
import { program } from "./program";

test.each([
  ["Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", { name: "Firefox", system: "Linux" }],
  [
    "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0",
    { name: "Edge", system: "Windows" },
  ],
  [
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Safari/604.1",
    { name: "Safari", system: "iOS" },
  ],
  ["curl/8.5.0", { name: "curl/8.5.0" }],
])("%s", (agent, want) => expect(program(agent)).toEqual(want));

import { expect, it } from "vitest";
import { parseBudget } from "./budget";

it.each([
  ["", null],
  ["  ", null],
  ["8", 8],
  ["2,5", 2.5],
  ["0", "bad"],
  ["-1", "bad"],
  ["lots", "bad"],
  ["Infinity", "bad"],
])("a budget of %j", (text, value) => expect(parseBudget(text)).toBe(value));

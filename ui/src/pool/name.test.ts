import { expect, it } from "vitest";
import { nameFrom } from "./name";

it.each([
  ["/home/you/models/Qwen3-4B-Q4_K_M.gguf", "qwen3-4b"],
  ["/m/model.Q8_0.gguf", "model"],
  ["/m/Q8_0.gguf", "q8-0"],
  ["C:\\Models\\Mistral 7B (instruct).GGUF", "mistral-7b-instruct"],
  ["/x/--.gguf", ""],
  [`/x/${"a".repeat(39)}-b.gguf`, "a".repeat(39)],
])("a name for %s", (path, name) => {
  expect(nameFrom(path)).toBe(name);
});

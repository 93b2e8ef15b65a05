import { expect, it } from "vitest";
import { sentence } from "./sentence";

it.each([
  ["the archive is locked", "The archive is locked."],
  ["It stopped.", "It stopped."],
  ["/models/a.gguf is no GGUF file", "/models/a.gguf is no GGUF file."],
  ["qwen3-4b needs 12 GB", "qwen3-4b needs 12 GB."],
  ["", ""],
])("%j reads as %j", (text, whole) => expect(sentence(text)).toBe(whole));

import { describe, expect, it } from "vitest";
import type { Choice, Model } from "../api/bindings";
import { obstacle, offered } from "./choice";

const choice = (quantisation: string | null, rest: Partial<Choice> = {}): Choice => ({ file: `m-${quantisation}.gguf`, size: 4e9, sha256: null, quantisation, memory_bytes: 5e9, tokens_per_s: null, fits: true, here: false, why_not: null, ...rest });
const model = (files: Choice[], rest: Partial<Model> = {}): Model => ({ repo: "a/b", licence: null, gated: false, downloads: null, architecture: "llama", parameters: null, context_length: null, supported: true, why_not: null, files, ...rest });
const plain = (text: string | null) => text?.replaceAll("\u202f", " ") ?? null;

describe("the file that is offered first", () => {
  it("is the usual balance of size and quality when it fits", () => {
    expect(offered(model([choice("Q2_K"), choice("Q4_K_M"), choice("Q8_0")]))?.quantisation).toBe("Q4_K_M");
  });

  it("is another that fits when the usual one does not", () => {
    expect(offered(model([choice("Q2_K"), choice("Q3_K_M"), choice("Q4_K_M", { fits: false })]))?.quantisation).toBe("Q3_K_M");
    expect(offered(model([choice(null)]))?.file).toBe("m-null.gguf");
  });

  it("is none when nothing can run", () => {
    expect(offered(model([choice("Q4_K_M", { fits: false })]))).toBeNull();
    expect(offered(model([choice("Q4_K_M")], { supported: false }))).toBeNull();
    expect(offered(model([choice("Q4_K_M", { why_not: "it is one piece of several" })]))).toBeNull();
  });
});

describe("what stands in the way", () => {
  it("is said by its first cause", () => {
    const not = { supported: false, why_not: "the architecture is not supported" };
    expect(obstacle(model([], not), choice("Q8_0", { fits: false }), 8e9)).toBe("the architecture is not supported");
    expect(obstacle(model([]), choice("Q8_0", { why_not: "it is one piece of several", fits: false }), 8e9)).toBe("it is one piece of several");
    expect(plain(obstacle(model([]), choice("Q8_0", { fits: false, memory_bytes: 21e9 }), 8e9))).toBe("Needs 21 GB of memory, and an expert may take 8 GB");
  });

  it("is nothing where nothing is known against it", () => {
    expect(obstacle(model([], { supported: null }), choice("Q8_0", { fits: null, memory_bytes: null }), null)).toBeNull();
  });
});

import { describe, expect, it } from "vitest";
import type { Pick } from "../api/bindings";
import { best, byDomain, fits, memoryOf, sizeOf, speedOf } from "./picks";

const pick = (title: string, memory_gb: number, ...domains: string[]): Pick => ({ title, repo: `a/${title}`, file: `${title}.gguf`, domains, memory_gb, why: "", billions: 4, active_billions: null });
const picks = [
  pick("small", 8, "general", "writing"),
  pick("small-code", 8, "code"),
  pick("smaller", 8, "writing", "general"),
  pick("middle", 16, "general"),
  pick("middle-code", 16, "code"),
  pick("large", 32, "reasoning", "general"),
];
const names = (machine: number) => best(picks, machine * 0.6e9).map(({ reason, pick: { title } }) => `${reason} ${title}`);

describe("recommendations", () => {
  it("begin with what fits: the most capable, the quickest, the best at code", () => {
    expect(names(64)).toEqual(["capable large", "quick small", "code middle-code"]);
    expect(names(16)).toEqual(["capable middle", "quick small", "code middle-code"]);
    expect(names(8)).toEqual(["capable small", "quick smaller", "code small-code"]);
    expect(names(4)).toEqual([]);
  });

  it("a machine sold with 16 GB is one of 16 GB, whatever the firmware keeps for itself", () => {
    expect(fits(pick("m", 16), 0.6 * 15.1e9)).toBe(true);
    expect(fits(pick("m", 16), 0.6 * 12e9)).toBe(false);
  });

  it("tell about what they take and how fast they are, of a mixture by what a token reads", () => {
    const four = pick("m", 8);
    expect(sizeOf(four)).toBeCloseTo(2.45e9, -6);
    expect(memoryOf(four)).toBeGreaterThan(sizeOf(four));
    expect(speedOf(four, 24.5e9)).toBeCloseTo(10);
    expect(speedOf({ ...four, active_billions: 1 }, 24.5e9)).toBeCloseTo(40);
  });

  it("come by what each is best at, once", () => {
    const first = best(picks, 0.6 * 64e9).map((one) => one.pick);
    expect(byDomain(picks, first)).toEqual([
      { domain: "code", picks: [picks[1]] },
      { domain: "writing", picks: [picks[2]] },
      { domain: "general", picks: [picks[3]] },
    ]);
  });
});

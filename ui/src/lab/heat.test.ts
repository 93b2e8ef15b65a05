import { describe, expect, it } from "vitest";
import type { ExpertScores, LayerScores } from "../api/bindings";
import { brief, said, shades } from "./heat";

function layer(counts: number[]): LayerScores {
  const experts = counts.map((count, expert): ExpertScores => ({ expert, tokens: count, count, gate: count / 2, norm_mean: 1, norm_sum: count, norm_squared: 1, reap: count / 8, easy_ep: 0, aimer: 0.9 - count / 1000, peak: 1 }));
  return { layer: 0, experts, idle: [], few: [] };
}

describe("the heat map", () => {
  it("is as dark as the part of the layer's largest", () => {
    expect(shades(layer([10, 40, 0]), "count")).toEqual([0.25, 1, 0]);
    expect(shades(layer([0, 0]), "reap"), "nothing was measured").toEqual([0, 0]);
    const [more, less] = shades(layer([100, 0]), "aimer");
    expect(more, "less AIMER is better").toBeGreaterThan(less as number);
  });

  it("says counts as shares of the layer, and the rest in few signs", () => {
    const [first] = layer([10, 190]).experts;
    expect(said(layer([10, 190]), first as ExpertScores, "count")).toContain("5.0");
    expect(said(layer([10, 190]), first as ExpertScores, "reap")).toBe("1.25");
    expect([0, 0.004, 0.05, 3.14159, 31.4159, 314.159, 31415.9].map(brief)).toEqual(["0", "4e-3", "0.05", "3.14", "31.4", "314", "31k"]);
  });
});

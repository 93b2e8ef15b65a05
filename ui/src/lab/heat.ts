//! The figures of a heat map: what a cell shows, how dark it is, and how it reads.

import type { ExpertScores, LayerScores } from "../api/bindings";
import { count, percent } from "../shared/numbers";

export type Measure = "count" | "gate" | "reap" | "easy_ep" | "norm_mean" | "aimer";

export const measures: Measure[] = ["count", "reap", "easy_ep", "norm_mean", "gate", "aimer"];

/** How dark each cell of a layer is, 0 to 1: of the layer's largest. Of AIMER less is better: darker. */
export function shades(layer: LayerScores, measure: Measure): number[] {
  const values = layer.experts.map((one) => (measure === "aimer" ? 1 - one.aimer : one[measure]));
  const most = Math.max(...values);
  return values.map((value) => (most > 0 ? value / most : 0));
}

/** A figure in at most four signs, for a cell. */
export function brief(value: number): string {
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size >= 1e4) return `${Math.round(value / 1e3)}k`;
  if (size >= 100) return value.toFixed(0);
  if (size >= 10) return value.toFixed(1);
  if (size >= 0.01) return value.toFixed(2);
  return value.toExponential(0);
}

/** What the cell says: of counts the share of the layer's choices, else the value. */
export function said(layer: LayerScores, one: ExpertScores, measure: Measure): string {
  if (measure !== "count" && measure !== "gate") return brief(one[measure]);
  const all = layer.experts.reduce((sum, other) => sum + other[measure], 0);
  return all > 0 ? percent(one[measure] / all, one[measure] / all < 0.1 ? 1 : 0) : count(0);
}

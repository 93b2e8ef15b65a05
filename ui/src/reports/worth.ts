//! What a criterion says of an expert, and whether enough was counted to say it.

import type { Criterion, PoolReport, Worth } from "../api/bindings";

export const criteria: Criterion[] = ["performance", "frequency", "combined", "adaptive", "random"];

/** Answers that were judged: rated, or refused and not rated. */
export function judged(worth: Worth): number {
  return worth.rated_up + worth.rated_down + worth.refused;
}

/** How many questions stand behind it; `null` for the control, which counts none. */
export function countOf(worth: Worth, criterion: Criterion, report: PoolReport): number | null {
  const performance = judged(worth) + worth.measured_n;
  if (criterion === "random") return null;
  if (criterion === "performance") return performance;
  if (criterion === "frequency") return report.answers;
  return Math.min(performance, report.answers);
}

/** `null`: too few questions to say. */
export function valueOf(worth: Worth, criterion: Criterion, report: PoolReport): number | null {
  const n = countOf(worth, criterion, report);
  return n !== null && n < report.enough ? null : worth[criterion];
}

/** One word of the verdict, and who takes over. */
export function verdictOf(worth: Worth): { word: "keep" | "retire" | "merge" | "retired"; into: string | null } {
  const { verdict } = worth;
  return typeof verdict === "string" ? { word: verdict, into: null } : { word: "merge", into: verdict.merge.into };
}

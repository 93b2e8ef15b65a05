//! Recommendations in the order that matters here: what fits this machine first.

import type { Pick } from "../api/bindings";

/** The share of a machine's memory that an expert gets when nobody chose another (`seat/governor.rs`). */
const SHARE = 0.6;
/** A machine sold with 16 GB counts a little less or more than 16 × 10^9 bytes. */
const SLACK = 1.1;

/** GB of a machine on which experts have this much memory. */
export function machineGb(budgetBytes: number): number {
  return budgetBytes / SHARE / 1e9;
}

export function fits(pick: Pick, budgetBytes: number): boolean {
  return pick.memory_gb <= machineGb(budgetBytes) * SLACK;
}

/** Bits a weight of Q4_K_M, which every recommendation is. Source: llama.cpp, tools/quantize/README.md. */
const BITS = 4.9;

/** About so many bytes to fetch; the hub knows it exactly when it is asked. */
export function sizeOf(pick: Pick): number {
  return (pick.billions * 1e9 * BITS) / 8;
}

/** About so much memory, as the pool counts a file that nobody has looked into (`pool/choice.rs`). */
export function memoryOf(pick: Pick): number {
  return (sizeOf(pick) * 8) / 7 + 64 * 2 ** 20;
}

/** About so many tokens a second where an expert reads so many bytes of its weights a second: each token reads all of
 *  them, of a mixture those of its active experts. */
export function speedOf(pick: Pick, bytesPerSecond: number): number {
  return bytesPerSecond / ((((pick.active_billions ?? pick.billions) * 1e9) * BITS) / 8);
}

export type Reason = "capable" | "quick" | "code";

/** At most three different ones that fit: the most capable, the quickest, the best at code. */
export function best(picks: Pick[], budgetBytes: number): { reason: Reason; pick: Pick }[] {
  const fitting = picks.filter((pick) => fits(pick, budgetBytes));
  const general = fitting.filter((pick) => pick.domains.includes("general"));
  const most = (list: Pick[]) => list.filter((pick) => pick.memory_gb === Math.max(...list.map((one) => one.memory_gb)))[0];
  const capable = most(general);
  const quick = general
    .filter((pick) => pick !== capable)
    .toSorted((a, b) => a.memory_gb - b.memory_gb)
    .at(0);
  const code = most(fitting.filter((pick) => pick.domains.includes("code")));
  const chosen: [Reason, Pick | undefined][] = [["capable", capable], ["quick", quick], ["code", code]];
  return chosen.flatMap(([reason, pick]) => (pick ? [{ reason, pick }] : []));
}

/** By what each is best at, in the order of the list; those in `without` are left out. */
export function byDomain(picks: Pick[], without: Pick[]): { domain: string; picks: Pick[] }[] {
  const rest = picks.filter((pick) => !without.includes(pick));
  const domains = [...new Set(rest.map((pick) => pick.domains[0] ?? ""))];
  return domains.map((domain) => ({ domain, picks: rest.filter((pick) => (pick.domains[0] ?? "") === domain) }));
}

//! The path of an answer as six steps, each with its state and its own time.

import type { Turn } from "./turn";

export const stepNames = ["read", "retrieve", "route", "seat", "generate", "learn"] as const;
export type StepName = (typeof stepNames)[number];
export type StepState = "waiting" | "active" | "done" | "failed" | "unreached";

export interface Step {
  name: StepName;
  state: StepState;
  /** `null` until it is known. */
  ms: number | null;
}

/** Milliseconds of a step that happened. An answer that ended early carries empty figures for what it never reached. */
function timeOf(turn: Turn, name: StepName): number | null {
  const { seat, generate, learn } = turn;
  if (name === "seat") return seat && seat.expert !== "" ? seat.elapsed_ms : null;
  if (name === "generate") return generate && generate.prompt_tokens + generate.tokens > 0 ? generate.elapsed_ms : null;
  if (name === "learn") return learn && (learn.stored || learn.why_not !== null) ? learn.elapsed_ms : null;
  return turn[name]?.elapsed_ms ?? null;
}

/** The steps in order. Done steps have a figure; the first without one is where the answer is, or where it ended. */
export function pathOf(turn: Turn): Step[] {
  const running = turn.outcome === "running";
  let reached = true;
  return stepNames.map((name) => {
    const ms = timeOf(turn, name);
    if (ms !== null) return { name, state: "done", ms };
    const here = reached;
    reached = false;
    if (turn.outcome === "queued" || (running && !here)) return { name, state: "waiting", ms };
    if (running) return { name, state: "active", ms };
    return { name, state: here && turn.outcome === "failed" ? "failed" : "unreached", ms };
  });
}

/** The step that is going on now, if the answer is under way. */
export function activeStep(turn: Turn): StepName | null {
  return pathOf(turn).find((step) => step.state === "active")?.name ?? null;
}

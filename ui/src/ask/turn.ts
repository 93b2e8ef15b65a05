//! One question with its answer, as the window sees it: built event by event while it happens, or at once from a
//! finished answer. Pure: an event gives a new turn.

import type {
  Advice,
  Answer,
  Block,
  Called,
  Composed,
  Compressed,
  Council,
  Difficulty,
  Draft,
  Failure,
  Generated,
  Learned,
  PassedOver,
  Plan,
  Reading,
  Reasoned,
  Recalled,
  Seat,
  Seated,
  Shown,
  Step,
  StepKind,
} from "../api/bindings";

export type Outcome = "queued" | "running" | "done" | "stopped" | "refused" | "failed";

/** What one expert of a council said, as it is drawn. */
export interface Drafted {
  draft: Draft;
  blocks: Block[];
}

export interface Turn {
  /** Ours, from before the app gave an id. */
  key: string;
  id: string | null;
  question: string;
  /** Empty until the seat is known. */
  expert: string;
  text: string;
  blocks: Block[];
  outcome: Outcome;
  failure: Failure | null;
  created: number;
  rating: number;
  /** Sources that the user took out for this question. */
  without: string[];
  read: Reading | null;
  retrieve: Recalled | null;
  route: Plan | null;
  /** Why one is asked, or several; `null`: that was not left open. */
  composed: Composed | null;
  /** How hard it was, and what the playbook gave; known when it is answered. */
  difficulty: Difficulty | null;
  advice: Advice | null;
  /** Who was asked before and could not answer. */
  passedOver: PassedOver[];
  /** The lectern while it changes hands for this answer. */
  seating: Seat | null;
  seat: Seated | null;
  compress: Compressed | null;
  generate: Generated | null;
  /** The number of the prompt that the expert was asked with; `null`: as its manifest has it. */
  prompt: number | null;
  /** A strategy: what the expert is asked now, what it was asked before, and in the end what came of it. */
  asking: { step: StepKind; prompt: string } | null;
  steps: Step[];
  reasoned: Reasoned | null;
  /** A council: who is heard now, who was, and in the end what came of it. */
  called: Called | null;
  drafts: Drafted[];
  council: Council | null;
  learn: Learned | null;
  totalMs: number | null;
}

let turns = 0;

export function fresh(question: string, without: string[] = []): Turn {
  turns += 1;
  return {
    key: `turn-${turns}`,
    id: null,
    question,
    expert: "",
    text: "",
    blocks: [],
    outcome: "queued",
    failure: null,
    created: Date.now(),
    rating: 0,
    without,
    read: null,
    retrieve: null,
    route: null,
    composed: null,
    difficulty: null,
    advice: null,
    passedOver: [],
    seating: null,
    seat: null,
    compress: null,
    generate: null,
    prompt: null,
    asking: null,
    steps: [],
    reasoned: null,
    called: null,
    drafts: [],
    council: null,
    learn: null,
    totalMs: null,
  };
}

function outcomeOf(answer: Answer): Outcome {
  if (answer.stopped) return "stopped";
  return answer.refused ? "refused" : "done";
}

/** `drafts`: how each draft of a council is drawn, in their order. */
function withAnswer(turn: Turn, answer: Answer, blocks: Block[], drafts: Block[][]): Turn {
  const { trace } = answer;
  const council = trace.council ?? null;
  return {
    ...turn,
    id: answer.id,
    question: answer.question,
    expert: answer.expert,
    text: answer.answer,
    blocks,
    outcome: outcomeOf(answer),
    created: answer.created,
    read: trace.read,
    retrieve: trace.retrieve,
    route: trace.route,
    composed: trace.composed ?? null,
    difficulty: trace.difficulty ?? null,
    advice: trace.advice ?? null,
    passedOver: trace.passed_over ?? [],
    seating: null,
    seat: trace.seat,
    compress: trace.compress,
    generate: trace.generate,
    prompt: trace.prompt ?? null,
    asking: null,
    steps: trace.reason?.steps ?? [],
    reasoned: trace.reason ?? null,
    called: null,
    drafts: council?.drafts.map((draft, at) => ({ draft, blocks: drafts[at] ?? [] })) ?? [],
    council,
    learn: trace.learn,
    totalMs: trace.total_ms,
  };
}

export function fromAnswer(answer: Answer, blocks: Block[], drafts: Block[][] = []): Turn {
  return { ...withAnswer(fresh(answer.question), answer, blocks, drafts), rating: answer.rating };
}

/** The turn after one more event. Events after the last one change nothing. */
export function step(turn: Turn, shown: Shown): Turn {
  if (turn.outcome !== "queued" && turn.outcome !== "running") return turn;
  const { event } = shown;
  const now: Turn = { ...turn, outcome: "running", blocks: shown.blocks ?? turn.blocks };
  switch (event.kind) {
    case "begun":
      return { ...now, id: event.id };
    case "read":
      return { ...now, read: event };
    case "retrieved":
      return { ...now, retrieve: event };
    case "routed":
      return { ...now, route: event, expert: event.chosen };
    case "composed":
      return { ...now, composed: event };
    case "passed_over":
      return { ...now, passedOver: [...turn.passedOver, event], text: "", blocks: [], seat: null, compress: null, generate: null, asking: null, steps: [] };
    case "seating":
      return { ...now, seating: event };
    case "seated":
      return { ...now, seat: event, seating: null, expert: event.expert };
    case "compressed":
      return { ...now, compress: event };
    case "called":
      // What follows is of this expert, from the beginning.
      return { ...now, called: event, expert: event.expert, text: "", blocks: [], seat: null, compress: null, generate: null, asking: null, steps: [], reasoned: null };
    case "asked":
      return { ...now, asking: event, text: "", blocks: [] };
    case "text":
      return { ...now, text: turn.text + event.piece };
    case "step":
      return { ...now, steps: [...turn.steps, event] };
    case "reasoned":
      return { ...now, asking: null, steps: event.steps, reasoned: event };
    case "drafted":
      return { ...now, drafts: [...turn.drafts, { draft: event, blocks: now.blocks }], text: "", blocks: [] };
    case "joined":
      return { ...now, called: null, council: event };
    case "generated":
      return { ...now, generate: event };
    case "done":
      return withAnswer(now, event.answer, now.blocks, turn.drafts.map((one) => one.blocks));
    case "failed":
      return failed(now, event.failure);
  }
}

export function failed(turn: Turn, failure: Failure): Turn {
  return { ...turn, outcome: "failed", failure, seating: null };
}

export function over(turn: Turn): boolean {
  return turn.outcome !== "queued" && turn.outcome !== "running";
}

/** Whether several experts are heard, or were. */
export function isCouncil(turn: Turn): boolean {
  return turn.called !== null || turn.drafts.length > 0;
}

/** The title of the expert that answers, as the plan knows it; its name when no plan does. */
export function titleOf(turn: Turn, name = turn.expert): string {
  return turn.route?.experts.find((candidate) => candidate.name === name)?.title ?? name;
}

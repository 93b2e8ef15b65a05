//! One question with its answer, as the window sees it: built event by event while it happens, or at once from a
//! finished answer. Pure: an event gives a new turn.

import type {
  Answer,
  Block,
  Compressed,
  Failure,
  Generated,
  Learned,
  Plan,
  Reading,
  Recalled,
  Seat,
  Seated,
  Shown,
} from "../api/bindings";

export type Outcome = "queued" | "running" | "done" | "stopped" | "refused" | "failed";

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
  /** The lectern while it changes hands for this answer. */
  seating: Seat | null;
  seat: Seated | null;
  compress: Compressed | null;
  generate: Generated | null;
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
    seating: null,
    seat: null,
    compress: null,
    generate: null,
    learn: null,
    totalMs: null,
  };
}

function outcomeOf(answer: Answer): Outcome {
  if (answer.stopped) return "stopped";
  return answer.refused ? "refused" : "done";
}

function withAnswer(turn: Turn, answer: Answer, blocks: Block[]): Turn {
  const { trace } = answer;
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
    seating: null,
    seat: trace.seat,
    compress: trace.compress,
    generate: trace.generate,
    learn: trace.learn,
    totalMs: trace.total_ms,
  };
}

export function fromAnswer(answer: Answer, blocks: Block[]): Turn {
  return { ...withAnswer(fresh(answer.question), answer, blocks), rating: answer.rating };
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
    case "seating":
      return { ...now, seating: event };
    case "seated":
      return { ...now, seat: event, seating: null, expert: event.expert };
    case "compressed":
      return { ...now, compress: event };
    case "text":
      return { ...now, text: turn.text + event.piece };
    case "generated":
      return { ...now, generate: event };
    case "done":
      return withAnswer(now, event.answer, now.blocks);
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

/** The title of the expert that answers, as the plan knows it; its name when no plan does. */
export function titleOf(turn: Turn, name = turn.expert): string {
  return turn.route?.experts.find((candidate) => candidate.name === name)?.title ?? name;
}

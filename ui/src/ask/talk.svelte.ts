//! A conversation that is open in the window: its turns, and everything that can be done with them. It goes on
//! when another one is looked at; questions asked while an answer runs wait their turn.

import { api, asFailure } from "../api";
import type { Aggregate, Failure, Mode, Question, Strategy } from "../api/bindings";
import { failed, fresh, fromAnswer, over, step, type Turn } from "./turn";

export type Face = { state: "waiting" } | { state: "content" } | { state: "failed"; failure: Failure };

/** How the experts are asked. `null`: one of them, once. */
export interface Way {
  aggregate: Aggregate | null;
  /** Experts of a council; `null` lets the question decide. */
  topK: number | null;
  strategy: Strategy | null;
  /** Whether the playbook is used; absent: as the settings and the difficulty say. */
  playbook?: boolean;
}

export interface Choice {
  mode: Mode;
  /** Chosen by hand; `null` lets the question decide. */
  expert: string | null;
  way?: Way;
}

/** What a question says of it: nothing where one expert is asked once. */
function asked(way: Way | undefined): Pick<Question, "top_k" | "aggregate" | "strategy" | "playbook"> {
  if (!way) return {};
  const { aggregate, topK, strategy, playbook } = way;
  return {
    ...(aggregate === null ? {} : { aggregate }),
    ...(aggregate === null || topK === null ? {} : { top_k: topK }),
    ...(strategy === null ? {} : { strategy }),
    ...(playbook === undefined ? {} : { playbook }),
  };
}

export class Talk {
  id = $state<string | null>(null);
  title = $state("");
  turns = $state.raw<Turn[]>([]);
  face = $state.raw<Face>({ state: "content" });
  draft = $state("");
  /** By hand, for the questions of this conversation. */
  expert = $state<string | null>(null);
  /** The same for how they are asked. */
  way = $state<Way>({ aggregate: null, topK: null, strategy: null });
  /** The answer that the next question replaces. */
  editing = $state<string | null>(null);
  /** Said when something beside the answer went wrong: a rating, a forgetting. */
  trouble = $state.raw<Failure | null>(null);

  running = $derived(this.turns.find((turn) => turn.outcome === "running") ?? null);
  last = $derived(this.turns.at(-1) ?? null);

  /** Questions that wait, by the key of their turn. */
  #questions = new Map<string, Question>();
  #stopAsSoonAsKnown = new Set<string>();
  #changed: () => void;

  /** `changed` is called when the archive has something new: a conversation, a title, an answer. */
  constructor(id: string | null, changed: () => void) {
    this.id = id;
    this.#changed = changed;
  }

  async load(): Promise<void> {
    if (this.id === null) return;
    this.face = { state: "waiting" };
    try {
      const turns = await api.conversation(this.id);
      this.turns = turns.map((turn) => fromAnswer(turn.answer, turn.blocks, turn.drafts));
      this.face = { state: "content" };
    } catch (error) {
      this.face = { state: "failed", failure: asFailure(error) };
    }
  }

  /** Asks the draft, or `text` when one is given. */
  send(choice: Choice, text = this.draft): void {
    const asked = text.trim();
    if (!asked) return;
    if (text === this.draft) this.draft = "";
    const replaces = this.editing;
    this.editing = null;
    this.#queue(fresh(asked), choice, replaces);
  }

  /** Asks the question of `turn` again; its answer is replaced. */
  again(turn: Turn, choice: Choice, without: string[] = turn.without): void {
    if (!over(turn)) return;
    this.#queue(fresh(turn.question, without), choice, turn.id, turn.key);
  }

  #queue(turn: Turn, choice: Choice, replaces: string | null, replacedKey?: string): void {
    this.#questions.set(turn.key, {
      text: turn.question,
      conversation: null,
      mode: choice.mode,
      expert: choice.expert,
      recall: true,
      ...asked(choice.way),
      without: turn.without,
      replaces,
      max_tokens: null,
      temperature: null,
      seed: null,
    });
    const place = this.turns.findIndex((old) => old.key === replacedKey || (replaces !== null && old.id === replaces));
    this.turns = place < 0 ? [...this.turns, turn] : this.turns.with(place, turn);
    this.#next();
  }

  #next(): void {
    if (this.running) return;
    const turn = this.turns.find((waiting) => waiting.outcome === "queued");
    const question = turn && this.#questions.get(turn.key);
    if (!turn || !question) return;
    this.#questions.delete(turn.key);
    this.#change(turn.key, (queued) => ({ ...queued, outcome: "running" }));
    void this.#run(turn.key, { ...question, conversation: this.id });
  }

  async #run(key: string, question: Question): Promise<void> {
    try {
      await api.ask(question, (shown) => {
        this.#change(key, (turn) => step(turn, shown));
        if (shown.event.kind !== "begun") return;
        this.id = shown.event.conversation;
        if (this.#stopAsSoonAsKnown.delete(key)) void api.stop(shown.event.id);
        this.#changed();
      });
    } catch (error) {
      this.#change(key, (turn) => (over(turn) ? turn : failed(turn, asFailure(error))));
    }
    // The app says how an answer ended; an end without a last event is a defect and must not look like work.
    this.#change(key, (turn) => (over(turn) ? turn : failed(turn, asFailure("the answer ended without a last event"))));
    this.#changed();
    this.#next();
  }

  #change(key: string, how: (turn: Turn) => Turn): void {
    this.turns = this.turns.map((turn) => (turn.key === key ? how(turn) : turn));
  }

  /** Stops what runs and takes back what waits. False when there was nothing to stop. */
  stop(): boolean {
    const running = this.running;
    this.turns = this.turns.filter((turn) => turn.outcome !== "queued");
    this.#questions.clear();
    if (!running) return false;
    if (running.id === null) this.#stopAsSoonAsKnown.add(running.key);
    else void this.#tell(api.stop(running.id));
    return true;
  }

  /** Puts the question back into the composer; its answer is replaced by the next one. */
  edit(turn: Turn): void {
    this.draft = turn.question;
    this.editing = turn.id;
  }

  async rate(turn: Turn, rating: number): Promise<void> {
    if (turn.id === null) return;
    const next = turn.rating === rating ? 0 : rating;
    if (await this.#tell(api.rate(turn.id, next))) this.#change(turn.key, (rated) => ({ ...rated, rating: next }));
  }

  /** The past answer leaves the archive, and every list of sources in which it stood. */
  async forget(source: string): Promise<boolean> {
    if (!(await this.#tell(api.forget(source)))) return false;
    this.turns = this.turns
      .filter((turn) => turn.id !== source)
      .map((turn) => {
        if (!turn.retrieve) return turn;
        const passages = turn.retrieve.passages.filter((passage) => passage.id !== source);
        return { ...turn, retrieve: { ...turn.retrieve, passages } };
      });
    this.#changed();
    return true;
  }

  async #tell(command: Promise<void>): Promise<boolean> {
    try {
      await command;
      this.trouble = null;
      return true;
    } catch (error) {
      this.trouble = asFailure(error);
      return false;
    }
  }
}

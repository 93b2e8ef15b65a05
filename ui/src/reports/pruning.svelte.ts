//! Pool pruning: the report, the plan for a smaller pool, what asking without them came to, and what was done.

import { api, asFailure } from "../api";
import type { Criterion, Entry, Failure, Pair, PoolReport, Pruned, Replayed, Replaying } from "../api/bindings";
import { pool } from "../pool/pool.svelte";

class Pruning {
  report = $state.raw<PoolReport | null>(null);
  history = $state.raw<Entry[]>([]);
  /** Of the report: the page has nothing to show. */
  failure = $state.raw<Failure | null>(null);
  /** Of what was pressed last. */
  refused = $state.raw<Failure | null>(null);

  criterion = $state<Criterion>("adaptive");
  target = $state(0.3);
  #planned = $state.raw<Pruned | null>(null);
  #replayed = $state.raw<Replayed | null>(null);
  replaying = $state.raw<Replaying | null>(null);

  /** Who was retired last, as long as that can be undone at once. */
  undoable = $state.raw<string[]>([]);
  exported = $state<string | null>(null);

  #asked = 0;

  /** The plan, with what asking without the same experts came to. */
  get plan(): Pruned | null {
    const plan = this.#planned;
    const known = this.#known;
    if (!plan || !known) return plan;
    const { replay, stopped, gain } = known.pruned;
    const { peak_memory_bytes, loads, load_ms } = gain;
    return { ...plan, replay, stopped, gain: { ...plan.gain, peak_memory_bytes, loads, load_ms } };
  }

  get pairs(): Pair[] {
    return this.#known?.pairs ?? [];
  }

  /** It was asked, and there was nothing to ask. */
  get nothingToAsk(): boolean {
    return this.#known !== null && this.#known.pruned.replay === null;
  }

  get #known(): Replayed | null {
    return this.#planned && this.#replayed && who(this.#planned) === who(this.#replayed.pruned) ? this.#replayed : null;
  }

  get names(): string[] {
    return this.#planned?.removed.map((gone) => gone.name) ?? [];
  }

  async load(): Promise<void> {
    try {
      const [report, history] = await Promise.all([api.poolReport(), api.poolHistory()]);
      [this.report, this.history, this.failure] = [report, history, null];
      // Somebody may have been taken back elsewhere.
      const retired = report.experts.filter((worth) => worth.verdict === "retired").map((worth) => worth.name);
      this.undoable = this.undoable.filter((name) => retired.includes(name));
    } catch (error) {
      this.failure = asFailure(error);
      return;
    }
    await this.choose({});
  }

  async choose(chosen: { criterion?: Criterion; target?: number }): Promise<void> {
    this.criterion = chosen.criterion ?? this.criterion;
    this.target = chosen.target ?? this.target;
    this.#asked += 1;
    const asked = this.#asked;
    await this.#try(async () => {
      const plan = await api.planPruning(this.criterion, this.target);
      // Answers of an older position of the slider are of no use.
      if (asked === this.#asked) this.#planned = plan;
    });
  }

  async measure(): Promise<void> {
    const plan = this.#planned;
    if (!plan || this.replaying) return;
    this.replaying = { done: 0, of: 0 };
    await this.#try(async () => {
      this.#replayed = await api.replayPruning(plan, (far) => {
        if (this.replaying) this.replaying = far;
      });
    });
    this.replaying = null;
  }

  stop(): void {
    void this.#try(async () => void (await api.stopReplay()));
  }

  async retire(): Promise<void> {
    const plan = this.plan;
    if (!plan) return;
    const names = this.names;
    const done = await this.#try(() => api.retireExperts(plan));
    if (done) this.undoable = names;
    await this.#changed();
  }

  async takeBack(names: string[]): Promise<void> {
    await this.#try(async () => {
      for (const name of names) await api.takeBackExpert(name);
    });
    this.undoable = this.undoable.filter((name) => !names.includes(name));
    await this.#changed();
  }

  async export(): Promise<void> {
    await this.#try(async () => void (this.exported = await api.exportPruning(this.plan)));
  }

  /** As if it had never been opened. */
  leave(): void {
    [this.report, this.failure, this.refused, this.#planned, this.#replayed, this.replaying] = [null, null, null, null, null, null];
    [this.history, this.undoable, this.exported, this.criterion, this.target] = [[], [], null, "adaptive", 0.3];
  }

  async #changed(): Promise<void> {
    const refused = this.refused;
    await Promise.all([this.load(), pool.refresh()]);
    this.refused = refused;
  }

  async #try(step: () => Promise<void>): Promise<boolean> {
    try {
      await step();
      this.refused = null;
      return true;
    } catch (error) {
      this.refused = asFailure(error);
      return false;
    }
  }
}

/** Two plans without the same experts are measured by the same questions. */
function who(plan: Pruned): string {
  return JSON.stringify([plan.removed.map((gone) => gone.name).sort(), [...plan.original].sort()]);
}

export const pruning = new Pruning();

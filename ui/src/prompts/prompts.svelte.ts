//! Prompts: an expert, the questions, a search, and what came of all of them.

import { api, asFailure } from "../api";
import type { Both, Failure, Far, KeptPrompt, Optimised, PromptHistory, Searchable, Searched, ShownPrompt, Tried } from "../api/bindings";

export const budgets = [100, 200, 400, 800, 1600] as const;

/** A search that is looked at: under way, just ended, or of the history. */
export interface Looked {
  run: number;
  optimised: Optimised | null;
  prompts: ShownPrompt[];
  /** Of the search that just ended; others have their figures alone. */
  pairs: Both[];
}

class Prompts {
  expert = $state("");
  file = $state<string | null>(null);
  rollouts = $state<number>(400);
  seed = $state(1);
  there = $state.raw<Searchable | null>(null);
  history = $state.raw<PromptHistory | null>(null);
  far = $state.raw<Far | null>(null);
  /** As they are tried, while a search is under way. */
  tried = $state.raw<Tried[]>([]);
  looked = $state.raw<Looked | null>(null);
  failure = $state.raw<Failure | null>(null);
  /** What kept the page from being there at all. */
  closed = $state.raw<Failure | null>(null);

  get running(): boolean {
    return this.far !== null;
  }

  /** Why a search cannot begin; "" when it can. */
  get least(): number | null {
    return this.there?.rollouts ?? null;
  }

  async load(): Promise<void> {
    try {
      [this.history, this.there] = await Promise.all([api.promptHistory(), api.searchable(this.file)]);
      this.closed = null;
    } catch (error) {
      this.closed = asFailure(error);
    }
  }

  /** `null`: answers that were rated up. A file that cannot be read leaves what was chosen before. */
  async from(file: string | null): Promise<void> {
    await this.#try(async () => {
      this.there = await api.searchable(file);
      this.file = file;
    });
  }

  async choose(): Promise<void> {
    const file = await api.pickQuestionFile();
    if (file !== null) await this.from(file);
  }

  async start(): Promise<void> {
    if (this.running || this.expert === "") return;
    this.far = { run: 0, spent: 0, of: this.rollouts, judging: false, tried: null };
    [this.tried, this.looked] = [[], null];
    await this.#try(async () => {
      const limits = { rollouts: this.rollouts, seed: this.seed, tokens: null, seconds: null, reflect: null };
      const found = await api.searchPrompt(this.expert, this.file, limits, (far) => {
        if (!this.far) return;
        this.far = far;
        if (far.tried) this.tried = far.tried;
      });
      this.looked = { run: found.run, optimised: found.optimised, prompts: await api.promptsOf(found.run), pairs: found.pairs };
    });
    this.far = null;
    await this.#refresh();
  }

  stop(): void {
    void this.#try(async () => void (await api.stopSearchPrompt()));
  }

  async look({ number, optimised }: Searched): Promise<void> {
    await this.#try(async () => {
      this.looked = { run: number, optimised, prompts: await api.promptsOf(number), pairs: [] };
    });
  }

  async use(kept: KeptPrompt, domains: string[]): Promise<void> {
    await this.#try(async () => void (await api.usePrompt(kept.number, domains)));
    await this.#refresh();
  }

  async restore(expert: string): Promise<void> {
    await this.#try(async () => void (await api.restorePrompt(expert)));
    await this.#refresh();
  }

  async forget(run: number): Promise<void> {
    await this.#try(async () => {
      await api.forgetSearch(run);
      if (this.looked?.run === run) this.looked = null;
    });
    await this.#refresh();
  }

  /** As if it had never been opened. */
  leave(): void {
    [this.expert, this.file, this.rollouts, this.seed] = ["", null, 400, 1];
    [this.there, this.history, this.far, this.tried, this.looked, this.failure, this.closed] = [null, null, null, [], null, null, null];
  }

  async #refresh(): Promise<void> {
    try {
      this.history = await api.promptHistory();
    } catch {
      // What was there is still shown; the step before said what is wrong.
    }
  }

  async #try(step: () => Promise<void>): Promise<void> {
    try {
      await step();
      this.failure = null;
    } catch (error) {
      this.failure = asFailure(error);
    }
  }
}

export const prompts = new Prompts();

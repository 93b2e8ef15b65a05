//! Pipeline: the pool gone through from end to end, with the questions and the steps that are wanted.

import { api, asFailure } from "../api";
import type { Criterion, Failure, Going, Pipeline, PoolStage, Searchable } from "../api/bindings";

export const steps: PoolStage[] = ["prune", "compose", "optimise", "capabilities"];

class Through {
  file = $state<string | null>(null);
  wanted = $state<Record<PoolStage, boolean>>({ prune: true, compose: true, optimise: true, capabilities: true });
  there = $state.raw<Searchable | null>(null);
  far = $state.raw<Going | null>(null);
  found = $state.raw<Pipeline | null>(null);
  failure = $state.raw<Failure | null>(null);

  get skip(): PoolStage[] {
    return steps.filter((step) => !this.wanted[step]);
  }

  /** `null`: answers that were rated up. */
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

  async start(target: number, criterion: Criterion): Promise<void> {
    if (this.far || this.skip.length === steps.length) return;
    this.far = { step: steps.find((step) => this.wanted[step]) ?? "prune", what: "", done: 0, of: 0 };
    this.found = null;
    await this.#try(async () => {
      const wish = { skip: this.skip, criterion, target, rollouts: 300, seed: 1 };
      this.found = await api.goThroughPool(this.file, wish, (far) => {
        if (this.far) this.far = far;
      });
    });
    this.far = null;
  }

  stop(): void {
    void this.#try(async () => void (await api.stopGoingThrough()));
  }

  /** As if it had never been opened. */
  leave(): void {
    [this.file, this.there, this.far, this.found, this.failure] = [null, null, null, null, null];
    this.wanted = { prune: true, compose: true, optimise: true, capabilities: true };
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

export const through = new Through();

//! The live plan of the draft: who would answer what stands in the composer.

import { api, asFailure } from "../api";
import type { Failure, Plan } from "../api/bindings";

/** Long enough that a fast writer causes one call a pause, short enough to feel live. */
const PAUSE_MS = 120;

export class DraftPlan {
  plan = $state.raw<Plan | null>(null);
  failure = $state.raw<Failure | null>(null);

  #timer: ReturnType<typeof setTimeout> | undefined;
  #asked = 0;

  /** Plans `text` after a pause; an empty draft has no plan. */
  follow(text: string, expert: string | null, conversation: string | null): void {
    clearTimeout(this.#timer);
    this.#asked += 1;
    const mine = this.#asked;
    if (text.trim() === "") {
      this.plan = null;
      this.failure = null;
      return;
    }
    this.#timer = setTimeout(() => void this.#route(text, expert, conversation, mine), PAUSE_MS);
  }

  async #route(text: string, expert: string | null, conversation: string | null, mine: number): Promise<void> {
    try {
      const plan = await api.route(text, expert, conversation);
      // An older draft's plan must not stand under a newer draft.
      if (mine !== this.#asked) return;
      this.plan = plan;
      this.failure = null;
    } catch (error) {
      if (mine !== this.#asked) return;
      this.plan = null;
      this.failure = asFailure(error);
    }
  }
}

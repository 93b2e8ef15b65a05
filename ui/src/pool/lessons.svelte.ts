//! What routing learned from the user.

import { api, asFailure } from "../api";
import type { Failure, Lesson } from "../api/bindings";

class Lessons {
  /** The newest first. */
  all = $state.raw<Lesson[]>([]);
  failure = $state.raw<Failure | null>(null);

  async load(): Promise<void> {
    await this.#after(() => Promise.resolve());
  }

  /** That one is taken back; all of them with `null`. */
  async remove(id: number | null): Promise<void> {
    await this.#after(() => api.unlearn(id));
  }

  async #after(change: () => Promise<void>): Promise<void> {
    try {
      await change();
      this.all = await api.lessons();
      this.failure = null;
    } catch (error) {
      this.failure = asFailure(error);
    }
  }
}

export const lessons = new Lessons();

//! The experts on this disk.

import { api, asFailure } from "../api";
import type { Expert, Failure } from "../api/bindings";

class Pool {
  experts = $state.raw<Expert[]>([]);
  known = $state(false);
  failure = $state.raw<Failure | null>(null);

  async refresh(): Promise<void> {
    try {
      this.experts = await api.experts();
      this.failure = null;
      this.known = true;
    } catch (error) {
      this.failure = asFailure(error);
    }
  }

  /** A retired expert is routed to again. */
  async takeBack(name: string): Promise<void> {
    try {
      await api.takeBackExpert(name);
    } catch (error) {
      this.failure = asFailure(error);
      return;
    }
    await this.refresh();
  }

  titleOf(name: string): string {
    return this.experts.find((expert) => expert.manifest.name === name)?.manifest.title ?? name;
  }
}

export const pool = new Pool();

//! Who stands at the lectern now: the newest news, nothing else.

import { api, asFailure } from "../api";
import type { Failure, Seat } from "../api/bindings";

class Lectern {
  seat = $state.raw<Seat>({ state: "empty" });
  budgetBytes = $state<number | null>(null);
  /** What the expert took while it stood there: the full bar from which a leaving one drains. */
  fullBytes = $state(0);
  trouble = $state.raw<Failure | null>(null);

  async watch(): Promise<void> {
    try {
      await api.watch((news) => {
        this.seat = news.seat;
        if (news.seat.state === "taken") this.fullBytes = news.seat.memory_bytes;
        this.budgetBytes = news.budget_bytes;
        this.trouble = null;
      });
    } catch (error) {
      this.trouble = asFailure(error);
    }
  }

  async unseat(): Promise<void> {
    try {
      await api.unseat();
      this.trouble = null;
    } catch (error) {
      this.trouble = asFailure(error);
    }
  }

  /** True when this expert could answer without anything being loaded. */
  isSeated(expert: string): boolean {
    return this.seat.state === "taken" && this.seat.expert === expert;
  }
}

export const lectern = new Lectern();

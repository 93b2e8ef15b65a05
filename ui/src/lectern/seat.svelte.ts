//! Who stands at the lectern now: the newest news, nothing else.

import { api, asFailure } from "../api";
import type { Failure, Queue, Seat } from "../api/bindings";

class Lectern {
  seat = $state.raw<Seat>({ state: "empty" });
  budgetBytes = $state<number | null>(null);
  /** What the expert took while it stood there: the full bar from which a leaving one drains. */
  fullBytes = $state(0);
  /** Who waits, and what the queue came to since the window opened. */
  queue = $state.raw<Queue | null>(null);
  trouble = $state.raw<Failure | null>(null);

  async watch(): Promise<void> {
    try {
      await api.watch((news) => {
        if (news.kind === "queue") {
          this.queue = news.queue;
          return;
        }
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

  /** Questions that wait for their turn. */
  get waiting(): number {
    const all = Object.values(this.queue?.waiting ?? {}).reduce<number>((sum, count) => sum + (count ?? 0), 0);
    return Math.max(0, all - (this.queue?.answering ?? 0));
  }

  /** True when this expert could answer without anything being loaded. */
  isSeated(expert: string): boolean {
    return this.seat.state === "taken" && this.seat.expert === expert;
  }
}

export const lectern = new Lectern();

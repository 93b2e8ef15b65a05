//! The reports: what the answers of a time come to, and the figure whose answers are looked at.

import { api, asFailure } from "../api";
import type { Dashboard, Failure, Figure } from "../api/bindings";

export const ranges = ["day", "week", "month", "all"] as const;
export type Range = (typeof ranges)[number];

const DAY = 86_400_000;
const days: Record<Range, number> = { day: 1, week: 7, month: 30, all: Infinity };

/** A figure that was opened: its name and how its values are written. */
export interface Open {
  name: string;
  figure: Figure;
  show: (value: number) => string;
}

class Reports {
  range = $state<Range>("month");
  dashboard = $state.raw<Dashboard | null>(null);
  failure = $state.raw<Failure | null>(null);
  behind = $state.raw<Open | null>(null);
  exported = $state<string | null>(null);
  refused = $state.raw<Failure | null>(null);

  #asked = 0;

  get since(): number {
    return this.range === "all" ? 0 : Date.now() - days[this.range] * DAY;
  }

  async load(): Promise<void> {
    this.#asked += 1;
    const asked = this.#asked;
    try {
      const dashboard = await api.dashboard(this.since);
      // Another time was chosen meanwhile.
      if (asked === this.#asked) [this.dashboard, this.failure] = [dashboard, null];
    } catch (error) {
      if (asked === this.#asked) this.failure = asFailure(error);
    }
  }

  async choose(range: Range): Promise<void> {
    this.range = range;
    await this.load();
  }

  async export(): Promise<void> {
    try {
      this.exported = await api.exportMetrics(this.since);
      this.refused = null;
    } catch (error) {
      this.refused = asFailure(error);
    }
  }

  /** As if it had never been opened. */
  leave(): void {
    [this.dashboard, this.failure, this.behind, this.exported, this.refused] = [null, null, null, null, null];
    this.range = "month";
  }
}

export const measured = new Reports();

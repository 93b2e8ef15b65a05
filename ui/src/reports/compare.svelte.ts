//! Compare: two ways of asking, the questions, and what asking both came to.

import { api, asFailure } from "../api";
import type { Aggregate, Comparable, Comparison, Failure, Mode, Question, Replaying, Strategy } from "../api/bindings";

export const ratios = { fit: null, half: 0.5, third: 0.3, fifth: 0.2 } as const;
export type Ratio = keyof typeof ratios;

/** A way of asking, as it is chosen. */
export interface Way {
  mode: Mode;
  recall: boolean;
  ratio: Ratio;
  strategy: Strategy | null;
  /** Several experts; `null`: one. */
  aggregate: Aggregate | null;
  /** How many of them; `null`: as the question is. */
  topK: number | null;
}

const plain: Way = { mode: "optimized", recall: true, ratio: "fit", strategy: null, aggregate: null, topK: null };
export const sizes = [2, 3, 5] as const;
/** The question itself says how many: its parts, or those that are worth asking. */
export const hasSize = (aggregate: Aggregate | null) => aggregate !== null && aggregate !== "auto" && aggregate !== "hierarchical";

export const presets = {
  modes: [{ ...plain, mode: "basic" }, plain],
  recall: [{ ...plain, recall: false }, plain],
  compression: [plain, { ...plain, ratio: "half" }],
  verify: [{ ...plain, strategy: "direct" }, { ...plain, strategy: "verify" }],
  council: [{ ...plain, mode: "basic" }, { ...plain, mode: "basic", aggregate: "auto" }],
} satisfies Record<string, [Way, Way]>;
export type Preset = keyof typeof presets;

export const limits = [20, 50, 100, 200] as const;

function asQuestion({ mode, recall, ratio, strategy, aggregate, topK }: Way): Question {
  const share = ratios[ratio];
  return {
    text: "", conversation: null, mode, expert: null, recall, without: [], replaces: null, max_tokens: null, temperature: null, seed: 1,
    ...(share === null ? {} : { ratio: share }),
    ...(strategy === null ? {} : { strategy }),
    ...(aggregate === null ? {} : { aggregate }),
    ...(topK === null || !hasSize(aggregate) ? {} : { top_k: topK }),
  };
}

class Compare {
  ways = $state<[Way, Way]>([{ ...presets.modes[0] }, { ...presets.modes[1] }]);
  file = $state<string | null>(null);
  limit = $state<number>(50);
  there = $state.raw<Comparable | null>(null);
  far = $state.raw<Replaying | null>(null);
  #result = $state.raw<{ of: string; comparison: Comparison } | null>(null);
  failure = $state.raw<Failure | null>(null);

  /** What came of what is chosen now; another choice has another result. */
  get result(): Comparison | null {
    return this.#result?.of === this.#chosen ? this.#result.comparison : null;
  }

  get #chosen(): string {
    return JSON.stringify([this.ways, this.file]);
  }

  get areTheSame(): boolean {
    return JSON.stringify(this.ways[0]) === JSON.stringify(this.ways[1]);
  }

  get asked(): number {
    return Math.min(this.limit, this.there?.questions ?? 0);
  }

  preset(preset: Preset): void {
    this.ways = [{ ...presets[preset][0] }, { ...presets[preset][1] }];
  }

  /** `null`: past questions. A file that cannot be read leaves what was chosen before. */
  async from(file: string | null): Promise<void> {
    await this.#try(async () => {
      this.there = await api.comparable(file);
      this.file = file;
    });
  }

  async choose(): Promise<void> {
    const file = await api.pickQuestionFile();
    if (file !== null) await this.from(file);
  }

  async start(): Promise<void> {
    if (this.far || this.asked === 0) return;
    this.far = { done: 0, of: this.asked * 2 };
    this.#result = null;
    await this.#try(async () => {
      const of = this.#chosen;
      const ways = this.ways.map(asQuestion) as [Question, Question];
      const comparison = await api.compare(ways, this.file, this.limit, (far) => {
        if (this.far) this.far = far;
      });
      this.#result = { of, comparison };
    });
    this.far = null;
  }

  stop(): void {
    void this.#try(async () => void (await api.stopComparison()));
  }

  /** As if it had never been opened. */
  leave(): void {
    this.preset("modes");
    [this.file, this.limit, this.there, this.far, this.#result, this.failure] = [null, 50, null, null, null, null];
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

export const comparing = new Compare();

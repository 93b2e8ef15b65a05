//! Model pruning: the model that is worked on, its profile, the sizes that were tried, and what was done with it.

import { api, asFailure } from "../api";
import type { Calibrating, Check, Curve, CurvePoint, Expert, ExpertScore, Failure, Mixture, ModelPlan, PlanHow, Profile, SmallerFile, TopicCount, Working } from "../api/bindings";
import { pool } from "../pool/pool.svelte";

export type Work = "scan" | "curve" | "check" | "write";

/** Most nats that a token may be foretold worse, in the mean. */
export const LIMIT = 0.1;

class MixturePruning {
  list = $state.raw<Mixture[] | null>(null);
  topics = $state.raw<TopicCount[]>([]);
  /** Of the page: it has nothing to show. */
  failure = $state.raw<Failure | null>(null);
  /** Of what was pressed last. */
  refused = $state.raw<Failure | null>(null);
  stopped = $state<Work | null>(null);
  working = $state.raw<{ what: Work; far: Working } | null>(null);

  chosen = $state.raw<Mixture | null>(null);
  from = $state<Calibrating["from"]>("past");
  /** Topics that do not count. */
  without = $state.raw<string[]>([]);
  file = $state<string | null>(null);

  profile = $state.raw<Profile | null>(null);
  /** The one that grows is shown, and nothing can be planned by it yet. */
  growing = $state(false);
  score = $state<ExpertScore>("reap");
  /** Experts of a layer that stay. */
  kept = $state(0);
  perLayer = $state(false);
  plan = $state.raw<ModelPlan | null>(null);
  curve = $state.raw<Curve | null>(null);
  written = $state.raw<SmallerFile | null>(null);
  masked = $state.raw<Expert | null>(null);
  used = $state(false);

  #asked = 0;

  get picked(): string[] {
    return this.topics.map((topic) => topic.topic).filter((topic) => !this.without.includes(topic));
  }

  get calibrating(): Calibrating | null {
    if (this.from === "weights") return { from: "weights" };
    if (this.from === "file") return this.file === null ? null : { from: "file", path: this.file };
    return this.picked.length > 0 ? { from: "past", topics: this.picked } : null;
  }

  get check(): Check | null {
    return this.plan?.check ?? null;
  }

  /** The point of the curve that the slider stands on, if that size was tried. */
  get point(): CurvePoint | null {
    const [model, curve] = [this.profile?.model, this.curve];
    if (!model || !curve || curve.score !== this.score) return null;
    const same = (how: PlanHow) => Math.round(how.keep * model.experts) === this.kept && how.per_layer === this.perLayer;
    return curve.points.find((point) => same(point.how)) ?? null;
  }

  async load(): Promise<void> {
    try {
      [this.list, this.topics] = await Promise.all([api.mixtures(), api.questionTopics()]);
      this.failure = null;
      if (this.topics.length === 0 && this.from === "past") this.from = "file";
    } catch (error) {
      this.failure = asFailure(error);
      return;
    }
    const again = this.list.find((one) => one.file === this.chosen?.file);
    if (again) this.chosen = again;
    else if (!this.chosen) this.chosen = this.list[0] ?? null;
  }

  choose(mixture: Mixture): void {
    if (this.working || mixture.file === this.chosen?.file) return;
    this.chosen = mixture;
    this.#forget();
  }

  async pickModel(): Promise<void> {
    await this.#try(async () => {
      const path = await api.pickModelFile();
      if (path !== null) this.choose(await api.mixtureAt(path));
    });
  }

  async pickQuestions(): Promise<void> {
    await this.#try(async () => void (this.file = (await api.pickQuestionFile()) ?? this.file));
  }

  async scan(from?: Calibrating["from"]): Promise<void> {
    if (from) this.from = from;
    const [chosen, calibrating] = [this.chosen, this.calibrating];
    if (!chosen || !calibrating) return;
    this.#forget();
    this.growing = true;
    const done = await this.#work("scan", async (on) => {
      this.profile = await api.scanMixture(chosen.file, chosen.expert, calibrating, (far) => {
        if (far.at === "asking" && far.profile) this.profile = far.profile;
        on(far);
      });
    });
    this.growing = false;
    if (!done || !this.profile) {
      this.profile = null;
      return;
    }
    const { experts, experts_used } = this.profile.model;
    this.score = this.profile.calibration.enough ? "reap" : "aimer";
    this.kept = Math.max(experts_used, Math.ceil(experts * 0.75));
    await this.size({});
  }

  /** Another size, or another kind of plan. Asks nobody. */
  async size(next: { kept?: number; score?: ExpertScore; perLayer?: boolean }): Promise<void> {
    const model = this.profile?.model;
    if (!model || this.growing) return;
    this.kept = next.kept ?? this.kept;
    this.score = next.score ?? this.score;
    this.perLayer = next.perLayer ?? this.perLayer;
    [this.written, this.masked, this.used] = [null, null, false];
    this.#asked += 1;
    const asked = this.#asked;
    await this.#try(async () => {
      const plan = await api.planMixture(this.#how(this.kept / model.experts));
      // Answers of an older position of the slider are of no use.
      if (asked === this.#asked) this.plan = plan;
    });
  }

  async draw(): Promise<void> {
    await this.#work("curve", async (on) => void (this.curve = await api.curveMixture(this.#how(1), on)));
  }

  async try(rival: boolean): Promise<void> {
    await this.#work("check", async (on) => {
      const check = await api.checkMixture(LIMIT, rival, on);
      if (this.plan) this.plan = { ...this.plan, check };
    });
  }

  async mask(): Promise<void> {
    const done = await this.#try(async () => void (this.masked = await api.maskMixture()));
    if (done) await this.#changed();
  }

  async unmask(name: string): Promise<void> {
    const done = await this.#try(async () => void (await api.unmaskMixture(name)));
    if (!done) return;
    this.masked = null;
    await this.#changed();
  }

  async write(): Promise<void> {
    const done = await this.#work("write", async (on) => void (this.written = await api.writeMixture(on)));
    if (done) await this.#changed();
  }

  /** The expert answers with the new file from now on. */
  async use(name: string, file: string): Promise<void> {
    const done = await this.#try(async () => void (await api.chooseFile(name, file)));
    if (!done) return;
    this.used = true;
    await this.#changed();
  }

  stop(): void {
    void this.#try(async () => void (await api.stopMixture()));
  }

  /** As if it had never been opened. */
  leave(): void {
    [this.list, this.chosen, this.failure, this.refused, this.working, this.file] = [null, null, null, null, null, null];
    [this.topics, this.without, this.from, this.perLayer, this.score] = [[], [], "past", false, "reap"];
    this.#forget();
  }

  #how(keep: number): PlanHow {
    return { keep, score: this.score, per_layer: this.perLayer, seed: 1, protect: true };
  }

  #forget(): void {
    [this.profile, this.plan, this.curve, this.written, this.masked, this.stopped, this.refused] = [null, null, null, null, null, null, null];
    [this.growing, this.used] = [false, false];
  }

  async #changed(): Promise<void> {
    await Promise.all([this.load(), pool.refresh()]);
  }

  async #work(what: Work, step: (on: (far: Working) => void) => Promise<void>): Promise<boolean> {
    if (this.working) return false;
    this.working = { what, far: { at: "waiting" } };
    this.stopped = null;
    const done = await this.#try(() => step((far) => void (this.working &&= { what, far })));
    this.working = null;
    if (this.refused?.code === "stopped") [this.stopped, this.refused] = [what, null];
    return done;
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

export const mixture = new MixturePruning();

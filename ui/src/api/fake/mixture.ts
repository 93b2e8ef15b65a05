//! Model pruning to look at. Its figures are made up, but hang together: the profile says who goes, and losses grow with it.

import type { Api } from "../api";
import type { Check, CurvePoint, Delta, Expert, ExpertScores, Interval, LayerScores, Mixture, ModelId, ModelPlan, PlanHow, Profile, Seat } from "../bindings";
import { Cancelled, failure, pause } from "./pause";

export type MixturePruning = Pick<Api, "mixtures" | "mixtureAt" | "questionTopics" | "pickQuestionFile" | "scanMixture" | "planMixture" | "curveMixture" | "checkMixture" | "maskMixture" | "unmaskMixture" | "writeMixture" | "stopMixture">;

const STOPPED = failure("stopped", "Stopped.", "Ask again when you like.", "");

/** The same number between 0 and 1 for the same place. */
function drawn(...place: number[]): number {
  const sum = place.reduce((all, one, at) => all + (one + 1) * [12.9898, 78.233, 37.719][at % 3]!, 0);
  return Math.abs(Math.sin(sum) * 43758.5453) % 1;
}

function scores(model: ModelId, layers: number, tokens: number): LayerScores[] {
  return Array.from({ length: layers }, (_, layer) => {
    const weights = Array.from({ length: model.experts }, (_, expert) => (drawn(layer, expert) < 0.12 ? 0 : 0.15 + drawn(layer, expert, 1) ** 2 * 3));
    const all = weights.reduce((sum, weight) => sum + weight, 0);
    const experts = weights.map((weight, expert): ExpertScores => {
      const count = Math.round((weight / all) * tokens * model.experts_used);
      const norm = 0.6 + drawn(layer, expert, 2) * 1.8;
      return { expert, tokens: count, count, gate: count * 0.5, norm_mean: count ? norm : 0, norm_sum: count * norm, norm_squared: norm ** 2, reap: count ? norm * (0.35 + 0.3 * drawn(layer, expert, 3)) : 0, easy_ep: count * norm * 0.01, aimer: 0.76 + drawn(layer, expert, 4) * 0.05, peak: norm * 4 };
    });
    return { layer, experts, idle: experts.filter((one) => one.count === 0).map((one) => one.expert), few: [] };
  });
}

const interval = (mean: number): Interval => ({ mean, low: mean * 0.7 - 0.004, high: mean * 1.35 + 0.005 });

function delta(questions: number, loss: number): Delta {
  return { questions, tokens: questions * 24, perplexity_before: 1.42, perplexity_after: 1.42 * Math.exp(loss), loss: interval(loss), kl_mean: interval(loss * 0.8), kl_p99: loss * 9, top1_agreement: { mean: 1 - loss * 0.6, low: 1 - loss * 0.9, high: 1 - loss * 0.3 } };
}

export function mixturePruning(
  parameters: URLSearchParams,
  guard: <T>(result: () => T) => Promise<T>,
  experts: () => Expert[],
  change: (next: Expert[]) => void,
  seats: (seat: Seat) => Seat,
): MixturePruning {
  const scene = parameters.get("scene") ?? "full";
  const pace = Number(parameters.get("pace") ?? 1);
  const large = scene === "large";
  const [layers, all, used] = large ? [24, 64, 8] : [4, 8, 2];
  const model: ModelId = { name: "Generalist", architecture: "llama", bytes: large ? 6_940_000_000 : 7_100_000, header_sha256: "0", experts: all, experts_used: used };
  const sized = (kept: number) => Math.round(model.bytes * (0.25 + (0.75 * kept) / all));
  const topics = scene === "first" || scene === "none" ? [] : [{ topic: "mathematics", questions: 214 }, { topic: "units", questions: 96 }, { topic: "words", questions: 41 }];
  const masks = new Map<string, number>();
  let profile: Profile | null = null;
  let plan: ModelPlan | null = null;
  let chosen: { file: string; expert: string | null } = { file: "", expert: null };
  let job = new AbortController();

  const list = (): Mixture[] =>
    experts()
      .filter((expert) => expert.manifest.name.startsWith("generalist"))
      .map(({ manifest, file }): Mixture => ({ expert: manifest.name, title: manifest.title, file, bytes: model.bytes, experts: all, used, masked: masks.get(manifest.name) ?? null, pruned: manifest.name.endsWith("-pruned") ? "6 of 8 experts in each layer, by reap, check: passed" : null }));

  async function working<T>(what: string, job_: () => Promise<T>): Promise<T> {
    job = new AbortController();
    await guard(() => undefined);
    seats({ state: "lent", what });
    try {
      return await job_();
    } catch (error) {
      throw error instanceof Cancelled ? STOPPED : error;
    } finally {
      seats({ state: "empty" });
    }
  }

  /** Nats: what goes, in proportion to how often it was chosen. */
  function loss(how: PlanHow): number {
    const kept = (how.keep * all - used) / (all - used);
    return (1 - kept) ** 2.2 * (how.score === "random" ? 1.4 : how.score === "reap" ? 0.5 : 0.6) * (how.per_layer ? 0.9 : 1);
  }

  function planned(how: PlanHow): ModelPlan {
    const of = profile as Profile;
    const value = (one: ExpertScores) => ({ reap: one.reap, "easy-ep": one.easy_ep, aimer: 1 - one.aimer, count: one.count, norm: one.norm_mean, random: drawn(one.expert, how.seed) })[how.score];
    const plans = of.layers.map((layer) => {
      const order = [...layer.experts].sort((a, b) => value(b) - value(a)).map((one) => one.expert);
      const kept = order.slice(0, Math.max(used, Math.ceil(how.keep * all - 1e-9))).sort((a, b) => a - b);
      const count = (who: number[]) => layer.experts.filter((one) => who.includes(one.expert)).reduce((sum, one) => sum + one.count, 0);
      const share = count(kept) / Math.max(1, count(order));
      return { layer: layer.layer, experts: all, kept, removed: order.filter((one) => !kept.includes(one)).sort((a, b) => a - b), protected: [], order, coverage: { count: share, gate: share, score: share }, stability: 0.92 };
    });
    const mean = plans.reduce((sum, layer) => sum + layer.coverage.count, 0) / plans.length;
    return { model, how, layers: plans, coverage: { count: mean, gate: mean, score: mean }, stability: how.score === "aimer" || how.score === "random" ? null : 0.92, enough: of.calibration.enough, check: null };
  }

  return {
    mixtures: () => guard(list),
    mixtureAt: (path) =>
      guard(() => {
        if (scene === "refused") throw failure("prune.no_mixture", `${path}: the model is no mixture: it has no experts to prune.`, "Choose a mixture of experts.", path);
        return { expert: null, title: "Qwen3-4B", file: path, bytes: model.bytes, experts: all, used, masked: null, pruned: null };
      }),
    questionTopics: () => guard(() => topics),
    pickQuestionFile: async () => "/home/you/questions.jsonl",
    scanMixture: (file, expert, calibrating, on) =>
      working("Model pruning works on generalist.gguf", async () => {
        chosen = { file, expert };
        on({ at: "loading" });
        await pause(300 * pace, job.signal);
        const of = calibrating.from === "weights" ? 0 : scene === "early" ? 4 : 80;
        const at = (done: number): Profile => {
          const tokens = done * 31;
          const each = (tokens * used) / all;
          return { model, calibration: { questions: done, tokens, own_answers: done, topics: {}, tokens_per_expert: each, enough: each >= 32 }, layers: scores(model, layers, tokens), super_experts: large && done > 0 ? [{ layer: 1, expert: 5, peak: 812 }] : null, held_out: of / 2, guard: of / 4 };
        };
        for (let done = 0; done <= of; done += 4) {
          on({ at: "asking", done, of, profile: at(done) });
          await pause(60 * pace, job.signal);
        }
        profile = at(of);
        return profile;
      }),
    planMixture: (how) =>
      guard(() => {
        if (!profile) throw failure("prune.nothing_scanned", "There is no profile yet.", "Choose a model and read its profile first.", "");
        plan = planned(how);
        return plan;
      }),
    curveMixture: (how, on) =>
      working("Model pruning works on generalist.gguf", async () => {
        for (let done = 0; done <= 60; done += 6) {
          on({ at: "asking", done, of: 60, profile: null });
          await pause(40 * pace, job.signal);
        }
        const points: CurvePoint[] = [];
        for (let kept = used; kept < all; kept += Math.max(1, Math.floor((all - used) / 8))) {
          for (const per_layer of [false, true]) {
            const one = { ...how, keep: kept / all, per_layer };
            points.push({ how: one, kept: kept * layers, of: all * layers, bytes: sized(per_layer ? Math.min(all - 1, kept + 1) : kept), held_out: delta(40, loss(one)), guard: delta(20, loss(one) * 2.4), pareto: !per_layer });
          }
        }
        return { model, score: how.score, points };
      }),
    checkMixture: (limit, rival, on) =>
      working("Model pruning works on generalist.gguf", async () => {
        if (!plan) throw failure("prune.nothing_scanned", "There is no profile yet.", "Read its profile first.", "");
        for (let done = 0; done <= 60; done += 5) {
          on({ at: "asking", done, of: 60, profile: null });
          await pause(40 * pace, job.signal);
        }
        const [own, other] = [loss(plan.how), loss(plan.how) * 1.2];
        const blocked = Math.max(own, other) > limit;
        const worse = own > limit ? ["held-out", own] : ["guard", other];
        const check: Check = {
          plan: "0", outcome: blocked ? "blocked" : "passed", limit,
          verdict: blocked ? `without these experts a token of the ${worse[0]} questions is foretold ${(worse[1] as number).toFixed(4)} nats worse (n = 40): more than the limit of ${limit}` : `within the limit of ${limit}: the held-out questions lose ${own.toFixed(4)} nats a token`,
          held_out: delta(40, own), guard: delta(20, other), topics: [{ topic: "mathematics", ...delta(28, own * 0.8) }, { topic: "units", ...delta(12, own * 1.4) }],
          bytes_before: model.bytes, bytes_after: sized(plan.how.keep * all), before: { tokens_per_s: 612, memory_bytes: 21_400_000 },
          rival: rival ? { storage: "Q8_0", bytes: Math.round(model.bytes * 0.6), held_out: delta(40, 0.0004), guard: delta(20, 0.0006) } : null,
        };
        plan = { ...plan, check };
        return check;
      }),
    maskMixture: () =>
      guard(() => {
        masks.set(chosen.expert ?? "", plan?.layers.reduce((sum, layer) => sum + layer.removed.length, 0) ?? 0);
        return experts().find((expert) => expert.manifest.name === chosen.expert) as Expert;
      }),
    unmaskMixture: (name) =>
      guard(() => {
        masks.delete(name);
        return experts().find((expert) => expert.manifest.name === name) as Expert;
      }),
    writeMixture: (on) =>
      working("Model pruning works on generalist.gguf", async () => {
        const of = sized((plan as ModelPlan).how.keep * all);
        for (let share = 0; share <= 1; share += 0.1) {
          on({ at: "writing", done_bytes: share * of, of });
          await pause(50 * pace, job.signal);
        }
        const one = experts().find((expert) => expert.manifest.name === chosen.expert) as Expert;
        const file = "/home/you/.local/share/lectern/pool/generalist-keep75-reap.gguf";
        const expert: Expert = { ...one, file, starter: false, manifest: { ...one.manifest, name: "generalist-pruned", title: "Generalist, pruned", fallback: false, implementations: [{ ...one.manifest.implementations[0]!, file, pruned: "6 of 8 experts in each layer, by reap, check: passed" }] } };
        change([...experts().filter((other) => other.manifest.name !== "generalist-pruned"), expert]);
        return { file, bytes_before: model.bytes, bytes_after: of, experts: Math.round((plan as ModelPlan).how.keep * all), same_logits: true, before: { tokens_per_s: 612, memory_bytes: 21_400_000 }, after: { tokens_per_s: 655, memory_bytes: 19_900_000 }, expert };
      }),
    stopMixture: async () => {
      job.abort();
      return true;
    },
  };
}

//! Pool pruning to look at. Its figures are made up, but hang together: who goes follows from the criterion that is shown.

import type { Api } from "../api";
import type { Criterion, Entry, Expert, Figures, Logged, Pruned, Sample, Share, Verdict, Worth } from "../bindings";
import { wilson } from "../../pool/interval";
import { Cancelled, pause } from "./pause";

export type Pruning = Pick<Api, "poolReport" | "poolAnswers" | "planPruning" | "replayPruning" | "stopReplay" | "retireExperts" | "poolHistory" | "exportPruning" | "takeBackExpert">;

const DAY = 86_400_000;
const ENOUGH = 20;
/** Answers, ratings up and down, refusals, age of the answers in half-lives. */
const shapes: [number, number, number, number, number][] = [
  [214, 61, 3, 4, 0.2],
  [131, 30, 4, 6, 0.4],
  [96, 22, 2, 9, 1.6],
  [9, 1, 6, 1, 2.4],
  [61, 9, 11, 14, 0.7],
];

function share(count: number, n: number): Share | null {
  return n === 0 ? null : { count, n, share: count / n, ...wilson(count / n, n) };
}

/** `many` experts, each a copy with a name of its own. */
export function multiplied(experts: Expert[], n: number): Expert[] {
  return Array.from({ length: n }, (_, index) => {
    const one = experts[index % experts.length] as Expert;
    if (index < experts.length) return one;
    const copy = Math.floor(index / experts.length) + 1;
    const title = index % 7 === 0 ? `${one.manifest.title} with a name that is much longer than others ${copy}` : `${one.manifest.title} ${copy}`;
    return { ...one, manifest: { ...one.manifest, name: `${one.manifest.name}-${copy}`, title, fallback: false } };
  });
}

function worth(experts: Expert[], answers: number[]): Worth[] {
  const all = answers.reduce((sum, n) => sum + n, 0);
  const most = Math.max(1, ...answers);
  return experts.map((expert, index): Worth => {
    const { manifest } = expert;
    const n = answers[index] ?? 0;
    const [, up, down, refused, age] = n === 0 ? [0, 0, 0, 0, 0] : (shapes[index % shapes.length] as [number, number, number, number, number]);
    const measured = manifest.measured[0];
    const performance = (up + 100 * (measured?.accuracy ?? 0.5)) / (up + down + refused + 100);
    const [frequency, recent] = [n / most, (n / most) * 0.5 ** age];
    const own = share(n, all);
    const seldom = all >= ENOUGH && own !== null && own.high < 0.05 && !manifest.fallback;
    let verdict: Verdict = seldom ? "retire" : "keep";
    let evidence = manifest.fallback ? "it answers when no other expert is sure enough" : seldom ? `${n} of ${all} answers are its own, at most ${((own?.high ?? 0) * 100).toFixed(1)} %` : all < ENOUGH ? `not enough: n = ${n} of ${all} answers` : `n = ${n}, performance ${performance.toFixed(3)}`;
    if (manifest.name.startsWith("words") && all >= ENOUGH) [verdict, evidence] = [{ merge: { into: "generalist" } }, `generalist has all its domains (words) and scores more: adaptive 0.622 to 0.541, n = ${n}`];
    if (expert.retired) [verdict, evidence] = ["retired", "routing passes it by"];
    return {
      name: manifest.name, domains: manifest.domains, answers: n, share: own, rated_up: up, rated_down: down, refused,
      measured_accuracy: measured?.accuracy ?? null, measured_n: measured?.n ?? 0,
      latency_p50_ms: n ? 61 + index : null, load_p50_ms: n ? 38 : null, disk_bytes: 1_500_000 + (index % 5) * 340_000 + (manifest.fallback ? 4_000_000 : 0), memory_bytes: n ? 21_400_000 : null,
      performance, frequency, recent_frequency: recent, combined: (performance + frequency) / 2, adaptive: 0.6 * performance + 0.4 * recent, random: (manifest.name.length * 0.137 + index * 0.311) % 1,
      verdict, evidence, may_go: !expert.retired && !manifest.fallback,
    };
  });
}

function figures(samples: Sample[], right: number, loads: number): Figures {
  const n = samples.length;
  return { n, failed: 0, refused: 2, without_expected: 0, accuracy: share(right, n), recalled: 0, prompt_tokens: n * 18, tokens: n * 41, latency_p50_ms: 64, latency_p99_ms: 210, first_token_p50_ms: 8, peak_memory_bytes: 23_500_000, loads, swaps: loads - 1, load_ms: loads * 39 };
}

export function pruning(parameters: URLSearchParams, guard: <T>(result: () => T) => Promise<T>, experts: () => Expert[], change: (next: Expert[]) => void): Pruning {
  const scene = parameters.get("scene") ?? "full";
  const pace = Number(parameters.get("pace") ?? 1);
  const size = scene === "first" || scene === "none" ? 0 : scene === "early" ? 0.03 : 1;
  const counts = () => experts().map((_, index) => Math.round((shapes[index % shapes.length]?.[0] ?? 0) * size));
  const all = () => worth(experts(), counts());
  let history: Entry[] = [];
  let replay = new AbortController();
  const note = (entry: Partial<Entry>) => void (history = [{ number: history.length + 1, created: Date.now(), retired: [], restored: [], pruned: null, ...entry }, ...history]);

  function plan(criterion: Criterion, target: number): Pruned {
    const routed = all().filter((one) => one.verdict !== "retired");
    const before = routed.reduce((sum, one) => sum + one.disk_bytes, 0);
    const removed: Worth[] = [];
    let gone = 0;
    for (const one of routed.filter((other) => other.may_go).sort((a, b) => a[criterion] - b[criterion])) {
      if (gone >= target * before) break;
      removed.push(one);
      gone += one.disk_bytes;
    }
    return {
      criterion, seed: 1, target, original: routed.map((one) => one.name), retained: routed.filter((one) => !removed.includes(one)).map((one) => one.name),
      removed: removed.map((one) => ({ name: one.name, score: one[criterion], disk_bytes: one.disk_bytes })), disk_bytes_before: before,
      gain: { disk_bytes: gone, disk_share: before ? gone / before : 0, peak_memory_bytes: null, loads: null, load_ms: null }, replay: null, stopped: false, applied: false,
    };
  }

  function sample(place: number, expert: string, question: string, answer: string, right: boolean): Sample {
    return { place, id: String(place), mode: "basic", question, expected: "481", right, answer, expert, domain: "mathematics", complexity: 4.2, refused: false, failure: null, recalled: 0, prompt_tokens: 18, tokens: 41, first_token_ms: 8, total_ms: 64, load_ms: 0, memory_bytes: 21_400_000, peak_memory_bytes: 23_500_000, left: null, way: "", loads: 0, swaps: 0 };
  }

  return {
    poolReport: () => guard(() => ({ seed: 1, answers: counts().reduce((sum, n) => sum + n, 0), enough: ENOUGH, experts: all() })),
    poolAnswers: (name) =>
      guard(() => {
        const n = all().find((one) => one.name === name)?.answers ?? 0;
        return Array.from({ length: Math.min(n, 200) }, (_, index): Logged => ({ id: `logged-${index}`, question: `What is ${384 + index} + 97?`, answer: `Add the ones, then the tens.\nThe answer is ${481 + index}.`, expert: name, opens: true, refused: index % 17 === 5, rating: index % 6 === 0 ? 1 : index % 23 === 4 ? -1 : 0, total_ms: 61 + (index % 9), load_ms: 0, memory_bytes: 21_400_000, created: Date.now() - index * 0.4 * DAY }));
      }),
    planPruning: (criterion, target) => guard(() => plan(criterion, target)),
    async replayPruning(pruned, on) {
      replay = new AbortController();
      await guard(() => undefined);
      const n = scene === "few" ? 8 : 120;
      let done = 0;
      try {
        for (; done < n * 2; done += 1) {
          on({ done, of: n * 2 });
          await pause(30 * pace, replay.signal);
        }
      } catch (error) {
        if (!(error instanceof Cancelled)) throw error;
      }
      const asked = Math.max(0, Math.min(n, done - n));
      const pairs = Array.from({ length: asked }, (_, index) => {
        const same = index % 9 !== 3;
        const question = `What is ${384 + index} + 97?`;
        return { same, with: sample(index + 1, "arithmetic", question, `The answer is ${481 + index}.`, true), without: sample(index + 1, same ? "arithmetic" : "generalist", question, same ? `The answer is ${481 + index}.` : "This starter expert can't do that; download one that can.", same) };
      });
      const same = pairs.filter((pair) => pair.same).length;
      const lost = asked - same;
      const loss = asked === 0 ? null : { n: asked, both: same, first_only: lost, second_only: 0, neither: 0, difference: lost / asked, low: lost / asked - 0.041, high: lost / asked + 0.062 };
      const figured = { questions: "log", with: figures(pairs.map((pair) => pair.with), asked, 6), without: figures(pairs.map((pair) => pair.without), same, 4), same: share(same, asked), loss };
      return { pruned: { ...pruned, stopped: replay.signal.aborted, replay: figured, gain: { ...pruned.gain, ...(asked === n ? { peak_memory_bytes: 0, loads: 2, load_ms: 78 } : {}) } }, pairs };
    },
    async stopReplay() {
      replay.abort();
      return true;
    },
    retireExperts: (pruned) =>
      guard(() => {
        const names = pruned.removed.map((gone) => gone.name);
        change(experts().map((expert) => (names.includes(expert.manifest.name) ? { ...expert, retired: Date.now() } : expert)));
        note({ retired: names, pruned: { ...pruned, applied: true } });
      }),
    takeBackExpert: (name) =>
      guard(() => {
        change(experts().map((expert) => (expert.manifest.name === name ? { ...expert, retired: undefined } : expert)));
        note({ restored: [name] });
      }),
    poolHistory: () => guard(() => history),
    exportPruning: () => guard(() => "/home/you/Documents/pool-pruning.json"),
  };
}

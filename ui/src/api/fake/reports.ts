//! Reports to look at. Their figures are made up; the app has measured ones.

import type { Api } from "../api";
import type { Behind, Both, Change, Comparison, Dashboard, Expert, Figure, Figures, Finding, Mode, Opened, Point, Sample } from "../bindings";
import { wilson } from "../../pool/interval";
import { Cancelled, failure, pause } from "./pause";

export type Reports = Pick<Api, "dashboard" | "answersBehind" | "exportMetrics" | "modes" | "comparable" | "compare" | "stopComparison" | "pickQuestionFile">;

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const LEAST = 20;

/** Noise that is the same each time: 0 to 1. */
const noise = (at: number) => Math.abs(Math.sin(at * 12.9898) * 43758.5453) % 1;

function behind(n: number, value: (at: number) => number): Behind[] {
  return Array.from({ length: Math.min(n, 200) }, (_, at) => ({ answer: at % 31 === 30 ? null : `seen-${at}`, created: Date.now() - at * 0.7 * HOUR, value: value(at) }));
}

function figure(value: number, n: number, least = 5, each: (at: number) => number = (at) => value * (0.6 + 0.8 * noise(at))): Figure {
  return { value: n < least ? null : value, low: null, high: null, n, least, behind: behind(n, each) };
}

function share(part: number, n: number): Figure {
  const found = figure(part, n, LEAST, (at) => (noise(at) < part ? 1 : 0));
  return n < LEAST ? found : { ...found, ...wilson(part, n) };
}

/** So many of them. */
function some(n: number): Figure {
  return figure(n, n, 0, () => 1);
}

function dashboard(experts: Expert[], since: number, size: number): Dashboard {
  const until = Date.now();
  const hours = until - since <= 2 * DAY;
  const [step, steps] = hours ? [HOUR, 24] : [DAY, since === 0 ? 45 : Math.round((until - since) / DAY)];
  const n = Math.round((hours ? 46 : steps * 19) * size);
  const part = (of: number) => Math.round(n * of);
  const first = Math.floor(until / step) * step - (steps - 1) * step;
  const points = (value: (at: number) => Figure): Point[] =>
    Array.from({ length: steps }, (_, at) => ({ start: first + at * step, figure: value(at) })).filter((_, at) => size === 1 && noise(at + 3) > 0.15);
  const shares = [0.42, 0.26, 0.17, 0.02, 0.13];
  const names = experts.map((expert, at) => ({ name: expert.manifest.name, of: shares[at % shares.length]! / Math.ceil(experts.length / shares.length) }));
  const parts = (list: { name: string; of: number }[]) =>
    list.map(({ name, of }, at) => ({ name, share: { ...share(of, n), behind: behind(part(of), () => 1) }, right: share(0.93 - at * 0.07, Math.round(part(of) * 0.3)), confidence: figure(0.97 - at * 0.06, part(of)) })).sort((a, b) => (b.share.value ?? 0) - (a.share.value ?? 0));
  const bins = (peak: number) =>
    Array.from({ length: 10 }, (_, at) => {
      const count = part(0.34 * Math.exp(-((at - peak) ** 2) / 5));
      return { low: at / 10, high: (at + 1) / 10, answers: some(count), right: share(0.5 + at * 0.045, Math.round(count * 0.3)) };
    });
  const stages: [string, number, number][] = [["read", 0.4, 0.01], ["retrieve", 3.1, 0.03], ["route", 0.2, 0.01], ["seat", 48, 0.31], ["compress", 2.4, 0.02], ["generate", 71, 0.58], ["learn", 11, 0.04]];
  const latency = (at: number) => 96 + 40 * noise(at) + (at === 7 ? 90 : 0);
  return {
    since, until, trend: hours ? "hours" : "days", answers: n,
    routing: { experts: parts(names), domains: parts([["mathematics", 0.42], ["units", 0.26], ["words", 0.17], ["code", 0.09], ["none", 0.06]].map(([name, of]) => ({ name: String(name), of: Number(of) }))), right: share(0.91, part(0.3)), confidence: figure(0.94, n), by_confidence: bins(8.6) },
    retrieval: { asked: share(0.81, n), given: share(0.34, part(0.81)), score: figure(0.62, part(0.27)), by_score: bins(6), right_with: share(0.95, part(0.1)), right_without: share(0.9, part(0.2)), shares: points((at) => figure(0.2 + 0.3 * noise(at), 15, 1)) },
    compression: { share: share(0.12, n), ratio: figure(0.46, part(0.12)), tokens: figure(128_400 * size, part(0.12), 0), spent_ms: figure(2140 * size, n, 0, () => 2.4), spared_ms: figure(61_000 * size, part(0.12), 0, () => 540), ratios: points((at) => figure(0.38 + 0.2 * noise(at), 2, 1)) },
    memory: { peak: figure(23_500_000, n, 1), utilization: figure(0.003, n), loads: share(0.31, n), load_ms: figure(38.4, part(0.31)), swaps: some(part(0.3)), stays: some(part(0.69)), stays_ms: figure(part(0.69) * 38.4, part(0.69), 0, () => 38.4), peaks: points((at) => figure(21_000_000 + 2_500_000 * noise(at), 18, 1)), loads_by_time: points((at) => some(Math.round(2 + 6 * noise(at)))), experts: names.map(({ name, of }, at) => ({ name, peak: figure(21_400_000 + at * 500_000, part(of), 1), load_ms: figure(36 + at * 2, part(of * 0.3)), loads: some(part(of * 0.3)), stays: some(part(of * 0.7)) })) },
    latency: {
      p50: figure(104, n), p99: figure(412, n, 100), first_p50: figure(14, n), first_p99: figure(61, n, 100), day: figure(109, Math.min(n, 19)), before: figure(117, Math.max(0, n - 19)), trend: points((at) => figure(latency(at), 19, 1)),
      stages: stages.map(([stage, p50, of]) => ({ stage, part: of, p50: figure(p50, n), p99: figure(p50 * 3.4, n, 100) })),
      targets: { response_ms: figure(118, n), cost_saved: figure(0.24, part(0.6), 5, () => 0.031), p99_ms: figure(412, n, 100), utilization: figure(0.003, n) },
    },
  };
}

function sample(place: number, second: boolean, right: boolean | null): Sample {
  const total = 96 + 30 * noise(place) + (second ? 22 + 8 * noise(place + 50) : 0);
  const same = place % 9 !== 4;
  return { place, id: String(place), mode: second ? "optimized" : "basic", question: `What is ${384 + place} + 97?`, expected: null, right, answer: same || !second ? `The answer is ${481 + place}.` : `It makes ${481 + place}.`, expert: "arithmetic", domain: "mathematics", complexity: 4.2, refused: false, failure: null, recalled: 0, prompt_tokens: 18, tokens: 41, first_token_ms: 8, total_ms: total, load_ms: 0, memory_bytes: 21_400_000, peak_memory_bytes: 23_500_000, left: null, way: "", loads: 0, swaps: 0 };
}

function figures(samples: Sample[]): Figures {
  const judged = samples.filter((one) => one.right !== null);
  const right = judged.filter((one) => one.right).length;
  const n = samples.length;
  return { n, failed: 0, refused: 0, without_expected: n - judged.length, accuracy: judged.length ? { count: right, n: judged.length, share: right / judged.length, ...wilson(right / judged.length, judged.length) } : null, recalled: 0, prompt_tokens: n * 18, tokens: n * 41, latency_p50_ms: 104, latency_p99_ms: 210, first_token_p50_ms: 8, peak_memory_bytes: 23_500_000, loads: 2, swaps: 1, load_ms: 78 };
}

function compared(pairs: Both[], asked: number, stopped: boolean): Comparison {
  const n = pairs.length;
  const same = pairs.filter((pair) => pair.same).length;
  const judged = pairs.filter((pair) => pair.first.right !== null);
  const count = (first: boolean, second: boolean) => judged.filter((pair) => pair.first.right === first && pair.second.right === second).length;
  const finding = (found: Finding, of = n): Finding => (of < LEAST ? "too_few" : found);
  const change = (first: number, second: number, half: number, found: Finding): Change | null =>
    n === 0 ? null : { n, first, second, difference: second - first, low: n < 6 ? null : second - first - half, high: n < 6 ? null : second - first + half, finding: finding(found) };
  const difference = judged.length ? (count(false, true) - count(true, false)) / judged.length : 0;
  return {
    questions: "log", asked, stopped, least: LEAST, pairs, first: figures(pairs.map((pair) => pair.first)), second: figures(pairs.map((pair) => pair.second)),
    same: n === 0 ? null : { count: same, n, share: same / n, ...wilson(same / n, n) },
    right: judged.length === 0 ? null : { n: judged.length, both: count(true, true), first_only: count(false, true), second_only: count(true, false), neither: count(false, false), difference, low: difference - 0.09, high: difference + 0.08 },
    right_finding: finding("unproven", judged.length),
    total_ms: change(111, 137, 3.4, "more"), tokens: change(59, 59, 0, "unproven"), peak_memory_bytes: change(23_500_000, 23_500_000, 0, "unproven"),
  };
}

export function reports(parameters: URLSearchParams, guard: <T>(result: () => T) => Promise<T>, experts: () => Expert[]): Reports {
  const scene = parameters.get("scene") ?? "full";
  const pace = Number(parameters.get("pace") ?? 1);
  const none = scene === "first" || scene === "none";
  const size = none ? 0 : scene === "early" ? 0.02 : 1;
  const questions = none ? 0 : scene === "few" ? 8 : 120;
  let control = new AbortController();

  return {
    dashboard: (since) => guard(() => dashboard(experts(), since, size)),
    answersBehind: (ids) =>
      guard(() => ids.map((id, at): Opened => ({ id, conversation: "c1", question: `What is ${384 + at} + 97?`, answer: `Add the ones, then the tens.\nThe answer is ${481 + at}.`, expert: "arithmetic", rating: 0, refused: false }))),
    exportMetrics: () => guard(() => "/home/you/Documents/lectern-metrics.csv"),
    modes: () =>
      guard(() =>
        (["optimized", "fast", "basic"] as Mode[]).map((mode, at) => {
          const n = none || at === 1 ? 2 : 214;
          return { mode, total_ms: figure(118 - at * 9, n), tokens: figure(96 - at * 21, n), gain: mode === "optimized" && !none ? { mode, than: "basic" as Mode, n: 120, difference: 0.025, low: -0.004, high: 0.061 } : null };
        }),
      ),
    comparable: (file) =>
      guard(() => {
        if (file?.includes("wrong")) throw failure("bad_line", `${file}, line 2: the field "question" is missing`, 'Each line is an object with "id" and "question", and "expected" if you like.', "");
        return file === null ? { questions, expected: Math.round(questions * 0.3) } : { questions: 60, expected: 60 };
      }),
    async compare(_, file, limit, on) {
      control = new AbortController();
      await guard(() => undefined);
      const n = Math.min(limit, file === null ? questions : 60);
      let done = 0;
      try {
        for (; done < n * 2; done += 1) {
          on({ done, of: n * 2 });
          await pause(30 * pace, control.signal);
        }
      } catch (error) {
        if (!(error instanceof Cancelled)) throw error;
      }
      const pairs = Array.from({ length: Math.max(0, Math.min(n, done - n)) }, (_, at): Both => {
        const known = file !== null || at % 3 === 0;
        const first = sample(at + 1, false, known ? at % 11 !== 3 : null);
        const second = sample(at + 1, true, known ? at % 13 !== 4 : null);
        return { same: first.answer === second.answer, first, second };
      });
      return { ...compared(pairs, n, control.signal.aborted), questions: file ?? "log" };
    },
    async stopComparison() {
      control.abort();
      return true;
    },
    pickQuestionFile: async () => "/home/you/questions.jsonl",
  };
}

//! Searches for prompts, and going through the pool. Their figures are made up; the app has measured ones.

import { wilson } from "../../pool/interval";
import type { Api } from "../api";
import type { Both, Count, Difference, Expert, Found, KeptPrompt, Limits, Optimised, PoolStage, Sample, Share, Searched, ShownPrompt, Tried, Use } from "../bindings";
import { Cancelled, failure, pause } from "./pause";

export type Prompting = Pick<
  Api,
  "searchable" | "searchPrompt" | "stopSearchPrompt" | "promptHistory" | "promptsOf" | "usePrompt" | "restorePrompt" | "forgetSearch" | "goThroughPool" | "stopGoingThrough"
>;

const LAYOUT = "{question}";
const layouts = ["Sort these words: {question}", "Reverse the word {question}", "How many r's are in {question}?", "Question: {question}\nAnswer:"];

function tried(place: number, parents: number[], made: Tried["made"], change: string, layout: string, system: string | null, batch: [number, number] | null, front: number | null, tokens: number): Tried {
  const of = (right: number, n: number): Count => ({ right, n });
  return {
    place, parents, made, change, prompt: { system, layout, shots: [], words: [1, 1] }, batch: batch ? of(batch[1], 4) : null, parent_batch: batch ? of(batch[0], 4) : null,
    front: front === null ? null : of(front, 36), best_at: front ?? 0, on_front: false, held_out: null, prompt_tokens: tokens,
  };
}

/** A search as it grows. */
function grown(): Tried[] {
  const [edit, merge] = [{ by: "edit" } as const, { by: "merge" } as const];
  const brief = "Write the answer alone, in a few words.";
  const all = [
    tried(0, [], { by: "given" }, "as it is asked now", LAYOUT, null, null, 7, 9),
    tried(1, [0], edit, `asked as "${layouts[0]}"`, layouts[0]!, null, [1, 0], null, 16),
    tried(2, [0], edit, `says "${brief}"`, LAYOUT, brief, [1, 2], 12, 21),
    tried(3, [0], edit, `asked as "${layouts[1]}"`, layouts[1]!, null, [0, 3], 27, 14),
    tried(4, [2, 3], merge, "what 2 and 3 changed, together", layouts[1]!, brief, [3, 3], 30, 26),
    tried(5, [3], edit, `asked as "${layouts[2]}"`, layouts[2]!, null, [3, 0], null, 19),
    tried(6, [3], { by: "reflection", expert: "generalist" }, "written anew from what went wrong", layouts[1]!, "Write every letter of the word, then the same letters from the last to the first, and that word alone on the last line.", [3, 4], 33, 52),
    tried(7, [6], edit, "shows the nearest examples", layouts[1]!, "Write every letter of the word, then the same letters from the last to the first.", [3, 3], null, 88),
    tried(8, [4], edit, `asked as "${layouts[3]}"`, layouts[3]!, brief, [3, 2], null, 30),
  ];
  const front = [0, 3, 4, 6];
  return all.map((one) => ({ ...one, on_front: front.includes(one.place) }));
}

function share(right: number, n: number): Share {
  return { count: right, n, share: right / n, ...wilson(right / n, n) };
}

function gains(difference: number, half: number, n: number): Difference {
  const won = Math.round(Math.max(0, difference) * n) + 2;
  return { n, both: n - won - 4, first_only: won, second_only: 2, neither: 2, difference, low: difference - half, high: difference + half };
}

function sample(place: number, right: boolean, answer: string, expert = "words"): Sample {
  return { place, id: String(place), mode: "basic", way: "", question: ["river", "lantern", "basket", "garden"][place % 4]!, expected: ["revir", "nretnal", "teksab", "nedrag"][place % 4]!, right, answer, expert, domain: "words", refused: false, failure: null, recalled: 0, prompt_tokens: 14, tokens: 22, first_token_ms: 6, total_ms: 28, load_ms: 0, memory_bytes: 21_400_000, peak_memory_bytes: 23_500_000, left: null, loads: 0, swaps: 0, complexity: 2 };
}

function pairs(n: number): Both[] {
  return Array.from({ length: n }, (_, at) => {
    const first = sample(at + 1, at % 5 === 0, "This starter expert can't do that; download one that can.");
    const second = sample(at + 1, at % 11 !== 10, ["revir", "nretnal", "teksab", "nedrag"][(at + 1) % 4]!);
    return { same: false, first, second };
  });
}

const changed = (from: string, to: string): string[] => {
  const [before, after] = [from.split("\n"), to.split("\n")];
  return [...before.filter((line) => !after.includes(line)).map((line) => `- ${line}`), ...after.filter((line) => !before.includes(line)).map((line) => `+ ${line}`)];
};
const linesOf = ({ prompt }: Tried) => [...(prompt.system ? prompt.system.split(/(?<=\.) /).map((line) => `system: ${line}`) : []), ...`asked: ${prompt.layout}`.split("\n")];

export function prompts(parameters: URLSearchParams, guard: <T>(result: () => T) => Promise<T>, experts: () => Expert[]): Prompting {
  const scene = parameters.get("scene") ?? "full";
  const pace = Number(parameters.get("pace") ?? 1);
  const questions = ["first", "none", "early"].includes(scene) ? 0 : scene === "few" ? 23 : 120;
  const least = (n: number) => (n < 40 ? null : 2 * Math.ceil(n / 2) + 2 * Math.ceil(n * 0.3) + 8);
  let control = new AbortController();
  let going = new AbortController();
  let made = 0;
  const searches = new Map<number, { searched: Searched; prompts: ShownPrompt[]; pairs: Both[] }>();
  let uses: Use[] = [];

  function keep(expert: string, limits: Limits, all: Tried[], ended: Optimised["ended"], shown: Optimised["shown"]): Found {
    made += 1;
    const best = shown === "gain" || shown === "no_gain" ? 6 : null;
    const list = all.map((one): Tried => ({ ...one, held_out: best !== null && (one.place === 0 || one.place === best) ? { right: one.place === 0 ? 12 : shown === "gain" ? 54 : 15, n: 60 } : null }));
    const kept = list.map((one): KeptPrompt => ({ number: made * 100 + one.place, run: made, created: Date.now(), expert, shots_gone: 0, ...one }));
    const gain = shown === "gain" ? gains(0.7, 0.13, 60) : shown === "no_gain" ? gains(0.05, 0.08, 60) : null;
    const optimised: Optimised = {
      expert, questions: "log", limits, parts: { feedback: 24, front: 36, held_out: 60 }, spent: ended === "stopped" ? 61 : limits.rollouts - 7, tokens: 18_420, elapsed_ms: 14_300, reflector: "generalist",
      domains: ["words", "none"], best: best === null ? null : made * 100 + best, gain, shown, ended, rl_ratio: null,
    };
    const first = linesOf(list[0]!).join("\n");
    const shownPrompts = kept.map((one): ShownPrompt => {
      const own = linesOf(one);
      const parent = list[one.parents[0] ?? 0]!;
      return { kept: one, changed: changed(first, own.join("\n")), changed_from_parent: changed(linesOf(parent).join("\n"), own.join("\n")), lines: own };
    });
    const both = best === null ? [] : pairs(60);
    searches.set(made, { searched: { number: made, created: Date.now() - made * 3_600_000, expert, tried: kept.length, optimised }, prompts: shownPrompts, pairs: both });
    return { run: made, optimised, tried: kept, pairs: both };
  }

  const limits: Limits = { rollouts: 400, seed: 1, tokens: null, seconds: null, reflect: null };
  if (["full", "slow", "many"].includes(scene)) {
    keep("units", limits, grown(), "budget", "no_gain");
    keep("arithmetic", limits, grown().slice(0, 2), "stopped", "unfinished");
  }

  return {
    searchable: (file) =>
      guard(() => {
        if (file?.includes("wrong")) throw failure("bad_line", `${file}, question 2: the field "question" is missing`, 'Each line is an object with "question" and "expected".', "");
        const n = file === null ? questions : 80;
        return { questions: n, least: 40, rollouts: least(n) };
      }),
    async searchPrompt(expert, _, limits, on) {
      control = new AbortController();
      await guard(() => undefined);
      const all = grown();
      let shown: Tried[] = [];
      try {
        for (let spent = 1; spent < limits.rollouts; spent += 8) {
          await pause(60 * pace, control.signal);
          const next = all.slice(0, Math.min(all.length, Math.ceil((spent / limits.rollouts) * (all.length + 4))));
          const grew = next.length > shown.length;
          if (grew) shown = next;
          on({ run: made + 1, spent, of: limits.rollouts, judging: spent > limits.rollouts * 0.7, tried: grew ? shown : null });
        }
      } catch (error) {
        if (!(error instanceof Cancelled)) throw error;
        return keep(expert, limits, shown.length ? shown : all.slice(0, 1), "stopped", "unfinished");
      }
      return keep(expert, limits, all, "budget", expert === "arithmetic" ? "no_gain" : "gain");
    },
    async stopSearchPrompt() {
      control.abort();
      return true;
    },
    promptHistory: () => guard(() => ({ searches: [...searches.values()].map((one) => one.searched).sort((a, b) => b.number - a.number), uses })),
    promptsOf: (search) => guard(() => searches.get(search)?.prompts ?? []),
    usePrompt: (number, domains) =>
      guard(() => {
        const expert = [...searches.values()].find((one) => one.prompts.some(({ kept }) => kept.number === number))?.searched.expert ?? "";
        for (const domain of domains) {
          uses = uses.map((use) => (use.expert === expert && use.domain === domain ? { ...use, now: false } : use));
          uses = [{ number: uses.length + 1, created: Date.now(), expert, domain, prompt: number, now: true }, ...uses];
        }
      }),
    restorePrompt: (expert) =>
      guard(() => {
        const domains = uses.filter((use) => use.now && use.expert === expert && use.prompt !== null).map((use) => use.domain);
        uses = uses.map((use) => (use.expert === expert ? { ...use, now: false } : use));
        return domains;
      }),
    forgetSearch: (search) => guard(() => searches.delete(search)),
    async goThroughPool(file, wish, on) {
      going = new AbortController();
      await guard(() => undefined);
      const names = experts().map((expert) => expert.manifest.name);
      const n = file === null ? questions : 80;
      const reached = new Set<PoolStage>();
      try {
        for (const step of (["prune", "compose", "optimise", "capabilities"] as PoolStage[]).filter((step) => !wish.skip.includes(step))) {
          for (let done = 1; done <= n; done += 4) {
            await pause(20 * pace, going.signal);
            on({ step, what: step === "prune" ? "with" : (names[done % names.length] ?? ""), done, of: n });
          }
          reached.add(step);
        }
      } catch (error) {
        if (!(error instanceof Cancelled)) throw error;
      }
      const has = (step: PoolStage) => reached.has(step);
      const half = pairs(Math.min(n, 40));
      return {
        questions: file ?? "log", asked: n, stopped: going.signal.aborted,
        prune: has("prune")
          ? {
              pruned: { criterion: wish.criterion, seed: 1, target: wish.target, original: names, retained: names.slice(0, 4), removed: [{ name: names[2] ?? "words", score: 0.11, disk_bytes: 1_400_000 }], disk_bytes_before: 13_400_000, gain: { disk_bytes: 1_400_000, disk_share: 0.31, peak_memory_bytes: 0, loads: 1, load_ms: 38 }, replay: { questions: "log", with: null as never, without: null as never, same: null, loss: gains(0.03, 0.05, n) }, stopped: false, applied: false },
              pairs: half.map((pair) => ({ same: pair.same, with: pair.second, without: pair.first })),
            }
          : null,
        compose: has("compose")
          ? [
              { domain: "mathematics", n: 42, alone: "arithmetic", right: share(40, 42), beside: null, at_most: null, gain: null, pays: false, pairs: [] },
              { domain: "words", n: 38, alone: "words", right: share(31, 38), beside: "generalist", at_most: gains(0.08, 0.09, 38), gain: gains(-0.03, 0.1, 38), pays: false, pairs: half },
            ]
          : null,
        optimise: has("optimise")
          ? [
              { expert: "arithmetic", domain: "mathematics", questions: 42, run: 3, optimised: searches.get(1)?.searched.optimised ?? null, pairs: half, passed_over: searches.get(1) ? null : "38 questions are too few for a search" },
              { expert: "words", domain: "words", questions: 38, run: null, optimised: null, pairs: [], passed_over: "38 questions are too few for a search" },
            ]
          : null,
        capabilities: has("capabilities")
          ? {
              questions: n, judged: n, experts: names, overlap: names.flatMap((first, at) => names.slice(at + 1).map((second, place) => ({ first, second, same: share(Math.max(1, 30 - 6 * (at + place)), 80) }))), regret: names.map((expert, at) => ({ expert, routed: 30 - at * 5, loss: gains(0.2 - at * 0.05, 0.06, 80) })), together: names.slice(1).map((second, at) => ({ first: names[0] ?? "", second, either: share(62 - at * 4, 80), gain: gains(0.12 - at * 0.03, 0.05, 80) })), router: share(70, 80), best_alone: { expert: "generalist", right: share(50, 80) }, somebody: share(76, 80), over_best_alone: null, stopped: false,
              capability: names.flatMap((expert, at) => ["mathematics", "words", "units"].map((domain, place) => ({ expert, domain, right: place === 2 && at > 3 ? null : share(Math.max(0, 36 - Math.abs(at - place) * 11), 40) }))),
            }
          : null,
      };
    },
    async stopGoingThrough() {
      going.abort();
      return true;
    },
  };
}

//! A double of the app for a plain browser: for developing the window and looking at every face of it. It is no part
//! of the app: `main.ts` loads it only while developing, and a test looks for it in the build.
//!
//! `?scene=` chooses what there is: `first` (nothing yet), `full` (the default), `device` (a graphics processor), `retired` (an expert that questions pass by), `slow` (each step takes seconds),
//! `failed` (every command fails), `crash` (the expert dies while it answers), `refused`, `none` (no expert), `many` (sixty of them), `early` and `few` (little to judge by), `large` (a mixture with many experts inside). `?hub=` is in `hub.ts`.

import type { Api } from "../api";
import type { Answer, AnswerEvent, Block, Conversation, Expert, Lesson, News, Placement, Question, Seat, Settings, Turn } from "../bindings";
import { documents } from "./documents";
import { experts } from "./experts";
import { farExpert, outside } from "./outside";
import { hub } from "./hub";
import { mixturePruning } from "./mixture";
import { Cancelled, failure, pause } from "./pause";
import { plan } from "./plan";
import { past, seeded } from "./past";
import { prompts } from "./prompts";
import { packs } from "./packs";
import { playbook } from "./playbook";
import { multiplied, pruning } from "./pruning";
import { plainOf, reply } from "./replies";
import { reports } from "./reports";
import { composed, council, reasoned } from "./several";

/** Looked for in the build, where it must not be. */
export const MARK = "lectern-development-double";

const MB = 1_000_000;
const BUDGET = 8_000 * MB;
const MEMORY = 21.4 * MB;

export function fake(parameters: URLSearchParams = new URLSearchParams()): Api {
  const scene = parameters.get("scene") ?? "full";
  const pace = scene === "slow" ? 12 : Number(parameters.get("pace") ?? 1);
  const PLACEMENT: Placement = scene === "device" ? { device: "NVIDIA GeForce RTX 4070 (CUDA)", layers: 4, on_device: 4, why: null } : { device: null, layers: 4, on_device: 0, why: null };
  let pool: Expert[] = scene === "none" ? [] : experts();
  if (scene === "many") pool = multiplied(pool, 60);
  if (scene === "retired") pool = pool.map((expert, index) => (index === 2 ? { ...expert, retired: 1_763_700_000_000 } : expert));
  if (scene === "outside") pool = [...pool, farExpert(pool[0] as Expert, "big-model", ["general"], { url: "https://api.example.com/v1", model: "big", context: 32768, automatic: false })];
  let encoder: string | null = null;
  let turns: Turn[] = scene === "first" || scene === "none" ? [] : seeded();
  const titles = new Map<string, string>();
  let settings: Settings = {
    theme: "system",
    mode: "optimized",
    budget_gb: null,
    processor_only: false,
    hub: { endpoint: null, cache: null, offline: false, downloads_at_once: 2, folders: [] },
    queue: { depth: 50, per_expert: 0, together: 8, gathering_ms: 100, waiting_s: 1800, answering_s: 1800, silence_s: 30, idle_s: 1800, warm_up: false },
    outside: scene === "outside",
    playbook: { on: true, tokens: 256 },
    gates: { on: true, minimal_below: 0.3, guided_above: 0.5, verify_above: 0.95 },
  };
  let seat: Seat = { state: "empty" };
  let tell: (news: News) => void = () => {};
  const stops = new Map<string, AbortController>();
  let made = 0;
  let lessons: Lesson[] = [];
  const learn = (question: string, expert: string, right: boolean, source: Lesson["source"]) => {
    lessons = [{ id: (made += 1), question, expert, right, source, created: Date.now() }, ...lessons];
  };
  if (scene === "full" || scene === "many") {
    learn("How many grams of flour are in two cups?", "units", true, "retry");
    learn("How many grams of flour are in two cups?", "arithmetic", false, "retry");
    learn("Write a function that tells whether a string reads the same from both ends, without the spaces, and say in one line what it costs in time and in memory", "code", true, "rating");
    if (scene === "many") for (let n = 0; n < 40; n += 1) learn(`What is ${n} dozen eggs in trays of thirty?`, "arithmetic", true, "told");
  }

  function tellQueue() {
    const busy = seat.state === "taken" && seat.busy;
    const waiting: Record<string, number> = scene === "many" ? { arithmetic: 3, code: 2 } : busy && seat.state === "taken" ? { [seat.expert]: 1 } : {};
    const traffic = scene === "first" ? { turns: 0, together: 0, waited_ms: 0, loads: 0, loads_saved: 0, deepest: 0 } : { turns: 41, together: 6, waited_ms: 5_330, loads: 12, loads_saved: 9, deepest: 5 };
    tell({ kind: "queue", queue: { waiting, answering: busy || scene === "many" ? 1 : 0, resting: scene === "many" ? ["words"] : [], traffic } });
  }

  function seats(next: Seat): Seat {
    seat = next;
    tell({ kind: "seat", seat, budget_bytes: BUDGET });
    tellQueue();
    return seat;
  }

  function titleOf(name: string): string {
    return pool.find((expert) => expert.manifest.name === name)?.manifest.title ?? name;
  }

  async function guard<T>(result: () => T): Promise<T> {
    await pause(8);
    if (scene === "failed") {
      throw failure("archive.locked", "The archive is in use by another program.", "Close the other Lectern, then try again. Nothing is lost.", "SQLITE_BUSY (5): database is locked");
    }
    return result();
  }

  function list(): Conversation[] {
    const ids = [...new Set(turns.map((turn) => turn.answer.conversation))];
    return ids.map((id) => {
      const own = turns.filter((turn) => turn.answer.conversation === id).map((turn) => turn.answer);
      const title = titles.get(id) ?? own[0]?.question ?? "";
      return { id, title, created: own[0]?.created ?? 0, updated: own.at(-1)?.created ?? 0, answers: own.length };
    });
  }

  async function ask(question: Question, on: (event: AnswerEvent, blocks?: Block[]) => void): Promise<void> {
    made += 1;
    const id = `answer-${made}`;
    const conversation = question.conversation ?? `conversation-${made}`;
    const control = new AbortController();
    stops.set(id, control);
    const wait = (ms: number) => pause(ms * pace, control.signal);
    on({ kind: "begun", id, conversation });
    const planned = plan(question.text, pool, question.expert, seat);
    const sources = question.mode === "optimized" ? past(question, turns) : [];
    const answer: Answer = { ...blank(), id, conversation, question: question.text, expert: planned.plan.chosen, created: Date.now() };
    answer.trace.read = planned.reading;
    let blocks: Block[] = [];
    let drafts: Block[][] = [];
    try {
      await wait(60);
      on({ kind: "read", ...planned.reading });
      await wait(60);
      answer.trace.retrieve = { asked: question.mode === "optimized", passages: sources, considered: sources.length * 3, threshold: 0.35, elapsed_ms: 1.8 };
      on({ kind: "retrieved", ...answer.trace.retrieve });
      await wait(60);
      answer.trace.route = planned.plan;
      on({ kind: "routed", ...planned.plan });
      const name = planned.plan.chosen;
      const was = seat.state === "taken" ? seat.expert : null;
      const far = pool.find((expert) => expert.manifest.name === name)?.manifest.implementations[0]?.endpoint;
      const words = far ? `leaves this machine: ${new URL(far.url).host}` : undefined;
      if (words) on({ kind: "seating", ...seats({ state: "lent", what: `${titleOf(name)} (${words})` }) });
      else if (was !== name) {
        for (const share of was ? [1, 0.6, 0.2] : []) {
          on({ kind: "seating", ...seats({ state: "leaving", expert: was ?? "", title: titleOf(was ?? ""), memory_bytes: MEMORY * share }) });
          await wait(70);
        }
        for (const share of [0.1, 0.4, 0.8, 1]) {
          on({ kind: "seating", ...seats({ state: "loading", expert: name, title: titleOf(name), memory_bytes: MEMORY * share, expected_bytes: MEMORY }) });
          await wait(70);
        }
      }
      if (!words) seats({ state: "taken", expert: name, title: titleOf(name), memory_bytes: MEMORY, pid: 4242, busy: true, tokens_per_s: null });
      answer.trace.seat = { expert: name, was_seated: was === name, left: was === name ? null : was, freed_bytes: was && was !== name ? MEMORY : 0, memory_bytes: MEMORY, budget_bytes: BUDGET, placement: PLACEMENT, leave_ms: was && was !== name ? 11.2 : 0, load_ms: was === name ? 0 : 38.4, elapsed_ms: was === name ? 0.2 : 52.7 };
      if (words) answer.trace.seat = { ...answer.trace.seat, outside: words, memory_bytes: 0, load_ms: 0, placement: { device: null, layers: 0, on_device: 0, why: null } };
      on({ kind: "seated", ...answer.trace.seat });
      answer.trace.compress = { tokens_before: 18, tokens_after: 18, kept: 0, dropped: 0, reason: `${titleOf(name)} reads single questions only, so it is given the question alone.`, elapsed_ms: 0.4 };
      on({ kind: "compressed", ...answer.trace.compress });
      const said = reply(question.text, scene === "refused");
      answer.refused = said.refused;
      for (let shown = 1; shown <= said.pieces.length; shown += 1) {
        await wait(scene === "slow" ? 25 : 16);
        if (scene === "crash" && shown > 12) throw failure("host.crashed", `${titleOf(name)} stopped working while it answered.`, "Ask again: it is seated anew. The rest of Lectern is not affected.", "the expert's process ended by signal 9 after 12 tokens");
        const soFar = said.pieces.slice(0, shown).join("");
        blocks = said.blocks(soFar);
        answer.answer = soFar;
        on({ kind: "text", piece: said.pieces[shown - 1] ?? "" }, blocks);
      }
      answer.tokens = said.pieces.length;
      answer.trace.generate = { prompt_tokens: 18, tokens: said.pieces.length, first_token_ms: 7.4, tokens_per_s: 612, prompt_tokens_per_s: 2480, confidence: 0.982, peak_memory_bytes: MEMORY * 1.1, cached_tokens: 0, cached_in: null, read_tokens: 18, shifted: 0, together: 1, finish: "end", elapsed_ms: said.pieces.length * 1.7 };
      on({ kind: "generated", ...answer.trace.generate });
      if (question.aggregate === "auto") {
        answer.trace.composed = composed(question);
        on({ kind: "composed", ...answer.trace.composed });
      }
      if (question.aggregate && answer.trace.composed?.aggregate !== null) {
        const heard = await council(question, planned.plan.experts, blocks, answer.trace.seat, answer.trace.generate, wait, on);
        [answer.trace.council, drafts] = [heard.council, heard.drafts];
        if (heard.together) [blocks, answer.answer] = [heard.together, plainOf(heard.together)];
      } else if (question.strategy && question.strategy !== "direct") {
        answer.trace.reason = reasoned(question, answer.answer);
        on({ kind: "reasoned", ...answer.trace.reason });
      }
      answer.trace.difficulty = scene === "first" ? { value: null, ability: null, ability_error: null, difficulty: null, discrimination: null, n: 3, expert_n: 3, least: 20, gate: "Not measured yet (n=3, of 20 that it takes)." } : { value: 0.1412, ability: 1.04, ability_error: 0.16, difficulty: -0.57, discrimination: 1.12, n: 79, expert_n: 96, least: 20, gate: "Under 0.30: asked once." };
      if (scene !== "first") answer.trace.advice = { bullets: [{ id: 1, title: "", text: "Answer in one short line unless I ask for more.", origin: "user", score: 0.12 }], trajectories: [{ id: 5, title: "What is … + …?", text: "384 + 97 = 384 + 100 - 3", origin: "reflector", good: true, score: 0.81 }], considered: 2, tokens: 12, left_out: "Difficulty 0.14 is under 0.95: without learned rules.", elapsed_ms: 0.6 };
      await wait(60);
      answer.trace.learn = said.refused ? { stored: false, why_not: "a refusal teaches nothing", elapsed_ms: 0.1 } : { stored: true, why_not: null, elapsed_ms: 3.1 };
    } catch (error) {
      if (!(error instanceof Cancelled)) {
        seats({ state: "failed", expert: planned.plan.chosen, failure: error as never });
        on({ kind: "failed", failure: error as never });
        throw error;
      }
      answer.stopped = true;
      answer.trace.stopped_in = "generate";
      answer.trace.learn = { stored: false, why_not: "it was stopped", elapsed_ms: 0.1 };
      if (answer.answer) answer.trace.generate = { ...answer.trace.generate, prompt_tokens: 18, tokens: 9, first_token_ms: 7.4, tokens_per_s: 588, finish: "stopped", elapsed_ms: 15.3 };
    }
    stops.delete(id);
    answer.trace.total_ms = 96.4;
    const name = planned.plan.chosen;
    if (answer.trace.seat.outside) seats({ state: "empty" });
    else seats({ state: "taken", expert: name, title: titleOf(name), memory_bytes: MEMORY, pid: 4242, busy: false, tokens_per_s: 612 });
    turns = turns.filter((turn) => turn.answer.id !== question.replaces);
    turns.push({ answer, blocks, drafts });
    on({ kind: "done", answer }, blocks);
  }

  return {
    ask: (question, on) => guard(() => undefined).then(() => ask(question, (event, blocks) => on({ event, blocks: blocks ?? null }))),
    stop: async (id) => stops.get(id)?.abort(),
    route: (text, expert) => guard(() => plan(text, pool, expert, seat).plan),
    watch: async (on) => {
      tell = on;
      seats(scene === "full" ? { state: "taken", expert: "words", title: "Words", memory_bytes: MEMORY, pid: 41, busy: false, tokens_per_s: 588 } : seat);
    },
    unseat: async () => void seats({ state: "empty" }),
    conversations: (search) => guard(() => list().filter((one) => one.title.toLowerCase().includes((search ?? "").toLowerCase()))),
    conversation: (id) => guard(() => turns.filter((turn) => turn.answer.conversation === id)),
    deleteConversation: (id) => guard(() => void (turns = turns.filter((turn) => turn.answer.conversation !== id))),
    renameConversation: (id, title) => guard(() => void titles.set(id, title)),
    forget: (id) => guard(() => void (turns = turns.filter((turn) => turn.answer.id !== id))),
    rate: (id, rating) =>
      guard(() => {
        const answer = turns.find((turn) => turn.answer.id === id)?.answer;
        lessons = lessons.filter((one) => one.question !== answer?.question);
        if (answer && rating !== 0) learn(answer.question, answer.expert, rating > 0, "rating");
      }),
    lessons: () => guard(() => lessons),
    unlearn: (id) => guard(() => void (lessons = id === null ? [] : lessons.filter((one) => one.id !== id))),
    meaning: () => guard(() => ({ encoder, built_in: encoder ? null : 256, offered: "all-MiniLM-L6-v2", done: turns.length, all: turns.length })),
    fetchEncoder: () => guard(() => void (encoder = "all-MiniLM-L6-v2")),
    dropEncoder: () => guard(() => void (encoder = null)),
    experts: () => guard(() => pool),
    addExpert: (path, name, domains) =>
      guard(() => {
        if (!path.endsWith(".gguf")) throw failure("gguf.bad_magic", `${path} is no GGUF file: it begins with 3c 21 64 6f.`, "Choose a file that ends in .gguf, or download it again.", "expected 47 47 55 46 at byte 0");
        const one: Expert = { ...(pool[0] as Expert), file: path, starter: false };
        one.manifest = { ...one.manifest, name, title: name, domains, measured: [], examples: [], description: "", cannot: "" };
        one.statistics = { ...one.statistics, answers: 0, mean_latency_ms: null, mean_tokens_per_s: null };
        pool = [...pool, one];
        return one;
      }),
    pickModelFile: async () => "/home/you/models/Qwen3-4B-Q4_K_M.gguf",
    settings: () => guard(() => settings),
    hasDeviceProgram: () => guard(() => scene === "device"),
    saveSettings: (next) => guard(() => void (settings = next)),
    status: () =>
      guard(() =>
        ["read", "retrieve", "route", "seat", "compress", "generate", "reason", "aggregate", "learn"].map((component, index) => {
          const runs = scene === "first" || component === "compress" ? 0 : 57 - index;
          const change = component === "route" ? "another expert than the generalist answered" : component === "retrieve" ? "a past answer was given to the expert" : null;
          return { component, runs, changed_answer: change === null ? null : Math.round(runs * 0.8), change_means: change, mean_ms: runs ? [0.4, 1.9, 0.2, 48, 0, 61, 120, 340, 3.2][index] as number : null, total_ms: 0, last_run: runs ? Date.now() - 90_000 : null };
        }),
      ),
    ...documents(scene, pace, guard),
    ...outside(scene, guard, (code, message, fix) => failure(code, message, fix, ""), () => pool, (next) => void (pool = next), () => settings, (next) => void (settings = next)),
    ...packs(scene, guard, () => pool, (next) => void (pool = next)),
    ...playbook(scene, guard),
    ...reports(parameters, guard, () => pool),
    ...prompts(parameters, guard, () => pool),
    ...pruning(parameters, guard, () => pool, (next) => void (pool = next)),
    ...mixturePruning(parameters, guard, () => pool, (next) => void (pool = next), seats),
    ...hub(parameters, guard, () => pool, (next) => void (pool = next), () => settings.hub),
    hostOf: async (url) => ({ host: new URL(url).host, url }),
    openLink: async () => undefined,
  };
}

function blank(): Answer {
  return {
    id: "", conversation: "", question: "", answer: "", expert: "", tokens: 0, stopped: false, refused: false, rating: 0, created: 0,
    trace: {
      read: { domain: "", confidence: 0, domains: [], complexity: 0, features: { words: 0, characters: 0, numbers: 0, longest_number_digits: 0, operators: 0, has_code: false, has_quotes: false }, elapsed_ms: 0 },
      retrieve: { asked: false, passages: [], considered: 0, threshold: 0, elapsed_ms: 0 },
      route: { domain: "", confidence: 0, complexity: 0, experts: [], chosen: "", abstained: false, by_hand: false, min_confidence: 0, reason: "", elapsed_ms: 0 },
      seat: { expert: "", was_seated: false, left: null, freed_bytes: 0, memory_bytes: 0, budget_bytes: 0, placement: { device: null, layers: 0, on_device: 0, why: null }, leave_ms: 0, load_ms: 0, elapsed_ms: 0 },
      compress: { tokens_before: 0, tokens_after: 0, kept: 0, dropped: 0, reason: "", elapsed_ms: 0 },
      generate: { prompt_tokens: 0, tokens: 0, first_token_ms: 0, tokens_per_s: 0, prompt_tokens_per_s: 0, confidence: 0, peak_memory_bytes: 0, cached_tokens: 0, cached_in: null, read_tokens: 0, shifted: 0, together: 1, finish: "end", elapsed_ms: 0 },
      learn: { stored: false, why_not: null, elapsed_ms: 0 },
      total_ms: 0,
      stopped_in: null,
    },
  };
}

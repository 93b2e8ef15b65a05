//! Packs to look at. Scenes: `packs` (some were added, an expert reads prompts, a file in the home is not right), `badfile`
//! (the file that is chosen is not right).

import type { Api } from "../api";
import type { Expert, ListedPack, Pack } from "../bindings";
import { failure } from "./pause";

export type PacksApi = Pick<Api, "packs" | "packAt" | "pickPackFile" | "addPack" | "removePack">;

function pack(name: string, title: string, about: string, domain: string, prompt: string, part: Partial<Pack> = {}): Pack {
  return {
    name, title, about, domain,
    keywords: ["contract", "clause", "liabil*", "lawsuit", "statute", "lease", "court"],
    wordings: ["What does this clause of the contract oblige me to do?", "Explain the difference between civil and criminal law", "What is force majeure?"],
    experts: [{ kind: name, title, complexity: 7, temperature: 0.1, max_tokens: 1024, system_prompt: prompt, catalogue: ["bartowski/Meta-Llama-3.1-8B-Instruct-GGUF", "bartowski/phi-4-GGUF"] }],
    playbook: ["The jurisdiction and the date of the law are named before anything else.", "The words of the text are quoted, then explained.", "A defined term means what the definitions say, wherever it stands."],
    questions: [
      { question: "Who brings a civil claim? Answer with the letter alone. A) the defendant B) the plaintiff C) the prosecutor D) the witness", answer: "B" },
      { question: "A late fee is 2 percent a month of 500, without compounding. How much is it after 3 months? Answer with the number alone.", answer: "30" },
      { question: "A definition says that 'Business Day' excludes Saturday and Sunday. Payment is due one Business Day after Friday. On which day? Answer with its name alone.", answer: "Monday" },
    ],
    ...part,
  };
}

const LAW = pack("law", "Law", "General legal terms and how legal texts are read. No legal advice, and no law of any one country unless you name it.", "law", "You explain legal terms and read legal texts; you give no legal advice. Say first which jurisdiction the answer is about, and ask for it when it matters and is missing.");
const SHIPPED: Pack[] = [
  pack("general", "General", "Everyday questions of every kind, answered briefly and plainly.", "general", "You answer briefly and plainly."),
  pack("code", "Code", "Programs in common languages: written, read, explained and mended.", "code", "You write code that runs.", { experts: ["writing", "review"].map((kind) => ({ kind, title: `Code, ${kind}`, complexity: 6, temperature: 0, max_tokens: 2048, system_prompt: `You are careful with the ${kind} of code.`, catalogue: ["Qwen/Qwen2.5-Coder-7B-Instruct-GGUF"] })) }),
  pack("maths", "Mathematics", "Calculation, algebra, geometry, probability and calculus, with the steps shown.", "mathematics", "You are careful with mathematics. Write the given facts down, choose a method, and show each step on a line of its own."),
  LAW,
  pack("insurance-compliance", "Insurance compliance", "Terms, figures and checks of insurance, read against the rules that you give. No legal advice.", "insurance", "You read policies against rules."),
];

export function packs(scene: string, guard: <T>(result: () => T) => Promise<T>, pool: () => Expert[], change: (next: Expert[]) => void): PacksApi {
  const listed = (one: Pack, shipped: boolean): ListedPack => ({ pack: one, shipped, imported: false, experts: [], questions_file: null });
  const imported = (one: ListedPack): ListedPack => ({ ...one, imported: true, questions_file: `/home/you/.local/share/lectern/packs/${one.pack.name}.jsonl` });
  let all = SHIPPED.map((one) => listed(one, true));
  if (scene === "many") for (let n = 0; n < 30; n += 1) all.push(imported(listed(pack(`field-${n}`, `A field of my own with a rather long name, number ${n}`, "What my field needs.", `field ${n}`, "You know the field."), false)));

  function speakers(one: Pack, expert: string): string[] {
    const from = pool().find((its) => its.manifest.name === expert);
    if (!from || from.starter) throw failure("packs.reads_no_prompt", `${from?.manifest.title ?? expert} reads single questions and no prompt: it cannot speak for a pack`, "Choose an expert that you added; `lectern packs show NAME` names models that would do.", "");
    const names = one.experts.map((its) => (one.experts.length === 1 ? `${one.name}-pack` : `${one.name}-${its.kind}`));
    const speaking = names.map((name, at) => ({ ...from, manifest: { ...from.manifest, name, title: `${one.experts[at]?.title} (${from.manifest.title})`, domains: [one.domain], origin: `pack ${one.name}, speaking with ${expert}` } }));
    change([...pool().filter((its) => !names.includes(its.manifest.name)), ...speaking]);
    return names;
  }

  function add(one: Pack, shipped: boolean, expert: string | null): ListedPack {
    const before = all.find((its) => its.pack.name === one.name);
    const now = imported({ ...listed(one, shipped), experts: expert === null ? (before?.experts ?? []) : speakers(one, expert) });
    all = before ? all.map((its) => (its === before ? now : its)) : [...all, now];
    return now;
  }

  if (scene === "packs") {
    const [like] = pool();
    if (like) change([...pool(), { ...like, starter: false, file: "/home/you/models/Qwen3-4B-Q4_K_M.gguf", manifest: { ...like.manifest, name: "qwen3-4b", title: "Qwen3 4B", domains: ["general"], reads: "conversation", measured: [], examples: [], fallback: false } }]);
    add(LAW, true, "qwen3-4b");
    add(SHIPPED[0] as Pack, true, null);
  }

  return {
    packs: () => guard(() => ({ packs: all, wrong: scene === "packs" ? [failure("packs.bad_file", "/home/you/.local/share/lectern/packs/my-field.yaml:17:15: complexity: invalid value \"many\"", "Correct that place of the file.", "")] : [] })),
    pickPackFile: async () => "/home/you/my-field.yaml",
    packAt: (path) =>
      guard(() => {
        if (scene === "badfile") throw failure("packs.bad_file", `${path}:2:1: unknown field \`titel\`, expected one of \`name\`, \`title\`, \`about\``, "Correct that place of the file.", "");
        return pack("my-field", "My field", "What my field needs.", "my field", "You know the field.");
      }),
    addPack: (what, expert) =>
      guard(() => {
        const known = all.find((one) => one.pack.name === what);
        return add(known?.pack ?? pack("my-field", "My field", "What my field needs.", "my field", "You know the field."), known?.shipped ?? false, expert);
      }),
    removePack: (name) =>
      guard(() => {
        const gone = all.find((one) => one.pack.name === name);
        change(pool().filter((one) => !gone?.experts.includes(one.manifest.name)));
        all = gone?.shipped ? all.map((one) => (one === gone ? listed(one.pack, true) : one)) : all.filter((one) => one !== gone);
      }),
  };
}

//! Experts to look at. Their figures are made up; the app has measured ones.

import type { Expert } from "../bindings";

type Draft = { name: string; title: string; domain: string; does: string; cannot: string; examples: string[]; accuracy: number; fallback?: boolean };

const drafts: Draft[] = [
  { name: "arithmetic", title: "Arithmetic", domain: "mathematics", does: "Adds, subtracts, multiplies, divides and takes percentages of whole numbers, with worked steps.", cannot: "Numbers above four digits, decimals, algebra and word problems with more than one step.", examples: ["What is 384 + 97?", "What is 15 % of 240?", "Divide 936 by 12."], accuracy: 0.968 },
  { name: "units", title: "Units", domain: "units", does: "Converts lengths, masses, temperatures, times and areas, with worked steps.", cannot: "Currencies, compound units such as km/h, and units that nobody uses any more.", examples: ["How many centimetres are 3.5 metres?", "Convert 68 °F to °C.", "How many minutes are in 4 hours?"], accuracy: 0.981 },
  { name: "words", title: "Words", domain: "words", does: "Sorts, reverses, counts, capitalises and pluralises words.", cannot: "Meaning, translation, spelling and texts longer than a line.", examples: ["Sort these words: pear, apple, fig", "Reverse the word lectern.", "What is the plural of leaf?"], accuracy: 0.942 },
  { name: "code", title: "Code", domain: "code", does: "Writes short Python functions from plain requests over a stated repertoire.", cannot: "Whole programs, other languages, and anything outside its repertoire.", examples: ["Write a Python function that reverses a list.", "Write a function that counts vowels in a string."], accuracy: 0.917 },
  { name: "generalist", title: "Generalist", domain: "general", does: "A mixture of eight small experts, two at a time, trained on all of it. It answers when no specialist is sure.", cannot: "Anything that the four specialists cannot do either.", examples: ["What is 12 + 30?"], accuracy: 0.876, fallback: true },
];

export function experts(): Expert[] {
  return drafts.map((draft, index) => ({
    file: `/home/you/.local/share/lectern/starters/${draft.name}.gguf`,
    using: 0,
    starter: true,
    unavailable: null,
    statistics: { answers: 12 * (4 - index), successes: 11 * (4 - index), mean_latency_ms: index < 4 ? 61 + index * 9 : null, mean_tokens_per_s: index < 4 ? 600 - index * 12 : null },
    manifest: {
      name: draft.name, title: draft.title, description: draft.does, domains: [draft.domain], capabilities: [], optimal_complexity: 2, priority: 0, system_prompt: null, max_tokens: 256, sampling: { temperature: 0, top_k: 0, top_p: 1, min_p: 0, repeat_penalty: 1, seed: 0 },
      licence: "Apache-2.0", origin: "lab", fallback: draft.fallback ?? false, reads: "question", cannot: draft.cannot, examples: draft.examples,
      measured: [{ test: `${draft.name}-held-out`, accuracy: draft.accuracy, n: 500, seed: 7 }],
      implementations: [{ file: `${draft.name}.gguf`, quantisation: "F16", bytes: 3_400_000 + index * 240_000, sha256: "", parameters: 1_640_000 + index * 120_000, memory_bytes: 21_000_000 }],
      uses: null,
      offer: "accepted",
    },
  })) as unknown as Expert[];
}

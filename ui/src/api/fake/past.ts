//! What was asked before.

import type { Answer, Passage, Question, Turn } from "../bindings";
import { experts } from "./experts";
import { plan } from "./plan";
import { blocksFor, plainOf } from "./replies";

const DAY = 86_400_000;

const asked: [string, string, number][] = [
  ["c1", "What is 384 + 97?", 0.01],
  ["c1", "Write a Python function that counts vowels in a string.", 0.008],
  ["c2", "How many centimetres are 3.5 metres?", 0.02],
  ["c3", "Sort these words: pear, apple, fig", 1.1],
  ["c4", "Compare a metre and a foot in a table", 1.3],
  ["c5", "What is 15 % of 240?", 6],
  ["c6", "What is the plural of leaf, and of hoof, and of everything else that ends in f?", 12],
  ["c7", "Convert 68 °F to °C", 30],
];

export function seeded(): Turn[] {
  return asked.map(([conversation, question, daysAgo], index) => {
    const blocks = blocksFor(question);
    const { plan: route, reading: read } = plan(question, experts(), null, { state: "empty" });
    const answer: Answer = {
      id: `past-${index}`, conversation, question, answer: plainOf(blocks), expert: route.chosen, tokens: 64, stopped: false, refused: false, rating: 0, created: Date.now() - daysAgo * DAY,
      trace: {
        read, route,
        retrieve: { asked: true, passages: [], considered: 0, threshold: 0.35, elapsed_ms: 1.4 },
        seat: { expert: route.chosen, was_seated: false, left: index % 2 ? "words" : null, freed_bytes: 20_800_000, memory_bytes: 21_400_000, budget_bytes: 8_000_000_000, placement: { device: null, layers: 4, on_device: 0, why: null }, leave_ms: 11.2, load_ms: 38.4, elapsed_ms: 52.7 },
        compress: { tokens_before: 18, tokens_after: 18, kept: 0, dropped: 0, reason: "Nothing was recalled, so there is nothing to fit: the question goes in as it is.", elapsed_ms: 0.2 },
        generate: { prompt_tokens: 18, tokens: 64, first_token_ms: 7.4, tokens_per_s: 612, prompt_tokens_per_s: 2480, confidence: 0.982, peak_memory_bytes: 23_500_000, cached_tokens: 0, cached_in: null, read_tokens: 18, shifted: 0, together: 1, finish: "end", elapsed_ms: 104.6 },
        learn: { stored: true, why_not: null, elapsed_ms: 3.1 },
        total_ms: 163.2,
        stopped_in: null,
      },
    };
    return { answer, blocks, drafts: [] };
  });
}

/** Past answers that share a longer word or a number with the question. */
export function past(question: Question, turns: Turn[]): Passage[] {
  const words = question.text.toLowerCase().match(/[a-z]{5,}|\d{2,}/g) ?? [];
  return turns
    .filter(({ answer }) => !question.without.includes(answer.id) && answer.id !== question.replaces)
    .filter(({ answer }) => words.some((word) => answer.question.toLowerCase().includes(word)))
    .slice(0, 3)
    .map(({ answer }, index) => ({ id: answer.id, question: answer.question, answer: answer.answer, expert: answer.expert, created: answer.created, score: 0.83 - index * 0.2, bm25: 7.21 - index * 1.4, rating: index === 0 ? 1 : 0 }));
}

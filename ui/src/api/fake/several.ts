//! A council and a strategy to look at: the first two experts agree, the third says something else, the fourth cannot; or
//! two parts, each answered by its own expert.

import type { AnswerEvent, Block, Candidate, Composed, Council, Draft, Generated, Question, Reasoned, Seated, Step } from "../bindings";
import { plainOf } from "./replies";

type On = (event: AnswerEvent, blocks?: Block[]) => void;

const other: Block[] = [{ kind: "paragraph", inlines: [{ kind: "text", text: "I make that 471." }] }];
const refusal: Block[] = [{ kind: "paragraph", inlines: [{ kind: "text", text: "This starter expert can't do that; download one that can." }] }];

export async function council(question: Question, experts: Candidate[], right: Block[], seat: Seated, generate: Generated, wait: (ms: number) => Promise<void>, on: On): Promise<{ council: Council; drafts: Block[][]; together?: Block[] }> {
  if (question.aggregate === "hierarchical" || question.aggregate === "auto") return parts(question, experts, seat, generate, wait, on);
  const k = question.top_k ?? 3;
  const members = experts.slice(0, k);
  const drafts: { draft: Draft; blocks: Block[] }[] = [];
  for (const [at, member] of members.entries()) {
    on({ kind: "called", expert: member.name, title: member.title, at: at + 1, of: members.length });
    await wait(140);
    const blocks = at === 2 ? other : at === 3 ? refusal : right;
    const own = { ...seat, expert: member.name, was_seated: at === 0, load_ms: at === 0 ? 0 : 38.4, left: at === 0 ? null : (members[at - 1]?.name ?? null) };
    const draft: Draft = {
      expert: member.name, title: member.title, answer: plainOf(blocks), says: at === 3 ? "" : at === 2 ? "471" : "481",
      weight: { weight: 0.954 * Math.max(member.score, 0), accuracy: at === 0 ? 0.954 : 0.5, n: at === 0 ? 500 : 0, source: "its maker's test", route: Math.max(member.score, 0) },
      confidence: 0.98, refused: at === 3, absent: null, shown_answer: question.aggregate === "sequential" && at > 0, seat: own, generate, elapsed_ms: 96,
    };
    on({ kind: "seated", ...own });
    on({ kind: "text", piece: draft.answer }, blocks);
    await wait(140);
    on({ kind: "generated", ...generate });
    on({ kind: "drafted", ...draft }, blocks);
    drafts.push({ draft, blocks });
  }
  const name = (at: number) => members[at]?.name ?? "";
  const agree = members.slice(0, 2).map((member) => member.name);
  const joint: Council = {
    aggregate: question.aggregate ?? "voting", k, why: `${k} were asked for; who is seated begins, then the quickest to load.`, drafts: drafts.map((one) => one.draft),
    groups: members.length > 2 ? [{ says: "481", experts: agree, votes: 2, weight: 1.2 }, { says: "471", experts: [name(2)], votes: 1, weight: 0.1 }] : [{ says: "481", experts: agree, votes: agree.length, weight: 1.2 }],
    agreement: members.length > 2 ? 2 / 3 : 1, speaker: name(0), outcome: members.length > 2 ? '2 of 3 say "481".' : `${agree.length} of ${agree.length} say "481".`,
    fell_back: question.aggregate === "ensemble" ? "Generalist reads single questions and cannot read the answers: voted instead" : null,
    loads: members.length - 1, swaps: members.length - 1, tokens: 64 * members.length, elapsed_ms: 96 * members.length,
  };
  on({ kind: "joined", ...joint });
  return { council: joint, drafts: drafts.map((one) => one.blocks) };
}

/** What "as the question is" comes to: parts where it asks two things, one expert where one is far ahead. */
export function composed(question: Question): Composed {
  return asks(question.text).length > 1
    ? { aggregate: "hierarchical", k: 0, why: "It asks 2 things, for Arithmetic and Units: each expert is asked its own." }
    : { aggregate: null, k: 0, why: "Arithmetic is 0.52 ahead of Generalist, more than 0.15: others would cost swaps and gain nothing." };
}

const asks = (text: string) => text.match(/[^?]+\?/g)?.map((one) => one.trim()) ?? [text];

async function parts(question: Question, experts: Candidate[], seat: Seated, generate: Generated, wait: (ms: number) => Promise<void>, on: On): Promise<{ council: Council; drafts: Block[][]; together: Block[] }> {
  const said = [{ text: "17 * 23 = 391", says: "391", domain: "mathematics" }, { text: "3 km = 3000 m", says: "3000 m", domain: "units" }];
  const texts = asks(question.text);
  const drafts: { draft: Draft; blocks: Block[] }[] = [];
  for (const [at, { text, says, domain }] of said.entries()) {
    const member = experts.find((one) => one.name === ["arithmetic", "units"][at]) ?? experts[at]!;
    on({ kind: "called", expert: member.name, title: member.title, at: at + 1, of: said.length });
    await wait(140);
    const blocks: Block[] = [{ kind: "paragraph", inlines: [{ kind: "text", text }] }];
    const own = { ...seat, expert: member.name, was_seated: at === 0, load_ms: at === 0 ? 0 : 38.4, left: at === 0 ? null : (drafts[0]?.draft.expert ?? null) };
    const draft: Draft = {
      expert: member.name, title: member.title, answer: text, says, weight: { weight: 0.88, accuracy: 0.95, n: 500, source: "its maker's test", route: 0.93 },
      confidence: 0.98, refused: false, absent: null, shown_answer: false, part: { place: at + 1, text: texts[at] ?? question.text, domain },
      difficulty: { value: 0.1412, ability: 1.04, ability_error: 0.16, difficulty: -0.57, discrimination: 1.12, n: 79, expert_n: 96, least: 20, gate: "Under 0.30: asked once." },
      seat: own, generate, elapsed_ms: 96,
    };
    on({ kind: "seated", ...own });
    on({ kind: "text", piece: text }, blocks);
    await wait(140);
    on({ kind: "generated", ...generate });
    on({ kind: "drafted", ...draft }, blocks);
    drafts.push({ draft, blocks });
  }
  const joint: Council = {
    aggregate: "hierarchical", k: 2, why: "2 parts, each asked of the expert that it would go to alone; who is seated begins, then the quickest to load.",
    drafts: drafts.map((one) => one.draft), groups: [], agreement: 1, speaker: drafts[0]?.draft.expert ?? "", outcome: "2 of 2 parts have an answer.",
    fell_back: "no expert of the pool reads answers that it could join: the parts stand together", loads: 1, swaps: 1, tokens: 128, elapsed_ms: 192,
  };
  on({ kind: "joined", ...joint });
  const together = drafts.flatMap((one): Block[] => [{ kind: "paragraph", inlines: [{ kind: "strong", inlines: [{ kind: "text", text: one.draft.part?.text ?? "" }] }] }, ...one.blocks]);
  return { council: joint, drafts: drafts.map((one) => one.blocks), together };
}

/** One answer and one check that agrees with it. */
export function reasoned(question: Question, text: string): Reasoned {
  const step = (step: Step["step"], prompt: string, text: string, says: string, score: number | null, note: string): Step => ({ step, prompt, text, says, score, accepted: step === "answer", note, tokens: 32, elapsed_ms: 52 });
  return {
    strategy: question.strategy ?? "verify", why: "chosen by hand",
    steps: [step("answer", "", text, "481", null, ""), step("check", "What is 481 - 97?", "481 - 97 = 384", "384", 1, "agrees")],
    outcome: "A check agrees with the answer.", fell_back: null, changed_answer: false, diff: [], tokens: 64, elapsed_ms: 104,
  };
}

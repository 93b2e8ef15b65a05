// Generated from the Rust types by `cargo xtask bindings`. Do not edit.

export type Align = "none" | "left" | "center" | "right";

/**
 * One answer with its trace.
 */
export type Answer = { id: string, conversation: string, question: string, answer: string, expert: string, trace: Trace, 
/**
 * Tokens generated.
 */
tokens: number, stopped: boolean, 
/**
 * The expert said that it cannot do this.
 */
refused: boolean, 
/**
 * The user's thumb: 1, -1, or 0 for none.
 */
rating: number, 
/**
 * Unix time in milliseconds.
 */
created: number, };

/**
 * One answer as it happens. The last event is `Done` or `Failed`.
 */
export type AnswerEvent = { "kind": "begun", id: string, conversation: string, } | { "kind": "read" } & Reading | { "kind": "retrieved" } & Recalled | { "kind": "routed" } & Plan | { "kind": "seating" } & Seat | { "kind": "seated" } & Seated | { "kind": "compressed" } & Compressed | { "kind": "text", piece: string, } | { "kind": "generated" } & Generated | { "kind": "done", answer: Answer, } | { "kind": "failed", failure: Failure, };

export type Block = { "kind": "paragraph", inlines: Array<Inline>, } | { "kind": "heading", 
/**
 * 1 to 6.
 */
level: number, inlines: Array<Inline>, } | { "kind": "code", 
/**
 * The first word after the fence, when it looks like a language's name.
 */
language: string | null, text: string, } | { "kind": "list", 
/**
 * The first number; `null` for a list of points.
 */
start: number | null, items: Array<Array<Block>>, } | { "kind": "quote", blocks: Array<Block>, } | { "kind": "table", align: Array<Align>, head: Array<Array<Inline>>, rows: Array<Array<Array<Inline>>>, } | { "kind": "rule" };

export type Candidate = { name: string, title: string, 
/**
 * `0.6 gate + 0.4 self_assessment`, times 0.5 when overloaded, minus `swap`.
 */
score: number, terms: Terms, };

/**
 * One declared ability.
 */
export type Capability = { name: string, 
/**
 * Confidence from which it should be used.
 */
threshold: number, 
/**
 * Questions that may wait for it at once before it counts as overloaded; 0 is no limit.
 */
max_load: number, 
/**
 * Declared by its maker; measured latency stands in the statistics.
 */
declared_latency_ms: number | null, };

/**
 * One component's counters since this home was made.
 */
export type ComponentStatus = { component: string, 
/**
 * Answers in which it ran; 0: it never ran here.
 */
runs: number, 
/**
 * Answers that would have been others without it; `None` where that has no meaning.
 */
changed_answer: number | null, 
/**
 * What is counted as a change.
 */
change_means: string | null, 
/**
 * Its cost: time of one run. `None` until it ran.
 */
mean_ms: number | null, total_ms: number, 
/**
 * Unix time in milliseconds.
 */
last_run: number | null, };

/**
 * Compress: the recalled context was made to fit.
 */
export type Compressed = { 
/**
 * Tokens of the expert's own tokenizer, question and context.
 */
tokens_before: number, tokens_after: number, 
/**
 * Passages given to the expert.
 */
kept: number, dropped: number, 
/**
 * What was done, in one sentence.
 */
reason: string, elapsed_ms: number, };

/**
 * One line of the list of conversations.
 */
export type Conversation = { id: string, title: string, 
/**
 * Unix time in milliseconds.
 */
created: number, updated: number, answers: number, };

export type DomainScore = { domain: string, probability: number, };

/**
 * One expert of the pool.
 */
export type Expert = { manifest: Manifest, 
/**
 * The model file in use.
 */
file: string, statistics: Statistics, 
/**
 * It came with Lectern.
 */
starter: boolean, 
/**
 * Why it cannot answer now; it is listed but not asked.
 */
unavailable: string | null, };

/**
 * What the window and `--json` get of any error: a stable code, what happened, what to do, and details.
 */
export type Failure = { code: string, message: string, fix: string, detail: string | null, };

/**
 * Plain facts of a question's text.
 */
export type Features = { words: number, characters: number, numbers: number, 
/**
 * The most digits in one number.
 */
longest_number_digits: number, operators: number, has_code: boolean, has_quotes: boolean, };

export type Finish = "end" | "length" | "stopped";

/**
 * Generate: what the expert did.
 */
export type Generated = { prompt_tokens: number, tokens: number, first_token_ms: number, tokens_per_s: number, prompt_tokens_per_s: number, 
/**
 * Mean probability that the expert gave to the tokens it chose.
 */
confidence: number, peak_memory_bytes: number, 
/**
 * `"end"`, `"length"` or `"stopped"`.
 */
finish: Finish, elapsed_ms: number, };

/**
 * By what an expert recognises a question that is its own. Evidence adds up as independent hints do (1 minus the
 * product of what each leaves open), limits cut what came together.
 */
export type Handles = { 
/**
 * Words or phrases, lowercase, with how much each says, 0 to 1. A `*` at the end stands for any ending.
 */
keywords: { [key in string]: number }, 
/**
 * Signs that count between numbers (`%` also after one).
 */
operators: Array<string>, 
/**
 * Names and signs of units, lowercase.
 */
units: Array<string>, 
/**
 * Words of programming, lowercase.
 */
code_words: Array<string>, 
/**
 * Text in quotes is a hint.
 */
quotes: boolean, 
/**
 * Words or phrases that speak against it, lowercase; `*` as in `keywords`.
 */
not: Array<string>, 
/**
 * Without a number it can do nothing.
 */
needs_numbers: boolean, 
/**
 * The most digits of a number.
 */
max_digits: number | null, 
/**
 * The most words of a question.
 */
max_words: number | null, 
/**
 * The highest complexity, 0 to 10.
 */
max_complexity: number | null, };

/**
 * One hit of a search.
 */
export type Hit = { id: string, question: string, answer: string, expert: string, 
/**
 * `bm25` as a part of what these words could reach at most, 0 to 1.
 */
score: number, bm25: number, 
/**
 * Similarity of vectors; there are none yet.
 */
cosine: number | null, rating: number, 
/**
 * Unix time in milliseconds.
 */
created: number, };

export type Hits = { hits: Array<Hit>, 
/**
 * Past answers with at least one of the words.
 */
considered: number, elapsed_ms: number, };

/**
 * One file of the expert.
 */
export type Implementation = { 
/**
 * Absolute, or beside the manifest.
 */
file: string, quantisation: string, bytes: number, 
/**
 * 64 hex digits.
 */
sha256: string, parameters: number, };

export type Inline = { "kind": "text", text: string, } | { "kind": "code", text: string, } | { "kind": "strong", inlines: Array<Inline>, } | { "kind": "emphasis", inlines: Array<Inline>, } | { "kind": "strikethrough", inlines: Array<Inline>, } | { "kind": "link", url: string, inlines: Array<Inline>, } | { "kind": "break" };

/**
 * Learn: what became of the answer.
 */
export type Learned = { 
/**
 * Kept as a past answer that later questions may recall.
 */
stored: boolean, 
/**
 * Why not, when not.
 */
why_not: string | null, elapsed_ms: number, };

/**
 * An address and the part of it that says where it leads.
 */
export type Link = { 
/**
 * The host as it is resolved (so `аpple.com` in Cyrillic shows its `xn--` form), or a mail address.
 */
host: string, url: string, };

/**
 * One expert as its maker declares it.
 */
export type Manifest = { 
/**
 * Unique in the pool: lowercase letters, digits and dashes.
 */
name: string, 
/**
 * What people read; the name when empty.
 */
title: string, 
/**
 * One or two sentences.
 */
description: string, 
/**
 * The classifier's domains that it answers (`mathematics`, `units`, ...); `general` for one that takes
 * anything.
 */
domains: Array<string>, 
/**
 * What it can do, with declared limits.
 */
capabilities: Array<Capability>, 
/**
 * Complexity, 0 to 10, at which it is at its best.
 */
optimal_complexity: number, 
/**
 * Of two experts with the same score the higher priority answers.
 */
priority: number, 
/**
 * Stands before every conversation; none for starters, which were trained without.
 */
system_prompt: string | null, 
/**
 * How its words are chosen; greedy when absent.
 */
sampling: { temperature: number, top_k: number, top_p: number, min_p: number, repeat_penalty: number, seed: number }, 
/**
 * The most tokens of one answer.
 */
max_tokens: number, 
/**
 * SPDX name, or what its file says; empty when unknown.
 */
licence: string, 
/**
 * Where it comes from.
 */
origin: string, 
/**
 * The generalist: it answers when no other expert is sure enough.
 */
fallback: boolean, reads: Reads, 
/**
 * One honest sentence about what it cannot do.
 */
cannot: string, 
/**
 * Questions that it answers well.
 */
examples: Array<string>, 
/**
 * By what it recognises a question that is its own.
 */
handles: Handles, 
/**
 * Results of tests that were run; empty when none were.
 */
measured: Array<Measured>, 
/**
 * Its files; the first is used. May be absent for a starter: it is filled from the file.
 */
implementations: Array<Implementation>, };

/**
 * One result on a test set.
 */
export type Measured = { test: string, 
/**
 * Part of exact answers, 0 to 1.
 */
accuracy: number, 
/**
 * Questions in the test.
 */
n: number, 
/**
 * The seed that makes the same test again.
 */
seed: number, };

/**
 * Presets over the one path (R2). Each only sets where the stages start.
 */
export type Mode = "optimized" | "fast" | "basic";

/**
 * Whole states of the app.
 */
export type News = { "kind": "seat", seat: Seat, budget_bytes: number, };

/**
 * A past answer that bears on the question.
 */
export type Passage = { 
/**
 * The past answer's id.
 */
id: string, question: string, answer: string, expert: string, 
/**
 * Unix time in milliseconds.
 */
created: number, 
/**
 * Relevance after all terms, 0 to 1; at least the threshold.
 */
score: number, bm25: number, rating: number, };

/**
 * Who answers, and why.
 */
export type Plan = { domain: string, complexity: number, 
/**
 * Every expert that was ready, best first; the first one answers unless `by_hand` or `abstained`.
 */
experts: Array<Candidate>, 
/**
 * The expert that answers.
 */
chosen: string, 
/**
 * No expert reached `min_confidence`: the generalist answers.
 */
abstained: boolean, 
/**
 * The user chose.
 */
by_hand: boolean, min_confidence: number, 
/**
 * One sentence.
 */
reason: string, elapsed_ms: number, };

/**
 * What somebody asks, with the choices that belong to this one question.
 */
export type Question = { 
/**
 * As the user wrote it. Routing always reads this.
 */
text: string, 
/**
 * The conversation that it continues; `None` starts a new one.
 */
conversation: string | null, mode: Mode, 
/**
 * Chosen by hand: routing is still traced, but this expert answers.
 */
expert: string | null, 
/**
 * `false` asks without looking at past answers, whatever the mode says.
 */
recall: boolean, 
/**
 * Passages that the user took out for this question.
 */
without: Array<string>, 
/**
 * The answer that this one replaces (regenerate), if any.
 */
replaces: string | null, max_tokens: number | null, temperature: number | null, seed: number | null, };

/**
 * What reading the question found.
 */
export type Reading = { 
/**
 * The most likely domain, `"none"` when the classifier knows that it is none of its own.
 */
domain: string, 
/**
 * Calibrated probability of `domain`, 0 to 1.
 */
confidence: number, 
/**
 * Every domain with its probability, highest first.
 */
domains: Array<DomainScore>, 
/**
 * 0 (a fact) to 10 (long work).
 */
complexity: number, features: Features, elapsed_ms: number, };

/**
 * What the expert is given.
 */
export type Reads = "question" | "conversation";

/**
 * Retrieve: what was looked at and what was kept.
 */
export type Recalled = { 
/**
 * `false`: recall was off for this question.
 */
asked: boolean, passages: Array<Passage>, 
/**
 * Past answers that matched some word.
 */
considered: number, 
/**
 * Passages under this relevance are not shown.
 */
threshold: number, elapsed_ms: number, };

/**
 * Who stands at the lectern. One thread owns it; these are copies.
 */
export type Seat = { "state": "empty" } | { "state": "loading", expert: string, title: string, memory_bytes: number, 
/**
 * What it is expected to take when loaded.
 */
expected_bytes: number, } | { "state": "taken", expert: string, title: string, memory_bytes: number, pid: number, busy: boolean, 
/**
 * Of the last answer here; `None` until measured.
 */
tokens_per_s: number | null, } | { "state": "leaving", expert: string, title: string, memory_bytes: number, } | { "state": "failed", expert: string, failure: Failure, };

/**
 * Seat: the expert took the lectern.
 */
export type Seated = { expert: string, 
/**
 * It was there already.
 */
was_seated: boolean, 
/**
 * Who left for it.
 */
left: string | null, 
/**
 * Memory that came back when the last one left, measured.
 */
freed_bytes: number, 
/**
 * Resident memory of the expert's process after loading, measured.
 */
memory_bytes: number, 
/**
 * What the governor allows.
 */
budget_bytes: number, leave_ms: number, load_ms: number, elapsed_ms: number, };

export type Settings = { theme: Theme, 
/**
 * Where new questions start.
 */
mode: Mode, 
/**
 * Memory for experts in GB (10^9 bytes); `None` lets the governor choose from what this machine has.
 */
budget_gb: number | null, };

/**
 * One event, with what the page draws.
 */
export type Shown = { event: AnswerEvent, 
/**
 * The whole answer so far. `null` when it is not drawn anew with this event.
 */
blocks: Array<Block> | null, };

/**
 * The rooms in the order that a question meets them.
 */
export type Stage = "read" | "retrieve" | "route" | "seat" | "compress" | "generate" | "learn";

/**
 * Measured on this machine, of one expert.
 */
export type Statistics = { answers: number, successes: number, failures: number, 
/**
 * Tokens generated in all.
 */
tokens: number, 
/**
 * Moving mean of the latency (the newest answer counts a fifth).
 */
mean_latency_ms: number | null, 
/**
 * Percentiles of `samples` answers, nearest rank.
 */
latency_p50_ms: number | null, latency_p99_ms: number | null, first_token_p50_ms: number | null, 
/**
 * Moving mean.
 */
mean_tokens_per_s: number | null, 
/**
 * Answers behind the percentiles, at most 200.
 */
samples: number, 
/**
 * Unix time in milliseconds.
 */
last_used: number | null, };

/**
 * Every term of a score.
 */
export type Terms = { 
/**
 * The classifier's probability of this expert's domains.
 */
gate: number, 
/**
 * What the expert says of itself: `can_handle(question)`.
 */
self: number, 
/**
 * 1.0, or 0.5 when overloaded.
 */
load: number, 
/**
 * Subtracted: 0 for the seated expert, else the price of a swap.
 */
swap: number, };

export type Theme = "system" | "light" | "dark";

/**
 * Everything that happened on the way.
 */
export type Trace = { read: Reading, retrieve: Recalled, route: Plan, seat: Seated, compress: Compressed, generate: Generated, learn: Learned, total_ms: number, 
/**
 * The stage in which the user stopped it; the stages after it never ran and hold their empty values.
 */
stopped_in: Stage | null, };

/**
 * One question with its answer, as the page draws it.
 */
export type Turn = { answer: Answer, blocks: Array<Block>, };

// Generated from the Rust types by `cargo xtask bindings`. Do not edit.

/**
 * Everything that was fitted.
 */
export type Abilities = { 
/**
 * Judged answers in all, and how many of one expert in one domain are a measurement.
 */
answers: number, least: number, experts: Array<Ability>, clusters: Array<Cluster>, reliability: Array<Reliability>, 
/**
 * Mean distance between what was foretold and what came, over the rows of `reliability`.
 */
calibration_error: number | null, 
/**
 * Mean square of (foretold − right), and that of foretelling each domain's share of right answers.
 */
brier: number | null, brier_of_the_share: number | null, };

/**
 * An expert in a domain.
 */
export type Ability = { expert: string, domain: string, right: number, n: number, 
/**
 * 0: an average expert, 1: a standard deviation above. `None`: under [`LEAST`] answers.
 */
ability: number | null, 
/**
 * Standard error.
 */
error: number | null, };

/**
 * What became of it.
 */
export type Added = { id: number, 
/**
 * A bullet that says the same was there: they count as one.
 */
merged_into: number | null, };

/**
 * What became of the files that were to be added.
 */
export type AddedDocuments = { 
/**
 * New, or changed since they were read.
 */
added: Array<Document>, 
/**
 * Known with this content, perhaps under another path.
 */
unchanged: Array<Document>, failed: Array<NotAdded>, };

export type AddedOutside = { expert: Expert, 
/**
 * What could not be made sure of, for people.
 */
unsure: Array<string>, };

/**
 * Playbook: what was put beside the question.
 */
export type Advice = { 
/**
 * Read by the expert, best first.
 */
bullets: Array<Advised>, 
/**
 * For attempts to be compared with; the expert does not read them.
 */
trajectories: Array<Advised>, 
/**
 * Bullets of the domain that are in use.
 */
considered: number, 
/**
 * Of the bullets that were read, by the expert's own tokenizer.
 */
tokens: number, 
/**
 * Why some or all were left out.
 */
left_out: string | null, elapsed_ms: number, };

/**
 * One bullet, or one trajectory, as it was given.
 */
export type Advised = { id: number, 
/**
 * Of a trajectory: the form of the questions that it is for; of a bullet, empty.
 */
title: string, text: string, origin: Origin, 
/**
 * Of a trajectory: whether it led to a good answer.
 */
good?: boolean, 
/**
 * Likeness to the question, 0 to 1, by words and, with an encoder, by meaning.
 */
score: number, };

/**
 * How several drafts become one answer.
 */
export type Aggregate = "voting" | "weighted" | "sequential" | "ensemble" | "hierarchical" | "auto";

export type Aggregation = { 
/**
 * How the answers of several experts become one when a question says nothing of it.
 */
strategy: Aggregate, 
/**
 * The expert that writes an ensemble's answer.
 */
synthesis_model?: string, };

export type Align = "none" | "left" | "center" | "right";

/**
 * Everything that the page shows.
 */
export type AllPacks = { packs: Array<ListedPack>, 
/**
 * Files in the home that are not right.
 */
wrong: Array<Failure>, };

export type Alone = { expert: string, right: Share, };

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
export type AnswerEvent = { "kind": "begun", id: string, conversation: string, } | { "kind": "read" } & Reading | { "kind": "retrieved" } & Recalled | { "kind": "routed" } & Plan | { "kind": "passed_over" } & PassedOver | { "kind": "composed" } & Composed | { "kind": "called" } & Called | { "kind": "seating" } & Seat | { "kind": "seated" } & Seated | { "kind": "compressed" } & Compressed | { "kind": "asked", step: StepKind, prompt: string, } | { "kind": "text", piece: string, } | { "kind": "step" } & Step | { "kind": "reasoned" } & Reasoned | { "kind": "generated" } & Generated | { "kind": "drafted" } & Draft | { "kind": "joined" } & Council | { "kind": "done", answer: Answer, } | { "kind": "failed", failure: Failure, };

/**
 * What one answer gives to a figure.
 */
export type Behind = { 
/**
 * `None`: another answer took its place.
 */
answer: string | null, 
/**
 * Unix time in milliseconds.
 */
created: number, value: number, };

/**
 * A search for a better prompt of the expert that is best in a domain, or why there was none.
 */
export type Bettered = { expert: string, domain: string, questions: number, run: number | null, optimised: Optimised | null, 
/**
 * The held-out questions, as it is asked now and with the best prompt.
 */
pairs: Array<Both>, passed_over: string | null, };

/**
 * Answers whose value is in `low..high` (the last one: `..=high`).
 */
export type Bin = { low: number, high: number, answers: Figure, 
/**
 * Right ones of those that were judged.
 */
right: Figure, };

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

/**
 * One question, asked both ways.
 */
export type Both = { 
/**
 * Word for word.
 */
same: boolean, first: Sample, second: Sample, };

/**
 * A bullet or a trajectory.
 */
export type Bullet = { id: number, kind: BulletKind, domain: string, 
/**
 * Of a trajectory: the form of the questions that it is for, and the question that it comes from.
 */
title: string, applies: string, text: string, origin: Origin, 
/**
 * Of a trajectory: whether it led to a good answer.
 */
good: boolean | null, 
/**
 * Unix time in milliseconds.
 */
created: number, 
/**
 * Since when it is not used.
 */
retired: number | null, 
/**
 * The bullet that says it as well, and has its counts.
 */
merged_into: number | null, 
/**
 * Answers that used it, and those of them that were judged right, and wrong.
 */
uses: number, helpful: number, harmful: number, last_used: number | null, 
/**
 * The answers that it comes from.
 */
sources: Array<string>, 
/**
 * Why it should perhaps go.
 */
doubt: string | null, };

/**
 * What a row is.
 */
export type BulletKind = "bullet" | "trajectory";

/**
 * What a model is calibrated on.
 */
export type Calibrating = { "from": "past", topics: Array<string>, } | { "from": "file", path: string, } | { "from": "weights" };

export type Calibration = { questions: number, 
/**
 * Of questions and answers.
 */
tokens: number, 
/**
 * Questions without an answer of their own.
 */
own_answers: number, 
/**
 * Questions of each topic.
 */
topics: { [key in string]: number }, 
/**
 * Tokens for each expert, if all got as many.
 */
tokens_per_expert: number, 
/**
 * `tokens_per_expert` is at least 32.
 */
enough: boolean, };

/**
 * A council: an expert that is asked now.
 */
export type Called = { expert: string, title: string, 
/**
 * Its place, from 1, and how many there are.
 */
at: number, of: number, };

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
 * Medians of both, and the median of the paired differences with its 95 % interval.
 */
export type Change = { n: number, first: number, second: number, difference: number, 
/**
 * `None`: of fewer than six it may be anywhere.
 */
low: number | null, high: number | null, finding: Finding, };

/**
 * What was found, and of which plan.
 */
export type Check = { 
/**
 * [`Plan::sum`] of the plan that was tried.
 */
plan: string, outcome: CheckOutcome, 
/**
 * Why.
 */
verdict: string, 
/**
 * Most nats that a token may be foretold worse, in the mean of a set.
 */
limit: number, held_out: Delta, guard: Delta | null, topics: Array<Topic>, 
/**
 * Of the model's file, and of the file that the plan would make.
 */
bytes_before: number, bytes_after: number, 
/**
 * The model with all its experts, on this machine; what comes after it is measured on the written file.
 */
before: Running | null, 
/**
 * The same model made as small by rounding the experts' weights, where that was asked for.
 */
rival: Rival | null, };

export type CheckOutcome = "passed" | "blocked";

/**
 * One GGUF file of a repository.
 */
export type Choice = { file: string, 
/**
 * Bytes on the disk; `None` where the hub does not say.
 */
size: number | null, sha256: string | null, quantisation: string | null, 
/**
 * About so much memory, before its header was read.
 */
memory_bytes: number | null, 
/**
 * That much is inside the budget for experts.
 */
fits: boolean | null, 
/**
 * About so many, by what was measured here; less than a mixture will do, which reads a part of its weights alone.
 */
tokens_per_s: number | null, 
/**
 * On this disk already.
 */
here: boolean, 
/**
 * Why this file cannot be used although its model could.
 */
why_not: string | null, };

/**
 * Questions of a domain that are about equally complex.
 */
export type Cluster = { domain: string, 
/**
 * Complexity from and to.
 */
from: number, to: number, right: number, n: number, 
/**
 * The ability with which every second answer is right. `None`: under [`LEAST`] answers.
 */
difficulty: number | null, difficulty_error: number | null, 
/**
 * How sharply it tells able from unable; 1 is ordinary.
 */
discrimination: number | null, discrimination_error: number | null, };

/**
 * Questions that there are to compare with.
 */
export type Comparable = { questions: number, 
/**
 * Those whose right answer is known.
 */
expected: number, };

/**
 * What asking in two ways came to. Every difference is the second minus the first.
 */
export type Comparison = { 
/**
 * Where the questions are from: `log`, or the file.
 */
questions: string, 
/**
 * That were to be asked.
 */
asked: number, first: Figures, second: Figures, 
/**
 * Answers that are the same word for word.
 */
same: Share | null, 
/**
 * Of the questions whose right answer is known; `first_only` are those that the second way alone has right.
 */
right: Difference | null, right_finding: Finding, total_ms: Change | null, 
/**
 * Read and written.
 */
tokens: Change | null, peak_memory_bytes: Change | null, 
/**
 * Fewer pairs give no verdict.
 */
least: number, stopped: boolean, pairs: Array<Both>, };

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
 * How a question that left it open is answered.
 */
export type Composed = { 
/**
 * `None`: by one expert.
 */
aggregate: Aggregate | null, 
/**
 * Experts that it takes; 0: as many as the parts of the question have, or one.
 */
k: number, 
/**
 * One sentence.
 */
why: string, };

/**
 * How a domain's questions are asked best.
 */
export type Composition = { domain: string, n: number, 
/**
 * The expert that is right most often alone.
 */
alone: string, right: Share | null, 
/**
 * Who was tried beside it, weighed with it: who of the others knows most that it does not.
 */
beside: string | null, 
/**
 * Where one of the two at least is right, minus the one alone: no council of them can gain more.
 */
at_most: Difference | null, 
/**
 * Right as a council minus right alone.
 */
gain: Difference | null, pays: boolean, 
/**
 * Alone, and as a council.
 */
pairs: Array<Both>, };

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
reason: string, 
/**
 * How sentences were left out; `None` when none were.
 */
method?: string, 
/**
 * `tokens_after` of `tokens_before`.
 */
ratio?: number, 
/**
 * Nothing guarded was lost.
 */
kept_guards?: boolean, elapsed_ms: number, };

export type Compression = { 
/**
 * Answers for which something was left out, of those whose context was measured.
 */
share: Figure, 
/**
 * Median part of the tokens that stayed, where something was left out.
 */
ratio: Figure, 
/**
 * Tokens that were left out.
 */
tokens: Figure, 
/**
 * Milliseconds in all: what it took, also where nothing was left out, and what reading the tokens that went would
 * have taken at the speed of that answer.
 */
spent_ms: Figure, spared_ms: Figure, ratios: Array<Point>, };

/**
 * One line of the list of conversations.
 */
export type Conversation = { id: string, title: string, 
/**
 * Unix time in milliseconds.
 */
created: number, updated: number, answers: number, };

/**
 * The same bytes in several places.
 */
export type Copies = { sha256: string, bytes: number, paths: string[], };

/**
 * Aggregate: several experts, one answer.
 */
export type Council = { aggregate: Aggregate, 
/**
 * Experts that were to be asked, and why so many.
 */
k: number, why: string, 
/**
 * In the order in which they took the lectern, absent ones included.
 */
drafts: Array<Draft>, 
/**
 * What was said, most support first; a second one is a conflict.
 */
groups: Array<Group>, 
/**
 * Part of the votes for the answer; of the weight in a weighted council; of a hierarchical one's parts, those that
 * have an answer.
 */
agreement: number, 
/**
 * Whose text the answer is.
 */
speaker: string, 
/**
 * How it was decided, in one sentence.
 */
outcome: string, 
/**
 * Why another way was gone than the one that was asked for.
 */
fell_back: string | null, 
/**
 * Who named the parts of the question, and how; `None`: they stand in it.
 */
listed?: Draft, 
/**
 * The answer that was written from the others, also when it was not taken.
 */
synthesis?: Draft, 
/**
 * Experts that were loaded, and those of them for whom another one left.
 */
loads: number, swaps: number, 
/**
 * Generated in all.
 */
tokens: number, elapsed_ms: number, };

/**
 * Right answers of so many.
 */
export type Count = { right: number, n: number, };

export type Criterion = "performance" | "frequency" | "combined" | "adaptive" | "random";

/**
 * Sizes and losses by one score.
 */
export type Curve = { model: ModelId, score: ExpertScore, 
/**
 * The smallest first.
 */
points: Array<CurvePoint>, };

/**
 * One plan, tried.
 */
export type CurvePoint = { how: PlanHow, 
/**
 * Experts of all layers together that stay, and how many there are.
 */
kept: number, of: number, 
/**
 * Of the file that the plan would make.
 */
bytes: number, held_out: Delta, guard: Delta | null, 
/**
 * No other point is as small and loses less, on the held-out questions.
 */
pareto: boolean, };

export type Dashboard = { 
/**
 * Unix time in milliseconds; 0: from the beginning.
 */
since: number, until: number, 
/**
 * What one point of a trend is.
 */
trend: Trend, answers: number, routing: Routing, compression: Compression, retrieval: Retrieval, memory: Memory, latency: Latency, };

/**
 * Answers of the model against answers of what stands in its place. Means are of tokens; intervals of 95 % from questions.
 */
export type Delta = { questions: number, 
/**
 * Of the answers.
 */
tokens: number, perplexity_before: number, perplexity_after: number, 
/**
 * How much worse a token is foretold, in nats.
 */
loss: Interval, 
/**
 * Kullback–Leibler divergence of a token's probabilities, in nats.
 */
kl_mean: Interval, kl_p99: number, 
/**
 * Share of tokens where both find the same token the most likely.
 */
top1_agreement: Interval, };

/**
 * The accuracy of one list minus that of another, over the questions that both judged.
 */
export type Difference = { n: number, both: number, first_only: number, second_only: number, neither: number, difference: number, low: number, high: number, };

/**
 * How hard a question is for an expert: `value = 1 − 1 / (1 + exp(−discrimination (ability − difficulty)))`, the
 * probability that it gets it wrong.
 */
export type Difficulty = { 
/**
 * `None`: not measured, `n` answers to questions of this cluster are fewer than `least`.
 */
value: number | null, 
/**
 * `None`: `expert_n` answers of this expert in this domain are fewer than `least`; it counts as average, 0.
 */
ability: number | null, ability_error: number | null, difficulty: number | null, discrimination: number | null, n: number, expert_n: number, least: number, 
/**
 * What follows from it, in one sentence.
 */
gate: string, };

/**
 * One file in the trash.
 */
export type Discarded = { repo: string, file: string, sha256: string, bytes: number, };

/**
 * A file that was read.
 */
export type Document = { id: string, name: string, path: string, bytes: number, passages: number, 
/**
 * Unix time in milliseconds.
 */
added: number, 
/**
 * The file is no longer where it was; what was read of it stays.
 */
missing: boolean, 
/**
 * Why the file as it is now could not be read; what was read of it before stays.
 */
unread: string | null, };

/**
 * A place in a document, so that what is cited can be opened.
 */
export type DocumentPlace = { 
/**
 * The document's id.
 */
id: string, 
/**
 * The file's name and where it lies.
 */
name: string, path: string, 
/**
 * What stands above the passage; empty when nothing does.
 */
heading: string, 
/**
 * From 1; `None` where the format has no pages.
 */
page: number | null, 
/**
 * First and last line, from 1; `None` where the format has no lines.
 */
lines: [number, number] | null, };

export type DomainScore = { domain: string, probability: number, };

/**
 * One download.
 */
export type Download = { 
/**
 * In this process.
 */
id: number, name: FileName, state: State, };

/**
 * What one expert of a council said.
 */
export type Draft = { expert: string, title: string, answer: string, 
/**
 * What it comes to: what is counted.
 */
says: string, weight: Weight, 
/**
 * Mean probability that the expert gave to its tokens.
 */
confidence: number, 
/**
 * The expert said that it cannot do this: it has no vote.
 */
refused: boolean, 
/**
 * Why it is absent.
 */
absent: Failure | null, 
/**
 * It was shown the answer before it.
 */
shown_answer: boolean, 
/**
 * What it was asked, where that was not the whole question.
 */
part?: QuestionPart, 
/**
 * How hard the question is for this expert, and what the playbook told it.
 */
difficulty?: Difficulty, advice?: Advice, seat: Seated, generate: Generated, reason?: Reasoned, elapsed_ms: number, };

/**
 * Files that somebody drags over the window.
 */
export type Drop = { "drop": "over" } | { "drop": "gone" } | { "drop": "files", paths: string[], };

/**
 * What is to be another; `None`: as it is.
 */
export type Edit = { title: string | null, domains: Array<string> | null, 
/**
 * Empty: none.
 */
system_prompt: string | null, 
/**
 * 0 is greedy.
 */
temperature: number | null, 
/**
 * 0 is all.
 */
top_k: number | null, 
/**
 * 1 is all.
 */
top_p: number | null, 
/**
 * 0 is all.
 */
min_p: number | null, 
/**
 * 1 changes nothing.
 */
repeat_penalty: number | null, 
/**
 * Of one answer.
 */
max_tokens: number | null, 
/**
 * Whether the router may send questions to an expert outside Lectern.
 */
automatic?: boolean, };

export type EditKind = "add" | "edit" | "merge" | "retire";

/**
 * A row of the log.
 */
export type Edited = { number: number, bullet: number, edit: EditKind, 
/**
 * What it said before, and says now.
 */
before: string | null, now: string, created: number, undone: boolean, };

/**
 * Why a search went no further.
 */
export type Ended = "budget" | "nothing" | "stopped" | "tokens" | "time";

export type Endpoint = { 
/**
 * Without `/chat/completions`: `https://host/v1`.
 */
url: string, model: string, 
/**
 * Tokens that it reads and writes in all.
 */
context: number, 
/**
 * The router may send questions there; else it is asked by name alone.
 */
automatic: boolean, };

/**
 * One change of who is routed to, as far as it can be read.
 */
export type Entry = { number: number, 
/**
 * Unix time in milliseconds.
 */
created: number, retired: Array<string>, restored: Array<string>, 
/**
 * The evidence of that day.
 */
pruned: Pruned | null, };

/**
 * What the environment can set, and whether it is listened to.
 */
export type Environment = { obeyed: boolean, 
/**
 * Variables that are set, obeyed or not.
 */
set: Array<string>, knobs: Array<Knob>, };

/**
 * What asking everybody came to.
 */
export type Everybody = { 
/**
 * Asked, and those of them with an answer to be judged by.
 */
questions: number, judged: number, experts: Array<string>, capability: Array<EverybodyCapability>, overlap: Array<Overlap>, regret: Array<Regret>, together: Array<Together>, 
/**
 * Right by the router's choice.
 */
router: Share | null, 
/**
 * The expert that is right most often alone.
 */
best_alone: Alone | null, 
/**
 * Somebody was right: no choice of one expert can do better.
 */
somebody: Share | null, 
/**
 * The router's choice minus the best expert alone.
 */
over_best_alone: Difference | null, stopped: boolean, };

/**
 * How often an expert is right in a domain, as questions are read.
 */
export type EverybodyCapability = { expert: string, domain: string, 
/**
 * `None`: nothing was expected.
 */
right: Share | null, };

/**
 * One expert of the pool.
 */
export type Expert = { manifest: Manifest, 
/**
 * The model file in use.
 */
file: string, 
/**
 * Its place among the manifest's implementations.
 */
using: number, statistics: Statistics, 
/**
 * It came with Lectern.
 */
starter: boolean, 
/**
 * Why it cannot answer now; it is listed but not asked.
 */
unavailable: string | null, 
/**
 * Since when routing passes it by, Unix time in milliseconds; by name it still answers.
 */
retired?: number, };

export type ExpertMemory = { name: string, peak: Figure, load_ms: Figure, 
/**
 * Answers for which it was loaded.
 */
loads: Figure, stays: Figure, };

/**
 * By what experts are compared.
 */
export type ExpertScore = "reap" | "easy-ep" | "aimer" | "count" | "norm" | "random";

/**
 * Every question counts by its weight in all but `tokens`, `aimer` and `peak`.
 */
export type ExpertScores = { expert: number, 
/**
 * That were sent to it.
 */
tokens: number, 
/**
 * The same, weighted.
 */
count: number, 
/**
 * Sum of its shares, as the model uses them.
 */
gate: number, 
/**
 * Mean and sum of the norms of its output, and mean of their squares.
 */
norm_mean: number, norm_sum: number, norm_squared: number, 
/**
 * Mean of share · norm, the shares of a token's experts adding up to 1.
 */
reap: number, 
/**
 * Sum of share · norm · how far the routed experts turn the token's stream.
 */
easy_ep: number, 
/**
 * mean|W| / RMS(W); less is better.
 */
aimer: number, 
/**
 * The largest size of a number of its output.
 */
peak: number, };

/**
 * What the window and `--json` get of any error: a stable code, what happened, what to do, and details.
 */
export type Failure = { code: string, message: string, fix: string, detail: string | null, };

/**
 * How far a search is.
 */
export type Far = { run: number, spent: number, of: number, 
/**
 * The held-out questions are being asked.
 */
judging: boolean, 
/**
 * There when it changed.
 */
tried: Array<Tried> | null, };

/**
 * Plain facts of a question's text.
 */
export type Features = { words: number, characters: number, numbers: number, 
/**
 * The most digits in one number.
 */
longest_number_digits: number, operators: number, has_code: boolean, has_quotes: boolean, };

/**
 * A file in the cache, with the check sum that its bytes have.
 */
export type Fetched = { name: FileName, commit: string, 
/**
 * As other tools find it.
 */
path: string, sha256: string, bytes: number, 
/**
 * Bytes that were here when it began; `bytes` when the file was.
 */
resumed_from: number, 
/**
 * Bytes that came over the network for it.
 */
received: number, };

export type Figure = { 
/**
 * `None`: of fewer than `least`.
 */
value: number | null, 
/**
 * 95 % interval of a share.
 */
low: number | null, high: number | null, n: number, least: number, 
/**
 * What it is made of, the newest first.
 */
behind: Array<Behind>, };

/**
 * What a list of samples comes to.
 */
export type Figures = { n: number, failed: number, refused: number, 
/**
 * Lines without `expected`: asked and timed, not judged.
 */
without_expected: number, 
/**
 * Right ones of those with `expected`.
 */
accuracy: Share | null, 
/**
 * Answers that were given past answers.
 */
recalled: number, prompt_tokens: number, tokens: number, latency_p50_ms: number | null, latency_p99_ms: number | null, first_token_p50_ms: number | null, 
/**
 * The most that an expert's process took.
 */
peak_memory_bytes: number, 
/**
 * Experts that took the seat, and those of them for whom another one left it.
 */
loads: number, swaps: number, load_ms: number, };

/**
 * One file of one repository, as somebody asks for it.
 */
export type FileName = { 
/**
 * `owner/name`.
 */
repo: string, 
/**
 * A branch, a tag, or a commit of 40 hex digits.
 */
revision: string, 
/**
 * Inside the repository, with `/` between folders.
 */
file: string, };

export type FileState = { path: string, is_there: boolean, 
/**
 * When it was read and right last, Unix time in milliseconds; it is read again whenever it has changed.
 */
read: number | null, 
/**
 * What is wrong with it, with line and column; until it is right the rules from before hold.
 */
problem: Failure | null, router: Router, aggregation: Aggregation, management: Management, 
/**
 * Experts that it names.
 */
experts: number, };

export type Finding = "too_few" | "more" | "less" | "unproven";

export type Finish = "end" | "length" | "stopped";

/**
 * One folder of the settings.
 */
export type Folder = { path: string, 
/**
 * It is there now; a drive may be unplugged.
 */
here: boolean, files: Array<Watched>, };

/**
 * The same with what it is made of.
 */
export type Found = { run: number, optimised: Optimised, tried: Array<KeptPrompt>, 
/**
 * The held-out questions, as it is asked now and with the best prompt.
 */
pairs: Array<Both>, };

/**
 * One model file.
 */
export type FoundFile = { 
/**
 * As a person knows it: `owner/name:file`, `llama3.2:3b`, a file name.
 */
name: string, path: string, bytes: number, source: Source, 
/**
 * As the tool that keeps it says, or as it was computed.
 */
sha256: string | null, 
/**
 * Experts that use it.
 */
experts: Array<string>, };

/**
 * Passages that a search found, best first.
 */
export type FoundPassages = { passages: Array<Passage>, 
/**
 * Passages with at least one of the words.
 */
considered: number, elapsed_ms: number, };

/**
 * Measured, whatever the target was. Memory and loads are those of the replay, with minus without.
 */
export type Gain = { 
/**
 * What deleting the files would free; retiring leaves them.
 */
disk_bytes: number, disk_share: number, peak_memory_bytes: number | null, loads: number | null, load_ms: number | null, };

/**
 * What follows from how hard a question is, 0 to 1, where that is measured.
 */
export type Gates = { on: boolean, 
/**
 * Easier questions are asked once, with nothing beside them but the user's own bullets.
 */
minimal_below: number, 
/**
 * Harder ones are asked by attempts that past answers guide, or by refining.
 */
guided_above: number, 
/**
 * Still harder ones have their answer verified, and learned bullets beside them.
 */
verify_above: number, };

/**
 * Generate: what the expert did.
 */
export type Generated = { prompt_tokens: number, tokens: number, first_token_ms: number, tokens_per_s: number, prompt_tokens_per_s: number, 
/**
 * Mean probability that the expert gave to the tokens it chose.
 */
confidence: number, peak_memory_bytes: number, 
/**
 * Of the prompt's tokens, those that the expert had read before, and where that was.
 */
cached_tokens: number, cached_in: Kept | null, 
/**
 * Those that it read now.
 */
read_tokens: number, 
/**
 * Oldest tokens that were dropped because the conversation outgrew the expert's context.
 */
shifted: number, 
/**
 * The most questions that the expert answered in the same passes, this one included; 0: it was stopped before one.
 */
together: number, 
/**
 * `"end"`, `"length"` or `"stopped"`.
 */
finish: Finish, elapsed_ms: number, };

/**
 * How far it is. `of` is 0 while nobody knows.
 */
export type Going = { step: PoolStage, what: string, done: number, of: number, };

/**
 * Drafts that say the same.
 */
export type Group = { says: string, experts: Array<string>, votes: number, weight: number, };

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
 * 0 to 1. By words alone: `bm25` as a part of what these words could reach at most; with vectors: that
 * part and the cosine, fused.
 */
score: number, bm25: number, 
/**
 * Of its vector with that of the text; `None` without vectors.
 */
cosine: number | null, rating: number, 
/**
 * Unix time in milliseconds.
 */
created: number, };

export type Hits = { hits: Array<Hit>, 
/**
 * Past answers with at least one of the words; of more than 20,000 kept ones, with the most common of the words.
 */
considered: number, 
/**
 * The encoder that was used, or the built-in table.
 */
encoder: string | null, 
/**
 * Why the one that was chosen was not.
 */
without_meaning: string | null, elapsed_ms: number, };

/**
 * Where the hub is, where its files lie here, and what stands in the way of it.
 */
export type HubPlace = { endpoint: string, cache: string, 
/**
 * Why nothing may be asked.
 */
offline: string | null, token: TokenFrom, };

/**
 * The hub and its files. The environment (HF_ENDPOINT, HF_HOME, HF_HUB_CACHE, HF_HUB_OFFLINE) goes before each of these.
 */
export type HubSettings = { 
/**
 * Another address of the hub: a mirror.
 */
endpoint: string | null, 
/**
 * The folder of the files; `None` is the one that other tools use.
 */
cache: string | null, 
/**
 * Nothing is asked of the network, whatever anybody wants.
 */
offline: boolean, 
/**
 * Downloads at once; others wait.
 */
downloads_at_once: number, 
/**
 * Folders whose GGUF files are offered as experts, where they lie.
 */
folders: Array<string>, };

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
sha256: string, parameters: number, 
/**
 * What it takes when it is loaded, as its header says; 0: nobody looked.
 */
memory_bytes: number, 
/**
 * Experts inside the mixture were cut out of this file: what it comes from, in words.
 */
pruned?: string, 
/**
 * Experts inside the mixture that it goes without until the mask is taken off.
 */
mask?: Mask, 
/**
 * It is no file: a server is asked, and `file` is its address.
 */
endpoint?: Endpoint, };

export type Inline = { "kind": "text", text: string, } | { "kind": "code", text: string, } | { "kind": "strong", inlines: Array<Inline>, } | { "kind": "emphasis", inlines: Array<Inline>, } | { "kind": "strikethrough", inlines: Array<Inline>, } | { "kind": "link", url: string, inlines: Array<Inline>, } | { "kind": "break" };

/**
 * A mean, and the range that holds 95 % of the means of resampled questions. One question says nothing of others: it gives
 * no range.
 */
export type Interval = { mean: number, low: number | null, high: number | null, };

/**
 * Where an expert has what it had read before.
 */
export type Kept = "seat" | "state";

/**
 * A prompt that was tried, with its place in the history.
 */
export type KeptPrompt = { number: number, run: number, 
/**
 * Unix time in milliseconds.
 */
created: number, expert: string, 
/**
 * Examples of it that were forgotten since with the answers that they came from.
 */
shots_gone: number, place: number, parents: Array<number>, made: Made, 
/**
 * What was changed, in a few words.
 */
change: string, prompt: Prompt, 
/**
 * On the few questions by which it was let in, and its first parent on the same ones.
 */
batch: Count | null, parent_batch: Count | null, 
/**
 * On all questions that prompts are chosen by; `None`: it was not let in.
 */
front: Count | null, 
/**
 * Of those, where no other prompt is better.
 */
best_at: number, 
/**
 * No other prompt is as good everywhere and better somewhere.
 */
on_front: boolean, 
/**
 * On questions that no choice was made by; of the first prompt and the chosen one alone.
 */
held_out: Count | null, 
/**
 * Mean of the questions that were asked with it.
 */
prompt_tokens: number, };

/**
 * What one variable stands for, as it is now.
 */
export type Knob = { variable: string, sets: string, value: string, from: KnobFrom, 
/**
 * What holds without the variable.
 */
otherwise: string, };

export type KnobFrom = "environment" | "pool_file" | "settings" | "default";

export type Latency = { p50: Figure, p99: Figure, first_p50: Figure, first_p99: Figure, stages: Array<StageTime>, 
/**
 * Medians.
 */
trend: Array<Point>, 
/**
 * Means of the last 24 hours, and of the time before.
 */
day: Figure, before: Figure, targets: Targets, };

export type LayerPlan = { layer: number, experts: number, 
/**
 * Ascending.
 */
kept: Array<number>, removed: Array<number>, 
/**
 * Super experts, who stay whatever their score.
 */
protected: Array<number>, 
/**
 * All of the layer's experts, the best first.
 */
order: Array<number>, coverage: ModelCoverage, 
/**
 * Share of `kept` that both halves of the questions choose when each chooses as many.
 */
stability: number | null, };

export type LayerScores = { layer: number, experts: Array<ExpertScores>, 
/**
 * Experts that no token was sent to.
 */
idle: Array<number>, 
/**
 * Experts whose means rest on fewer than 32 tokens.
 */
few: Array<number>, };

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
 * One lesson.
 */
export type Lesson = { id: number, question: string, expert: string, 
/**
 * Whether that expert is right for it, or wrong.
 */
right: boolean, source: TaughtBy, 
/**
 * Unix time in milliseconds.
 */
created: number, };

/**
 * How far a search may go.
 */
export type Limits = { 
/**
 * Questions asked in all, the held-out ones and reflections included.
 */
rollouts: number, seed: number, 
/**
 * Read and written, in all.
 */
tokens: number | null, seconds: number | null, 
/**
 * Who writes better prompts from what went wrong; `None`: the expert itself where it can, else whoever can.
 */
reflect: string | null, };

/**
 * An address and the part of it that says where it leads.
 */
export type Link = { 
/**
 * The host as it is resolved (so `аpple.com` in Cyrillic shows its `xn--` form), or a mail address.
 */
host: string, url: string, };

/**
 * A pack as it is here.
 */
export type ListedPack = { pack: Pack, 
/**
 * It comes with Lectern.
 */
shipped: boolean, 
/**
 * Its file lies in the home.
 */
imported: boolean, 
/**
 * Experts of the pool that speak for it, with a model.
 */
experts: Array<string>, 
/**
 * Its questions, for `lectern bench --file`; when it is imported.
 */
questions_file: string | null, };

/**
 * One stored answer.
 */
export type Logged = { id: string, question: string, answer: string, expert: string, 
/**
 * It opened its conversation: nothing that was said before belongs to it.
 */
opens: boolean, refused: boolean, rating: number, total_ms: number, 
/**
 * 0: its expert was seated already.
 */
load_ms: number, 
/**
 * The most that its expert's process took.
 */
memory_bytes: number, 
/**
 * Unix time in milliseconds.
 */
created: number, };

/**
 * What one prompt was made by.
 */
export type Made = { "by": "given" } | { "by": "edit" } | { "by": "merge" } | { "by": "reflection", expert: string, };

export type Management = { auto_scale: boolean, 
/**
 * Performance, as `lectern pool report` has it, under which an expert with enough answers is named there.
 */
performance_threshold: number, 
/**
 * Such experts are retired when Lectern starts; `lectern pool restore` takes them back.
 */
remove_underperforming: boolean, };

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
 * Its files: the same model with more or fewer bits a weight. May be absent for a starter: it is filled from the
 * file.
 */
implementations: Array<Implementation>, 
/**
 * The `file` among `implementations` that its user chose; `None`: the best that fits the memory.
 */
uses: string | null, offer: Offer, };

/**
 * Who stays, and by what that was decided.
 */
export type Mask = { layers: Array<MaskedLayer>, 
/**
 * What the experts were compared by, as the plan names it.
 */
score: string, 
/**
 * Sum of the plan.
 */
plan: string, 
/**
 * Nats by which a token of the held-out questions was foretold worse, where that was checked.
 */
loss: number | null, };

export type MaskedLayer = { layer: number, 
/**
 * Of the file.
 */
experts: number, 
/**
 * Those that stay.
 */
kept: Array<number>, };

/**
 * Search by meaning, as the settings show it.
 */
export type Meaning = { 
/**
 * The one that was chosen.
 */
encoder: string | null, 
/**
 * Without one: numbers of a vector of the built-in table; `None`: search goes by words alone.
 */
built_in: number | null, 
/**
 * What can be fetched.
 */
offered: string, 
/**
 * Past answers and passages that have a vector, and all of them.
 */
done: number, all: number, };

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

export type Memory = { 
/**
 * The most bytes that an expert took.
 */
peak: Figure, 
/**
 * Median part of the budget that was taken.
 */
utilization: Figure, 
/**
 * Answers for which an expert was loaded, of those that took the seat.
 */
loads: Figure, 
/**
 * Median milliseconds of a load.
 */
load_ms: Figure, 
/**
 * Experts that left for another.
 */
swaps: Figure, 
/**
 * Answers whose expert was there already, and the milliseconds that its last load took, in all.
 */
stays: Figure, stays_ms: Figure, peaks: Array<Point>, loads_by_time: Array<Point>, experts: Array<ExpertMemory>, };

/**
 * A model that has experts inside.
 */
export type Mixture = { 
/**
 * Of the pool; `None`: a file that is no expert of it.
 */
expert: string | null, title: string, file: string, bytes: number, 
/**
 * In every layer, and how many of them a token is sent to.
 */
experts: number, used: number, 
/**
 * Experts of all layers that its mask leaves out; `None`: it has no mask.
 */
masked: number | null, 
/**
 * It was cut already: what it comes from, in words.
 */
pruned: string | null, };

/**
 * Presets over the one path (R2). Each only sets where the stages start.
 */
export type Mode = "optimized" | "fast" | "basic";

export type ModeCost = { mode: Mode, 
/**
 * Median milliseconds of an answer, and tokens read and written for it, of the last 30 days.
 */
total_ms: Figure, tokens: Figure, 
/**
 * Over the mode Basic; `None`: the two were not compared.
 */
gain: ModeGain | null, };

/**
 * The accuracy of a mode minus that of another, over the same questions, with its 95 % interval.
 */
export type ModeGain = { mode: Mode, than: Mode, n: number, difference: number, low: number, high: number, };

/**
 * A repository with models.
 */
export type Model = { repo: string, 
/**
 * As its owner declares it; `None` where he does not.
 */
licence: string | null, 
/**
 * Its owner lets people in one by one, or after they accept terms.
 */
gated: boolean, downloads: number | null, architecture: string | null, parameters: number | null, context_length: number | null, 
/**
 * Its architecture can be computed here; `None`: the hub does not say what it is.
 */
supported: boolean | null, why_not: string | null, 
/**
 * Smallest first.
 */
files: Array<Choice>, };

/**
 * What those who stay have done, of what all did.
 */
export type ModelCoverage = { count: number, gate: number, score: number, };

/**
 * Which model a document is about, from its header alone.
 */
export type ModelId = { name: string | null, architecture: string, bytes: number, 
/**
 * Of the file's header.
 */
header_sha256: string, experts: number, experts_used: number, };

export type ModelPlan = { model: ModelId, how: PlanHow, layers: Array<LayerPlan>, 
/**
 * Of all layers.
 */
coverage: ModelCoverage, 
/**
 * Mean of the layers'; absent where the score does not rest on questions.
 */
stability: number | null, 
/**
 * There were tokens enough to believe the scores.
 */
enough: boolean, 
/**
 * What a dry run of this very plan found.
 */
check: Check | null, };

/**
 * How far it is.
 */
export type Moved = { from: string, to: string, done_bytes: number, total_bytes: number, files: number, 
/**
 * `owner/name:file` of those that stay, because their bytes are not what they were when they came.
 */
damaged: Array<string>, };

/**
 * What there is of a move.
 */
export type Moving = { "state": "still" } | { "state": "going", moved: Moved, } | { "state": "paused", moved: Moved, } | { "state": "done", moved: Moved, } | { "state": "failed", failure: Failure, };

/**
 * Whole states of the app.
 */
export type News = { "kind": "seat", seat: Seat, budget_bytes: number, } | { "kind": "queue", queue: Queue, };

export type NotAdded = { path: string, failure: Failure, };

/**
 * How an expert came into the pool.
 */
export type Offer = "accepted" | "open" | "declined";

export type OnDisk = { experts: Array<Usage>, 
/**
 * Model files that no expert uses yet, and those that some do.
 */
files: Array<FoundFile>, copies: Array<Copies>, cache: string, free_bytes: number, };

/**
 * An answer behind a figure.
 */
export type Opened = { id: string, conversation: string, question: string, answer: string, expert: string, rating: number, refused: boolean, };

/**
 * What a search came to.
 */
export type Optimised = { expert: string, 
/**
 * Where the questions are from: `log`, or the file.
 */
questions: string, limits: Limits, parts: Parts, 
/**
 * Questions asked.
 */
spent: number, 
/**
 * Read and written.
 */
tokens: number, elapsed_ms: number, 
/**
 * Who wrote prompts; `None`: nobody could, they were changed by plain edits alone.
 */
reflector: string | null, 
/**
 * What its questions were read as: a prompt that is put to use is used there.
 */
domains: Array<string>, 
/**
 * The number of the best one.
 */
best: number | null, 
/**
 * Right with the best one minus right as it is asked now, on held-out questions.
 */
gain: Difference | null, shown: Proof, ended: Ended, 
/**
 * Beside a baseline of reinforcement learning: none was run.
 */
rl_ratio: number | null, };

/**
 * Where a bullet comes from.
 */
export type Origin = "user" | "reflector" | "pack";

/**
 * How often two experts say the same: the same number, choice, code or text, whatever is written around it.
 */
export type Overlap = { first: string, second: string, same: Share | null, };

export type Pack = { 
/**
 * As an expert's: lowercase letters, digits and dashes.
 */
name: string, title: string, about: string, 
/**
 * What its experts answer, as routing names it.
 */
domain: string, 
/**
 * Words and phrases that mark the domain, lowercase; a `*` at the end stands for any ending.
 */
keywords: Array<string>, 
/**
 * Questions of the domain as people ask them: lessons for routing.
 */
wordings: Array<string>, experts: Array<PackExpert>, 
/**
 * What is to be kept in mind, a sentence each.
 */
playbook: Array<string>, questions: Array<PackQuestion>, };

export type PackExpert = { kind: string, title: string, 
/**
 * 0 to 10.
 */
complexity: number, temperature: number, max_tokens: number, system_prompt: string, 
/**
 * Repositories of the hub whose models would do, the likeliest first.
 */
catalogue: Array<string>, };

export type PackQuestion = { question: string, 
/**
 * A number, a letter, a word: what an answer can be compared with.
 */
answer: string, };

/**
 * One question of both lists.
 */
export type Pair = { 
/**
 * Word for word.
 */
same: boolean, with: Sample, without: Sample, };

/**
 * An expert or a domain.
 */
export type Part = { name: string, 
/**
 * Of all answers.
 */
share: Figure, right: Figure, confidence: Figure, };

/**
 * How many questions were for what.
 */
export type Parts = { feedback: number, front: number, held_out: number, };

/**
 * A past answer or a passage of a document that bears on the question.
 */
export type Passage = { 
/**
 * The past answer's id, or the passage's.
 */
id: string, question: string, answer: string, expert: string, 
/**
 * Unix time in milliseconds.
 */
created: number, 
/**
 * Relevance after all terms, 0 to 1; at least the threshold.
 */
score: number, bm25: number, 
/**
 * Of its meaning with that of the question; `None` without an encoder.
 */
cosine?: number, rating: number, 
/**
 * Where it stands in a document; `None`: it is a past answer. Then `question` names the place for people, `answer`
 * is the text as it stands there.
 */
document?: DocumentPlace, };

/**
 * An expert that was chosen and could not answer: the next one of the plan did.
 */
export type PassedOver = { expert: string, title: string, failure: Failure, };

/**
 * One recommendation.
 */
export type Pick = { title: string, repo: string, file: string, 
/**
 * What it is good at, as the classifier names it.
 */
domains: Array<string>, 
/**
 * GB of memory of a machine on which it runs beside other programs.
 */
memory_gb: number, 
/**
 * One sentence: why this one.
 */
why: string, 
/**
 * Billions of weights, as its maker names them. What the file takes is the hub's to say; this tells about what.
 */
billions: number, 
/**
 * Of a mixture: those that a token reads.
 */
active_billions: number | null, };

/**
 * What it came to; a stage that was left out, or not reached, is `None`.
 */
export type Pipeline = { 
/**
 * Where the questions are from: `log`, or the file.
 */
questions: string, asked: number, prune: Prune | null, compose: Array<Composition> | null, optimise: Array<Bettered> | null, capabilities: Everybody | null, stopped: boolean, };

/**
 * Where an expert's layers are computed.
 */
export type Placement = { 
/**
 * The graphics processor's name; `None`: all is computed on the processor.
 */
device: string | null, 
/**
 * Layers of the model, and how many of them are on the device.
 */
layers: number, on_device: number, 
/**
 * Why there is no device, or why not all is there.
 */
why: string | null, };

/**
 * Who answers, and why.
 */
export type Plan = { domain: string, 
/**
 * Calibrated probability of `domain`, 0 to 1.
 */
confidence: number, complexity: number, 
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
reason: string, 
/**
 * What the user's lessons say; `None` when they say nothing of this question.
 */
taught?: Taught, elapsed_ms: number, };

/**
 * What is asked of a plan.
 */
export type PlanHow = { 
/**
 * Share of the experts that stay.
 */
keep: number, score: ExpertScore, 
/**
 * Layers may keep more or fewer: the share is of all layers' experts together.
 */
per_layer: boolean, 
/**
 * Of the random score.
 */
seed: number, 
/**
 * Super experts stay, whatever their score.
 */
protect: boolean, };

/**
 * What experts are told from the playbook.
 */
export type PlaybookSettings = { 
/**
 * Bullets go beside questions, where the expert reads them.
 */
on: boolean, 
/**
 * The most that they may take.
 */
tokens: number, };

/**
 * An hour or a day.
 */
export type Point = { 
/**
 * When it begins, Unix time in milliseconds.
 */
start: number, figure: Figure, };

/**
 * What every expert is worth by the log.
 */
export type PoolReport = { 
/**
 * Of the random control.
 */
seed: number, 
/**
 * Answers in the log.
 */
answers: number, 
/**
 * With fewer answers nothing is said against an expert.
 */
enough: number, experts: Array<Worth>, };

export type PoolStage = "prune" | "compose" | "optimise" | "capabilities";

/**
 * A scan without what only plans need.
 */
export type Profile = { model: ModelId, calibration: Calibration, layers: Array<LayerScores>, super_experts: Array<SuperExpert> | null, 
/**
 * Questions that sizes are tried on, and such that guard.
 */
held_out: number, guard: number, };

/**
 * How the question is put to the expert.
 */
export type Prompt = { 
/**
 * Stands before the conversation in the place of the manifest's; `None`: the manifest's own.
 */
system: string | null, 
/**
 * What the expert reads in the place of the question; `{question}` stands in it once.
 */
layout: string, 
/**
 * Questions with their answers that it is shown first, as turns before this one.
 */
shots: Array<Shot>, 
/**
 * Questions of so many words it was tried on, at least and at most; others are asked without it. `None`: all.
 */
words: [number, number] | null, };

/**
 * Every search, and what was in use when, the newest first.
 */
export type PromptHistory = { searches: Array<Searched>, uses: Array<Use>, };

/**
 * What a search says of its prompt.
 */
export type Proof = "gain" | "no_gain" | "no_better" | "unfinished";

/**
 * What is known of this machine before a download.
 */
export type Prospect = { budget_bytes: number, 
/**
 * Weights that an expert reads a second.
 */
bytes_per_s: number, 
/**
 * Experts did it here; else it follows from how fast this machine reads its memory.
 */
by_answers: boolean, };

/**
 * Who could go, and the answers with and without them.
 */
export type Prune = { pruned: Pruned, pairs: Array<Pair>, };

/**
 * A smaller pool: who goes, what that frees and, once it was asked, what it loses.
 */
export type Pruned = { criterion: Criterion, seed: number, target: number, 
/**
 * Who was routed to before, and who is left of them.
 */
original: Array<string>, retained: Array<string>, removed: Array<Removed>, disk_bytes_before: number, gain: Gain, 
/**
 * `None`: nothing was asked.
 */
replay: Replay | null, stopped: boolean, applied: boolean, };

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
 * `false` asks without looking at past answers and documents, whatever the mode says.
 */
recall: boolean, 
/**
 * Whether the playbook is used; `None`: as the settings and the difficulty say.
 */
playbook?: boolean, 
/**
 * Passages that the user took out for this question.
 */
without: Array<string>, 
/**
 * The answer that this one replaces (regenerate), if any.
 */
replaces: string | null, 
/**
 * The part of the context's tokens that stays; `None` drops only what does not fit.
 */
ratio?: number, 
/**
 * So many experts are asked, one after the other; `None` with an `aggregate`: 3, or 5 for a hard question.
 */
top_k?: number, 
/**
 * How their answers become one; `None` without `top_k`: one expert is asked. `Auto`: as the question is.
 */
aggregate?: Aggregate, 
/**
 * Who writes the one answer of an ensemble, or joins parts; `None`: the best generalist, or the best for the whole.
 */
synthesis?: string, 
/**
 * How each expert is asked; `None`: once, or by what was measured to do better (in the mode Optimized).
 */
strategy?: Strategy, max_tokens: number | null, temperature: number | null, seed: number | null, };

/**
 * A part of a question that an expert was asked in the place of the whole.
 */
export type QuestionPart = { 
/**
 * Its place in the question, from 1.
 */
place: number, text: string, 
/**
 * As it was read.
 */
domain: string, };

/**
 * Questions that are on their way to the lectern or stand there.
 */
export type Queue = { 
/**
 * By expert, those that it answers now included.
 */
waiting: { [key in string]: number }, 
/**
 * Those that the seated expert answers now.
 */
answering: number, 
/**
 * Experts that failed too often and are not asked for a while.
 */
resting: Array<string>, traffic: Traffic, };

/**
 * Questions that wait for the lectern, and the expert that stands there.
 */
export type QueueSettings = { 
/**
 * Questions that may wait at once.
 */
depth: number, 
/**
 * Questions that may wait for one expert or be with it; 0: as many as may wait at all.
 */
per_expert: number, 
/**
 * Questions that one expert answers at the same time, where memory allows; 1: one after the other.
 */
together: number, 
/**
 * The longest that a swap is put off, while others are there, for a question to the seated expert.
 */
gathering_ms: number, 
/**
 * Seconds that a question may wait for its turn.
 */
waiting_s: number, 
/**
 * Seconds that one answer may take.
 */
answering_s: number, 
/**
 * Seconds without a sign of life or of work after which an expert counts as hung.
 */
silence_s: number, 
/**
 * Seconds after which an expert that nobody asks leaves; 0: it stays.
 */
idle_s: number, 
/**
 * The expert that was used last is loaded when Lectern starts.
 */
warm_up: boolean, };

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
 * How far the reading of files is.
 */
export type ReadingFiles = { done: number, of: number, 
/**
 * The file that is being read.
 */
path: string, };

/**
 * What the expert is given.
 */
export type Reads = "question" | "conversation";

/**
 * Reason: what a strategy did with the seated expert.
 */
export type Reasoned = { strategy: Strategy, 
/**
 * Why this one.
 */
why: string, steps: Array<Step>, 
/**
 * What came of it, in one sentence.
 */
outcome: string, 
/**
 * Why it came down to asking once, when it did.
 */
fell_back: string | null, 
/**
 * The answer is another than the one that asking once gave.
 */
changed_answer: boolean, 
/**
 * Lines of the first answer that went (`- `) and that came (`+ `).
 */
diff: Array<string>, 
/**
 * Generated in all.
 */
tokens: number, elapsed_ms: number, };

/**
 * Retrieve: what was looked at and what was kept.
 */
export type Recalled = { 
/**
 * `false`: recall was off for this question.
 */
asked: boolean, passages: Array<Passage>, 
/**
 * Past answers and passages that matched some word.
 */
considered: number, 
/**
 * Passages under this relevance are not shown.
 */
threshold: number, 
/**
 * Why the encoder that was chosen was not used.
 */
without_meaning?: string, elapsed_ms: number, };

/**
 * What reflecting came to.
 */
export type Reflected = { 
/**
 * Who was asked.
 */
expert: string, 
/**
 * Pairs of a bad and a good answer to the same question, and those that nobody was asked about before.
 */
pairs: number, asked: number, 
/**
 * The bullets that came of it, also where they were merged into others.
 */
added: number[], stopped: boolean, };

/**
 * What is lost without an expert, when the router chooses among the others.
 */
export type Regret = { expert: string, 
/**
 * Questions that the router gives it.
 */
routed: number, 
/**
 * Right with it minus right without it, over all questions.
 */
loss: Difference | null, };

/**
 * Answers that were foretold to be right with about the same probability, each by a fit that had not seen it.
 */
export type Reliability = { from: number, to: number, n: number, 
/**
 * Mean probability that was foretold, and the part that was right.
 */
foretold: number, right: number, };

export type Removed = { name: string, score: number, disk_bytes: number, };

export type Replay = { 
/**
 * `log`, or the file.
 */
questions: string, with: Figures, without: Figures, 
/**
 * Answers that stay word for word.
 */
same: Share | null, 
/**
 * Accuracy with minus without.
 */
loss: Difference | null, };

/**
 * A replay with what its figures are made of.
 */
export type Replayed = { pruned: Pruned, pairs: Array<Pair>, };

/**
 * How far a replay is.
 */
export type Replaying = { done: number, of: number, };

/**
 * One request.
 */
export type Request = { 
/**
 * Unix time in milliseconds.
 */
when: number, 
/**
 * With its port where that is not the usual one.
 */
host: string, 
/**
 * In words.
 */
why: string, 
/**
 * `None`: no answer came.
 */
status: number | null, 
/**
 * Of the answer's body.
 */
bytes: number, 
/**
 * Of what was sent with it: a question to an expert outside Lectern.
 */
sent_bytes?: number, 
/**
 * The token went with it.
 */
with_token: boolean, };

export type Retrieval = { 
/**
 * Answers that looked in past answers and documents, of all that are still there.
 */
asked: Figure, 
/**
 * Answers that were given something, of those that looked.
 */
given: Figure, 
/**
 * Median score of the best that was given.
 */
score: Figure, by_score: Array<Bin>, 
/**
 * Right ones of those that were judged, with something given and without.
 */
right_with: Figure, right_without: Figure, shares: Array<Point>, };

/**
 * What can be reworded; `None` stays.
 */
export type Rewording = { text: string | null, domain: string | null, };

/**
 * What rounding to about the plan's size would cost, on the same questions.
 */
export type Rival = { 
/**
 * What the routed experts' weights are stored as.
 */
storage: string, 
/**
 * Of a file with them.
 */
bytes: number, held_out: Delta, guard: Delta | null, };

/**
 * How it was before a rollback.
 */
export type RolledBack = { queue: QueueSettings, 
/**
 * The pool file; `None`: there was none.
 */
pool_file: string | null, };

export type Router = { type: RouterKind, 
/**
 * So many experts are asked when a question says nothing of it; 1 asks the best alone.
 */
top_k: number, 
/**
 * Below this score the generalist answers.
 */
min_confidence: number, };

export type RouterKind = "neural" | "heuristic";

export type Routing = { 
/**
 * Who answers most comes first.
 */
experts: Array<Part>, domains: Array<Part>, 
/**
 * Right ones of all that were judged.
 */
right: Figure, 
/**
 * Median probability of the domain that was read.
 */
confidence: Figure, by_confidence: Array<Bin>, };

/**
 * A loaded model, measured.
 */
export type Running = { 
/**
 * Generated, one text at a time.
 */
tokens_per_s: number, 
/**
 * Resident memory of its process.
 */
memory_bytes: number, };

/**
 * One question and what became of it.
 */
export type Sample = { 
/**
 * Place in the file, from 1: a question has the same in every list.
 */
place: number, id: string, mode: Mode, 
/**
 * How it was asked, beside the mode: empty where nobody said.
 */
way: string, question: string, expected: string | null, 
/**
 * Judged by [`is_right`]; a failure where an answer was expected is not right. `None`: nothing was expected.
 */
right: boolean | null, answer: string, 
/**
 * Empty when nobody could be asked.
 */
expert: string, domain: string, 
/**
 * As the question was read, 0 to 10.
 */
complexity: number, refused: boolean, failure: Failure | null, 
/**
 * Past answers that the expert was given.
 */
recalled: number, prompt_tokens: number, tokens: number, first_token_ms: number, total_ms: number, load_ms: number, memory_bytes: number, peak_memory_bytes: number, 
/**
 * Who left the seat for it.
 */
left: string | null, 
/**
 * Experts that took the seat for it, and those of them for whom another one left.
 */
loads: number, swaps: number, };

/**
 * Questions that there are to search with.
 */
export type Searchable = { 
/**
 * Those whose right answer is known.
 */
questions: number, 
/**
 * With fewer there is no search.
 */
least: number, 
/**
 * With fewer rollouts there is none with so many questions; `None`: there are too few questions.
 */
rollouts: number | null, };

/**
 * One search of the history.
 */
export type Searched = { number: number, 
/**
 * Unix time in milliseconds.
 */
created: number, expert: string, tried: number, 
/**
 * `None`: another version of Lectern wrote it.
 */
optimised: Optimised | null, };

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
tokens_per_s: number | null, } | { "state": "lent", what: string, } | { "state": "leaving", expert: string, title: string, memory_bytes: number, } | { "state": "failed", expert: string, failure: Failure, };

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
budget_bytes: number, 
/**
 * It is no process here: what becomes of the question, in words, with the host that it goes to.
 */
outside?: string, 
/**
 * Where its layers are computed.
 */
placement: Placement, leave_ms: number, load_ms: number, elapsed_ms: number, };

/**
 * What a server says of itself.
 */
export type Served = { host: string, 
/**
 * It names the model among those that it has.
 */
has_model: boolean, 
/**
 * Those that it has, at most a hundred.
 */
models: Array<string>, 
/**
 * Tokens of the model's context, where the server says so.
 */
context: number | null, };

export type Settings = { theme: Theme, 
/**
 * Where new questions start.
 */
mode: Mode, 
/**
 * Memory for experts in GB (10^9 bytes); `None` lets the governor choose from what this machine has.
 */
budget_gb: number | null, 
/**
 * Graphics processors are left alone, also where there is one.
 */
processor_only: boolean, hub: HubSettings, queue: QueueSettings, 
/**
 * Experts that are servers outside Lectern may be asked: what they are asked leaves it.
 */
outside: boolean, playbook: PlaybookSettings, gates: Gates, };

/**
 * A share of `n` with its 95 % interval.
 */
export type Share = { count: number, n: number, share: number, low: number, high: number, };

/**
 * One example.
 */
export type Shot = { question: string, answer: string, };

/**
 * One event, with what the page draws.
 */
export type Shown = { event: AnswerEvent, 
/**
 * The whole answer so far. `null` when it is not drawn anew with this event.
 */
blocks: Array<Block> | null, };

/**
 * A prompt that was tried, with the lines that went (`- `) and came (`+ `).
 */
export type ShownPrompt = { kept: KeptPrompt, 
/**
 * Against the first prompt of its search, and against its parent.
 */
changed: Array<string>, changed_from_parent: Array<string>, lines: Array<string>, };

/**
 * A smaller file, and where it is.
 */
export type SmallerFile = { file: string, bytes_before: number, bytes_after: number, experts: number, 
/**
 * Its logits are bit for bit those of the masked model.
 */
same_logits: boolean, before: Running | null, after: Running | null, 
/**
 * The expert that has it now.
 */
expert: Expert | null, };

/**
 * Who keeps a file.
 */
export type Source = "starter" | "fetched" | "hugging_face" | "ollama" | "lm_studio" | "elsewhere";

/**
 * The rooms in the order that a question meets them.
 */
export type Stage = "read" | "retrieve" | "route" | "seat" | "compress" | "generate" | "learn";

export type StageTime = { stage: string, p50: Figure, p99: Figure, 
/**
 * Part of the time of all stages.
 */
part: number, };

export type State = { "state": "queued" } | { "state": "finding" } | { "state": "waits_for_another" } | { "state": "fetching", done_bytes: number, total_bytes: number, 
/**
 * `None` until it was measured.
 */
bytes_per_s: number | null, seconds_left: number | null, 
/**
 * Why nothing comes at the moment; it is tried again.
 */
waits: string | null, } | { "state": "checking", done_bytes: number, } | { "state": "paused", done_bytes: number, total_bytes: number, } | { "state": "ready", fetched: Fetched, } | { "state": "failed", failure: Failure, };

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
 * One thing that a strategy asked of the expert.
 */
export type Step = { step: StepKind, 
/**
 * What the expert was asked; empty when it was the question itself.
 */
prompt: string, text: string, 
/**
 * What the text comes to.
 */
says: string, 
/**
 * What the strategy judges by; what it is stands in `note`.
 */
score: number | null, 
/**
 * It is part of what became the answer.
 */
accepted: boolean, note: string, tokens: number, elapsed_ms: number, };

export type StepKind = "answer" | "sample" | "understand" | "plan" | "part" | "check" | "improve" | "join";

/**
 * How one expert is asked.
 */
export type Strategy = "direct" | "steps" | "guided" | "refine" | "verify" | "multi-stage" | "vote";

/**
 * An expert with outliers in its output that the whole model leans on.
 * Source: Super Experts (arXiv:2507.23279): above the 99.5th percentile of all peaks, and above a tenth of the largest.
 */
export type SuperExpert = { layer: number, expert: number, peak: number, };

/**
 * What requirement R91 names, as it is here.
 */
export type Targets = { 
/**
 * Mean milliseconds of an answer.
 */
response_ms: Figure, 
/**
 * Seconds saved as a part of saved and spent, over the answers where both were measured.
 */
cost_saved: Figure, p99_ms: Figure, 
/**
 * Mean peak memory as a part of the budget.
 */
utilization: Figure, };

/**
 * What lessons say of a question. The gate of an expert is `(left · gate without them + right) · (1 − wrong)`, where
 * `left` is 1 minus all that is said for somebody.
 */
export type Taught = { 
/**
 * Those that something is said of.
 */
experts: Array<TaughtExpert>, 
/**
 * Lessons that are like the question.
 */
lessons: number, };

/**
 * Where a lesson comes from.
 */
export type TaughtBy = "rating" | "retry" | "told";

export type TaughtExpert = { name: string, 
/**
 * Probability that it is the right one, and that it is a wrong one.
 */
right: number, wrong: number, };

/**
 * Every term of a score.
 */
export type Terms = { 
/**
 * The classifier's probability of this expert's domains, and what lessons say ([`Taught`]).
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
 * Two experts: how often one of them is right at least, and what that is over the better one alone. It bounds what a
 * council of the two can gain.
 */
export type Together = { first: string, second: string, either: Share | null, gain: Difference | null, };

/**
 * Where the token in use comes from.
 */
export type TokenFrom = "nowhere" | "environment" | "keyring" | "session";

export type Topic = { topic: string, questions: number, 
/**
 * Of the answers.
 */
tokens: number, perplexity_before: number, perplexity_after: number, 
/**
 * How much worse a token is foretold, in nats.
 */
loss: Interval, 
/**
 * Kullback–Leibler divergence of a token's probabilities, in nats.
 */
kl_mean: Interval, kl_p99: number, 
/**
 * Share of tokens where both find the same token the most likely.
 */
top1_agreement: Interval, };

/**
 * Past questions about one thing.
 */
export type TopicCount = { topic: string, questions: number, };

/**
 * Everything that happened on the way.
 */
export type Trace = { mode?: Mode, 
/**
 * Questions that waited or were being answered when this one was routed.
 */
waiting?: number, read: Reading, retrieve: Recalled, 
/**
 * `chosen` is who was asked in the end.
 */
route: Plan, 
/**
 * Why it was asked of several, or of one; `None`: that was not left open.
 */
composed?: Composed, 
/**
 * How hard it is for who was asked; `None`: it came to nobody.
 */
difficulty?: Difficulty, 
/**
 * What the playbook gave; `None`: it was not looked into.
 */
advice?: Advice, 
/**
 * Who was asked before, and why it did not answer.
 */
passed_over?: Array<PassedOver>, seat: Seated, compress: Compressed, generate: Generated, 
/**
 * The number of the prompt that it was asked with; `None`: as its manifest has it.
 */
prompt?: number, 
/**
 * A strategy asked the expert; `None`: it was asked once.
 */
reason?: Reasoned, 
/**
 * Several experts were asked: what stands above from `difficulty` on is of the one whose text the answer is.
 */
council?: Council, learn: Learned, total_ms: number, 
/**
 * The stage in which the user stopped it; the stages after it never ran and hold their empty values.
 */
stopped_in: Stage | null, };

/**
 * What the queue came to since the lectern was opened.
 */
export type Traffic = { 
/**
 * Questions that had their turn.
 */
turns: number, 
/**
 * Answers that were computed in the same passes as others.
 */
together: number, 
/**
 * Time that they waited for their turn, loads included.
 */
waited_ms: number, 
/**
 * Experts that were loaded.
 */
loads: number, 
/**
 * Loads that the order of arrival would have cost, less those that the queue's order cost: exact when nobody waits.
 */
loads_saved: number, 
/**
 * The most questions that waited at once, those at the lectern included.
 */
deepest: number, };

export type Trend = "hours" | "days";

/**
 * One prompt that was tried, and what it was worth. Its place is its number in the search, from 0.
 */
export type Tried = { place: number, parents: Array<number>, made: Made, 
/**
 * What was changed, in a few words.
 */
change: string, prompt: Prompt, 
/**
 * On the few questions by which it was let in, and its first parent on the same ones.
 */
batch: Count | null, parent_batch: Count | null, 
/**
 * On all questions that prompts are chosen by; `None`: it was not let in.
 */
front: Count | null, 
/**
 * Of those, where no other prompt is better.
 */
best_at: number, 
/**
 * No other prompt is as good everywhere and better somewhere.
 */
on_front: boolean, 
/**
 * On questions that no choice was made by; of the first prompt and the chosen one alone.
 */
held_out: Count | null, 
/**
 * Mean of the questions that were asked with it.
 */
prompt_tokens: number, };

/**
 * One question with its answer, as the page draws it.
 */
export type Turn = { answer: Answer, blocks: Array<Block>, 
/**
 * Of each draft of a council, in their order.
 */
drafts: Array<Array<Block>>, };

/**
 * One expert's share.
 */
export type Usage = { expert: string, path: string, bytes: number, source: Source, 
/**
 * Unix time in milliseconds; `None`: it never answered here.
 */
last_used: number | null, 
/**
 * Removing it frees bytes: a file of it is ours, and no other expert uses it.
 */
frees: boolean, };

/**
 * A prompt that came into use in a domain, or went out of it.
 */
export type Use = { number: number, 
/**
 * Unix time in milliseconds.
 */
created: number, expert: string, domain: string, 
/**
 * `None`: as its manifest has it.
 */
prompt: number | null, 
/**
 * It is so now.
 */
now: boolean, };

export type Verdict = "keep" | "retire" | { "merge": { into: string, } } | "retired";

/**
 * A server as somebody wants it for an expert.
 */
export type Wanted = { name: string, domains: Array<string>, url: string, model: string, 
/**
 * `None`: what the server says, else 8,192 tokens.
 */
context: number | null, 
/**
 * It goes into the keyring.
 */
key: string | null, 
/**
 * The server is asked nothing.
 */
unchecked: boolean, };

/**
 * One GGUF file in it.
 */
export type Watched = { path: string, bytes: number, 
/**
 * The expert that it is.
 */
expert: string | null, 
/**
 * Why it is none.
 */
why_not: string | null, };

/**
 * `accuracy · route`: what a draft counts in a weighted council, and in a tie.
 */
export type Weight = { weight: number, 
/**
 * (right + prior · share) / (n + n of the prior) in this domain.
 */
accuracy: number, 
/**
 * Questions behind it.
 */
n: number, 
/**
 * Where they were measured.
 */
source: string, 
/**
 * The route's score, at least 0.
 */
route: number, };

/**
 * Everything that the page shows.
 */
export type WholePlaybook = { bullets: Array<Bullet>, 
/**
 * The newest first.
 */
log: Array<Edited>, 
/**
 * The domains that questions are read into.
 */
domains: Array<string>, 
/**
 * Bad and good answers to the same question.
 */
pairs: number, };

/**
 * How it is gone through.
 */
export type Wish = { skip: Array<PoolStage>, criterion: Criterion, 
/**
 * The part of the experts' bytes that should go, at least.
 */
target: number, 
/**
 * Of each search for a prompt.
 */
rollouts: number, seed: number, };

/**
 * One file of an expert went, the expert stays.
 */
export type WithoutFile = { file: Implementation, freed_bytes: number, 
/**
 * As it is now, with the file that it uses.
 */
expert: Expert, };

/**
 * How far something is.
 */
export type Working = { "at": "waiting" } | { "at": "loading" } | { "at": "asking", done: number, of: number, profile: Profile | null, } | { "at": "writing", done_bytes: number, of: number, };

/**
 * One expert, with what its criteria are made of.
 */
export type Worth = { name: string, domains: Array<string>, answers: number, 
/**
 * Of the log.
 */
share: Share | null, rated_up: number, rated_down: number, 
/**
 * Refused or empty, and not rated.
 */
refused: number, 
/**
 * Mean over the manifest's tests, weighted by their questions.
 */
measured_accuracy: number | null, measured_n: number, latency_p50_ms: number | null, load_p50_ms: number | null, disk_bytes: number, 
/**
 * The most that it took in the log; `None`: it has not answered.
 */
memory_bytes: number | null, performance: number, frequency: number, recent_frequency: number, combined: number, adaptive: number, random: number, verdict: Verdict, evidence: string, 
/**
 * Pruning may take it: it is routed to, and is not the one that answers for lack of another.
 */
may_go: boolean, };

import { describe, expect, it } from "vitest";
import type { Answer, AnswerEvent, Shown } from "../api/bindings";
import { seeded } from "../api/fake/past";
import { activeStep, pathOf } from "./path";
import { fresh, fromAnswer, step, type Turn, titleOf } from "./turn";

const sample = seeded()[0]!;
const answer: Answer = { ...sample.answer, id: "a1" };
const { trace } = answer;

const shown = (event: AnswerEvent, blocks: Shown["blocks"] = null): Shown => ({ event, blocks });
const walk = (events: AnswerEvent[], from: Turn = { ...fresh("384 + 97?"), outcome: "running" }) =>
  events.reduce((turn, event) => step(turn, shown(event)), from);

const events: AnswerEvent[] = [
  { kind: "begun", id: "a1", conversation: "c1" },
  { kind: "read", ...trace.read },
  { kind: "retrieved", ...trace.retrieve },
  { kind: "routed", ...trace.route },
  { kind: "seating", state: "loading", expert: "arithmetic", title: "Arithmetic", memory_bytes: 1, expected_bytes: 2 },
  { kind: "seated", ...trace.seat },
  { kind: "compressed", ...trace.compress },
  { kind: "text", piece: "The answer " },
  { kind: "text", piece: "is 481." },
  { kind: "generated", ...trace.generate },
];

describe("a turn", () => {
  it("walks the path one step at a time", () => {
    const seen = events.map((_, index) => activeStep(walk(events.slice(0, index + 1))));
    expect(seen).toEqual(["read", "retrieve", "route", "seat", "seat", "generate", "generate", "generate", "generate", "learn"]);
  });

  it("collects the pieces and takes the stored answer at the end", () => {
    const before = walk(events);
    expect(before.text).toBe("The answer is 481.");
    expect(before.outcome).toBe("running");
    const done = step(before, shown({ kind: "done", answer }, sample.blocks));
    expect(done).toMatchObject({ outcome: "done", id: "a1", text: answer.answer, blocks: sample.blocks, totalMs: trace.total_ms });
    expect(pathOf(done).map((one) => one.state)).toEqual(Array(6).fill("done"));
  });

  it("is the same from its events and from the archive", () => {
    const { key: _, ...live } = step(walk(events), shown({ kind: "done", answer }, sample.blocks));
    const { key: __, ...stored } = fromAnswer(answer, sample.blocks);
    expect(live).toEqual({ ...stored, question: live.question });
  });

  it("tells stopped and refused from done", () => {
    const end = (part: Partial<Answer>) => step(walk(events), shown({ kind: "done", answer: { ...answer, ...part } })).outcome;
    expect(end({ stopped: true })).toBe("stopped");
    expect(end({ refused: true })).toBe("refused");
    expect(end({ stopped: true, refused: true })).toBe("stopped");
  });

  it("begins the text anew when the next expert is asked, and keeps why", () => {
    const failure = { code: "expert_crashed", message: "It stopped working.", fix: "Ask again.", detail: null };
    const passed = { expert: "arithmetic", title: "Arithmetic", failure };
    const next = walk([
      ...events.slice(0, 8),
      { kind: "passed_over", ...passed },
      { kind: "routed", ...trace.route, chosen: "words" },
      { kind: "text", piece: "481" },
    ]);
    expect(next).toMatchObject({ text: "481", passedOver: [passed], expert: "words", seat: null });
    const stored = fromAnswer({ ...answer, trace: { ...trace, passed_over: [passed] } }, sample.blocks);
    expect(stored.passedOver).toEqual([passed]);
  });

  it("keeps what was written when it fails, and marks the step that failed", () => {
    const failure = { code: "host.crashed", message: "It stopped working.", fix: "Ask again.", detail: null };
    const broken = walk([...events.slice(0, 8), { kind: "failed", failure }]);
    expect(broken).toMatchObject({ outcome: "failed", failure, text: "The answer " });
    expect(pathOf(broken).map((one) => one.state)).toEqual(["done", "done", "done", "done", "failed", "unreached"]);
  });

  it("is over after its last event", () => {
    const done = step(walk(events), shown({ kind: "done", answer }));
    expect(step(done, shown({ kind: "text", piece: "more" }))).toBe(done);
  });

  it("shows steps that a stop kept from happening as not reached, not as zero", () => {
    const early: Answer = { ...answer, stopped: true, trace: { ...trace, seat: { ...trace.seat, expert: "" }, generate: { ...trace.generate, tokens: 0, prompt_tokens: 0 }, learn: { stored: false, why_not: null, elapsed_ms: 0 } } };
    expect(pathOf(fromAnswer(early, [])).map((one) => one.state)).toEqual(["done", "done", "done", "unreached", "unreached", "unreached"]);
  });

  it("names experts by their titles where the plan knows them", () => {
    expect(titleOf(fromAnswer(answer, []))).toBe("Arithmetic");
    expect(titleOf(fresh("?"), "unknown")).toBe("unknown");
  });
});

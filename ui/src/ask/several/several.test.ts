import { flushSync, mount, unmount } from "svelte";
import { describe, expect, it } from "vitest";
import type { AnswerEvent, Block, Question } from "../../api/bindings";
import { fake } from "../../api/fake/index";
import { fromAnswer, fresh, step, type Turn } from "../turn";
import CouncilView from "./CouncilView.svelte";
import Steps from "./Steps.svelte";

const question = (more: Partial<Question>): Question => ({ text: "What is 384 + 97?", conversation: null, mode: "basic", expert: null, recall: false, without: [], replaces: null, max_tokens: null, temperature: null, seed: null, ...more });

/** The turn after every event of an answer of the double, and the turns on the way. */
async function heard(more: Partial<Question>): Promise<Turn[]> {
  const turns: Turn[] = [{ ...fresh("What is 384 + 97?"), outcome: "running" }];
  await fake(new URLSearchParams("pace=0")).ask(question(more), (shown) => turns.push(step(turns.at(-1)!, shown)));
  return turns;
}

function drawn(component: typeof CouncilView, turn: Turn): { text: () => string; press: (tab: string) => void; end: () => void } {
  const view = mount(component, { target: document.body, props: { turn, follow: () => {} } });
  flushSync();
  return {
    text: () => document.body.textContent ?? "",
    press: (tab) => {
      document.querySelector<HTMLElement>(`[data-testid="tab-${tab}"]`)?.click();
      flushSync();
    },
    end: () => void unmount(view),
  };
}

describe("a council", () => {
  it("hears one expert after the other, each from an empty page", async () => {
    const turns = await heard({ aggregate: "voting", top_k: 3 });
    const called = turns.filter((turn, at) => turn.called && turn.called !== turns[at - 1]?.called);
    expect(called.map((turn) => turn.called?.at)).toEqual([1, 2, 3]);
    expect(called.every((turn) => turn.text === "" && turn.blocks.length === 0)).toBe(true);
    const last = turns.at(-1)!;
    expect(last.drafts.map((one) => one.draft.says)).toEqual(["481", "481", "471"]);
    expect(last.drafts.every((one) => one.blocks.length > 0)).toBe(true);
    expect(last).toMatchObject({ outcome: "done", called: null });
  });

  it("shows what was said with its support, the conflict, and each expert's own answer", async () => {
    const turn = (await heard({ aggregate: "voting", top_k: 3 })).at(-1)!;
    const view = drawn(CouncilView, turn);
    expect(view.text()).toContain('2 of 3 say "481".');
    expect(view.text()).toMatch(/67\s%/);
    expect(view.text()).toContain("differs");
    expect(view.text()).not.toContain("I make that 471.");
    view.press(turn.drafts[2]!.draft.expert);
    expect(view.text()).toContain("I make that 471.");
    view.end();
  });

  it("names who is absent, and why", async () => {
    const turn = (await heard({ aggregate: "voting", top_k: 3 })).at(-1)!;
    const absent = { code: "expert_crashed", message: "Units stopped.", fix: "Ask again.", detail: null };
    const drafts = turn.drafts.map((one, at) => (at === 0 ? { ...one, draft: { ...one.draft, absent } } : one));
    const view = drawn(CouncilView, { ...turn, drafts });
    expect(view.text()).toContain("Absent. Units stopped. Ask again.");
    view.end();
  });

  it("shows the parts in the question's order, each with its expert, and what went beside each", async () => {
    const text = "What is 17 * 23? Then how many metres are 3 km?";
    const turn = (await heard({ text, aggregate: "auto" })).at(-1)!;
    expect(turn.composed?.aggregate).toBe("hierarchical");
    const view = drawn(CouncilView, { ...turn, drafts: [...turn.drafts].reverse() });
    const parts = [...document.querySelectorAll('[data-testid="council-parts"] li')].map((li) => li.textContent ?? "");
    expect(parts).toHaveLength(2);
    expect(parts[0]).toMatch(/1\. What is 17 \* 23\?.*391/);
    expect(parts[1]).toMatch(/2\. Then how many metres are 3 km\?.*3000 m/);
    view.press("part-2");
    expect(view.text()).toContain("It was asked: Then how many metres are 3 km?");
    expect(view.text()).toContain("0.14");
    view.end();
  });

  it("does not sit where one expert is far ahead, and the turn says why", async () => {
    const turns = await heard({ aggregate: "auto" });
    const turn = turns.at(-1)!;
    expect(turn.composed).toMatchObject({ aggregate: null });
    expect(turn.composed?.why).toContain("gain nothing");
    expect(turn.drafts).toHaveLength(0);
    expect(turns.some((one) => one.composed !== null && one.outcome === "running")).toBe(true);
  });

  it("is the same from the archive", async () => {
    const live = (await heard({ aggregate: "ensemble", top_k: 3 })).at(-1)!;
    const answer = { council: live.council };
    expect(answer.council?.fell_back).toContain("voted instead");
    const blocks = live.drafts.map((one): Block[] => one.blocks);
    const events: AnswerEvent[] = [];
    await fake(new URLSearchParams("pace=0")).ask(question({ aggregate: "ensemble", top_k: 3 }), (shown) => events.push(shown.event));
    const done = events.find((event) => event.kind === "done");
    if (done?.kind !== "done") throw new Error("it ends");
    expect(fromAnswer(done.answer, live.blocks, blocks).drafts).toEqual(live.drafts);
  });
});

describe("a strategy", () => {
  it("shows every step with what it was asked and what came of it", async () => {
    const turn = (await heard({ strategy: "verify" })).at(-1)!;
    const view = mount(Steps, { target: document.body, props: { steps: turn.steps, reasoned: turn.reasoned, asking: null } });
    flushSync();
    const text = document.querySelector('[data-testid="steps"]')?.textContent ?? "";
    expect(text).toContain("A check agrees with the answer.");
    expect(text).toContain("What is 481 - 97?");
    expect(document.querySelectorAll('[data-testid="steps"] li')).toHaveLength(2);
    void unmount(view);
  });

  it("begins each step from an empty page", () => {
    const events: AnswerEvent[] = [
      { kind: "asked", step: "answer", prompt: "" },
      { kind: "text", piece: "481" },
      { kind: "asked", step: "check", prompt: "What is 481 - 97?" },
      { kind: "text", piece: "38" },
    ];
    const turn = events.reduce((turn, event) => step(turn, { event, blocks: null }), { ...fresh("?"), outcome: "running" } as Turn);
    expect(turn).toMatchObject({ text: "38", asking: { step: "check" } });
  });
});

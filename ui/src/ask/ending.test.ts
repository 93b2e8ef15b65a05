import { mount, unmount } from "svelte";
import { expect, it } from "vitest";
import { seeded } from "../api/fake/past";
import Ending from "./Ending.svelte";
import { fromAnswer } from "./turn";

it("says in one sentence that the oldest part of a conversation was left out, and nothing when none was", () => {
  const { answer, blocks } = seeded()[0]!;
  const said = (shifted: number) => {
    const trace = { ...answer.trace, generate: { ...answer.trace.generate, shifted } };
    const turn = fromAnswer({ ...answer, trace }, blocks);
    const ending = mount(Ending, { target: document.body, props: { turn, again: () => {}, seeExperts: () => {} } });
    const text = document.querySelector('[data-testid="shifted"]')?.textContent?.trim();
    void unmount(ending);
    return text;
  };
  expect(said(0)).toBeUndefined();
  expect(said(120)).toMatch(/its oldest 120 tokens were left out\.$/);
});

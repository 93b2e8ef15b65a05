import { flushSync, mount, unmount } from "svelte";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { use } from "./api";
import { fake } from "./api/fake/index";
import App from "./App.svelte";
import { pruning } from "./reports/pruning.svelte";
import { t } from "./shared/strings";
import { all, click, patience, see, until } from "./shared/testing";

let app: ReturnType<typeof mount>;

const goes = () => all("goes").map((one) => one.dataset.expert);
const verdicts = () => Object.fromEntries(all("pruning-expert").map((row) => [row.dataset.expert, row.querySelector('[data-testid="verdict"]')?.textContent]));

async function open(scene: string) {
  use(fake(new URLSearchParams(`scene=${scene}&pace=0.02`)));
  pruning.leave();
  app = mount(App, { target: document.body });
  await click("nav-reports");
  await click("nav-pruning");
}

async function slide(target: number) {
  const slider = (await see("target")) as HTMLInputElement;
  slider.value = String(target);
  slider.dispatchEvent(new Event("input", { bubbles: true }));
  flushSync();
}

beforeEach(() => document.body.replaceChildren());
afterEach(() => unmount(app));

describe("pool pruning in the window", () => {
  it("says keep, retire or merge of each expert, with the evidence", async () => {
    await open("full");
    await see("pruning-table");
    await until(() => expect(verdicts()).toEqual({ arithmetic: "Keep", units: "Keep", words: "Merge into Generalist", code: "Retire", generalist: "Keep" }));
    const code = all("pruning-expert").find((row) => row.dataset.expert === "code");
    expect(code?.textContent).toContain("9 of 511 answers are its own");
    expect(all("pool-pruning")[0]?.textContent).toContain(t.pruning.lead("5 experts", "511 answers", "1", "1"));
  });

  it("opens the answers behind a figure", async () => {
    await open("full");
    await click("figure-adaptive");
    const behind = await see("behind");
    expect(behind.textContent).toContain(t.pruning.formulas.adaptive);
    await until(() => expect(all("behind-answer")).toHaveLength(20));
    expect(behind.textContent).toContain(t.pruning.behind.newest("200", "214"));
  });

  it("says not measured yet where there is too little to go by", async () => {
    await open("early");
    const row = await vi.waitFor(() => all("pruning-expert")[0] ?? expect.fail("no row"), patience);
    const figure = (criterion: string) => row.querySelector(`[data-testid="figure-${criterion}"]`)?.textContent;
    expect(figure("frequency")).toContain(t.notMeasured);
    expect(figure("adaptive")).toContain(t.notMeasured);
    expect(figure("performance"), "its manifest has 500 questions").toContain("0.9");
    expect(figure("random")).not.toContain(t.notMeasured);
  });

  it("lets more go the further the slider is, and foretells nothing that was not asked", async () => {
    await open("full");
    await slide(10);
    await until(() => expect(goes()).toEqual(["code"]));
    await slide(60);
    await until(() => expect(goes().length).toBeGreaterThan(1));
    expect(goes()).not.toContain("generalist");
    expect((await see("outcome-loss")).textContent).toContain(t.notMeasured);
    await slide(0);
    await until(() => expect(goes()).toEqual([]));
    expect((await see("nobody")).textContent).toBe(t.pruning.nobody);
  });

  it("measures the loss of this plan alone, and shows its answers", async () => {
    await open("full");
    await click("measure-loss");
    await until(() => expect(all("outcome-loss")[0]?.textContent).toContain("n = 120"));
    expect(all("outcome-memory")[0]?.textContent).toContain(t.pruning.memorySame);
    all("outcome-loss")[0]?.querySelector("button")?.click();
    flushSync();
    const first = await see("pair");
    expect(first.textContent, "what changes comes first").toContain(t.compare.changes);
    all("pairs")[0]?.closest("dialog")?.querySelector<HTMLElement>("header button")?.click();
    flushSync();
    await slide(60);
    await until(() => expect(all("outcome-loss")[0]?.textContent).toContain(t.notMeasured));
  });

  it("says what it knows of a replay that was stopped, and no more", async () => {
    await open("full");
    await click("measure-loss");
    await click("stop-replay");
    await see("measure-loss");
    expect(all("smaller")[0]?.textContent).toContain(t.pruning.stopped);
    expect(all("outcome-memory")[0]?.textContent).toContain(t.notMeasured);
    expect(all("outcome-loads")[0]?.textContent).toContain(t.notMeasured);
  });

  it("does not call eight questions a measurement", async () => {
    await open("few");
    await click("measure-loss");
    await until(() => expect(all("outcome-loss")[0]?.textContent).toContain(t.pruning.lossFew("8", "20")));
    expect(all("outcome-loss")[0]?.textContent).toContain(t.notMeasured);
  });

  it("retires after a second word that names them, undoes it, and keeps both in the history", async () => {
    await open("full");
    await slide(10);
    await until(() => expect(goes()).toEqual(["code"]));
    await click("retire");
    expect((await see("retire-sure")).textContent).toContain("Code");
    expect(verdicts().code).toBe("Retire");
    await click("retire-confirm");
    await until(() => expect(verdicts().code).toBe("Retired"));
    expect((await see("retired-now")).textContent).toContain("Code");
    await click("undo-retire");
    await until(() => expect(verdicts().code).toBe("Retire"));
    expect(all("retired-now")).toHaveLength(0);
    await until(() => expect(all("history-entry")).toHaveLength(2));
    expect(all("history-take-back"), "nobody is retired any more").toHaveLength(0);
  });

  it("takes back from the history, and exports", async () => {
    await open("full");
    await slide(10);
    await until(() => expect(goes()).toEqual(["code"]));
    await click("retire");
    await click("retire-confirm");
    await click("history-take-back");
    await until(() => expect(verdicts().code).toBe("Retire"));
    await click("export-pruning");
    await until(() => expect(all("pruning-history")[0]?.textContent).toContain("pool-pruning.json"));
  });

  it("has one thing to do where nothing was asked, and says what failed", async () => {
    await open("first");
    await click("pruning-ask");
    await see("composer");
    unmount(app);
    await open("failed");
    await until(() => expect(document.querySelector('[data-testid="pool-pruning"] [data-testid="failure"]')?.textContent).toContain("The archive is in use"));
  });

  it("shows a long pool in parts", async () => {
    await open("many");
    await until(() => expect(all("pruning-expert")).toHaveLength(40));
    await click("more-experts");
    expect(all("pruning-expert")).toHaveLength(60);
  });
});

import { flushSync, mount, unmount } from "svelte";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { use } from "./api";
import { fake } from "./api/fake/index";
import App from "./App.svelte";
import { through } from "./pipeline/pipeline.svelte";
import { prompts } from "./prompts/prompts.svelte";
import { t } from "./shared/strings";
import { all, click, see, text, until } from "./shared/testing";

let app: ReturnType<typeof mount>;

async function open(scene: string, report: string, pace = "0.01") {
  use(fake(new URLSearchParams(`scene=${scene}&pace=${pace}`)));
  prompts.leave();
  through.leave();
  app = mount(App, { target: document.body });
  await click("nav-reports");
  await click(`nav-${report}`);
}

beforeEach(() => document.body.replaceChildren());
afterEach(() => unmount(app));

async function choose(expert: string) {
  const select = (await see("prompt-expert")) as HTMLSelectElement;
  await until(() => expect(select.options.length).toBeGreaterThan(1));
  select.value = expert;
  select.dispatchEvent(new Event("change", { bubbles: true }));
  flushSync();
}

describe("the prompts", () => {
  it("are searched for, their gain is shown with its interval, and the best one is used and taken back", async () => {
    await open("full", "prompts");
    await choose("words");
    await click("start-prompts");
    await until(() => expect(all("prompt-gain")[0]?.dataset.shown).toBe("gain"));
    expect(text("prompt-gain")).toContain("+70.0 points (+57.0 to +83.0, 95 %) on 60 hidden questions");
    expect(text("prompt-gain")).toContain(t.prompts.rl);
    expect(text("prompt-text")).toContain("Reverse the word {question}");
    expect(all("prompt-front")).toHaveLength(1);
    await click("prompt-pairs");
    expect(await see("prompt-sides")).toBeTruthy();
    document.querySelector<HTMLElement>('dialog [aria-label="Close"]')?.click();
    await click("prompt-use");
    await see("prompt-in-use");
    expect(text("prompts-in-use")).toContain("in none, words");
    await click("prompt-restore");
    await until(() => expect(all("prompts-in-use")).toHaveLength(0));
    expect(all("prompt-use")).toHaveLength(1);
  });

  it("are not offered when no gain is shown, and any of them can be used all the same", async () => {
    await open("full", "prompts");
    await choose("arithmetic");
    await click("start-prompts");
    await until(() => expect(all("prompt-gain")[0]?.dataset.shown).toBe("no_gain"));
    expect(all("prompt-use")).toHaveLength(0);
    expect(text("prompt-not-offered")).toBe(t.prompts.notOffered);
    await click("lineage-row", 2);
    expect(text("one-prompt")).toContain(t.prompts.useThisNote);
    await click("use-this");
    await until(() => expect(all("prompts-in-use")).toHaveLength(1));
  });

  it("keep what was tried when a search is stopped, and forget it when they are told to", async () => {
    await open("full", "prompts", "1");
    const before = all("prompt-search").length;
    await choose("words");
    await click("start-prompts");
    await until(() => expect(all("lineage").length).toBe(1));
    await click("stop-prompts");
    await until(() => expect(all("prompt-gain")[0]?.dataset.shown).toBe("unfinished"));
    await until(() => expect(all("prompt-search").length).toBeGreaterThan(before));
    const there = all("prompt-search").length;
    await until(() => expect((all("forget-search")[0] as HTMLButtonElement).disabled).toBe(false));
    await click("forget-search");
    await until(() => expect(all("prompt-search")).toHaveLength(there - 1));
  });

  it("say how many questions they need, and why a page is not there", async () => {
    await open("few", "prompts");
    await until(() => expect(text("report-prompts")).toContain("23 questions"));
    expect((all("start-prompts")[0] as HTMLButtonElement).disabled).toBe(true);
    unmount(app);
    await open("failed", "prompts");
    await until(() => expect(text("report-prompts")).toContain("in use by another program"));
  });
});

describe("going through the pool", () => {
  it("shows what each step found with the questions behind it, and leaves out what is not wanted", async () => {
    await open("full", "pruning");
    await click("step-prune");
    await click("start-pipeline");
    await see("pipeline-found");
    expect(all("found-prune")).toHaveLength(0);
    expect(text("found-compose")).toContain(t.pipeline.paysNot);
    expect(text("capability-matrix")).toContain("n = 40");
    await click("pipeline-door");
    await see("pipeline-sides");
  });

  it("stops, and says that it did", async () => {
    await open("full", "pruning", "1");
    await click("start-pipeline");
    await click("stop-pipeline");
    await until(() => expect(text("pipeline-found")).toContain(t.pipeline.stopped));
  });
});

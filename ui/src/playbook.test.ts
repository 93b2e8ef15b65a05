//! The playbook: rules with their counts, edited and taken back; abilities with what is behind them; both in the trace.

import { flushSync, mount, unmount } from "svelte";
import { afterEach, beforeEach, expect, it } from "vitest";
import { api, use } from "./api";
import { fake } from "./api/fake/index";
import App from "./App.svelte";
import { t } from "./shared/strings";
import { all, click, see, until } from "./shared/testing";

let app: ReturnType<typeof mount>;

async function open(scene: string, page: string) {
  use(fake(new URLSearchParams(`scene=${scene}&pace=0.02`)));
  app = mount(App, { target: document.body });
  await click("nav-reports");
  await click(`nav-${page}`);
}

async function write(id: string, text: string) {
  const field = (await see(id)) as HTMLTextAreaElement;
  field.value = text;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  flushSync();
}

beforeEach(() => document.body.replaceChildren());
afterEach(() => unmount(app));

it("shows rules by domain with what became of their answers, and says which may be better gone", async () => {
  await open("full", "playbook");
  await until(() => expect(all("bullet")).toHaveLength(4));
  expect(all("playbook-domain").map((one) => one.getAttribute("aria-label"))).toEqual(["any", "mathematics", "units"]);
  expect(all("bullet")[1]?.textContent).toContain(t.playbook.counts(9, 1));
  expect(all("bullet-doubt")).toHaveLength(1);
  expect(all("trajectory")).toHaveLength(2);
});

it("adds, edits, merges, retires and undoes", async () => {
  await open("full", "playbook");
  await click("add-bullet");
  await write("bullet-text", "Use SI units.");
  await click("bullet-save");
  await until(() => expect(all("bullet")).toHaveLength(5));
  await click("bullet-edit");
  await write("bullet-edit-text", "Answer in one line.");
  await click("bullet-edit-save");
  await until(() => expect(all("bullet")[0]?.textContent).toContain("Answer in one line."));
  all("bullet-merge").at(-1)?.click();
  flushSync();
  await click("bullet-into");
  await until(() => expect(all("bullet")).toHaveLength(4));
  all("bullet-retire")[0]?.click();
  await until(() => expect(all("bullet")).toHaveLength(3));
  const edits = all("edited").length;
  for (const left of [4, 5, 5, 4]) {
    const before = all("undo-edit")[0]?.getAttribute("aria-label");
    await click("undo-edit");
    await until(() => expect(all("undo-edit")[0]?.getAttribute("aria-label")).not.toBe(before));
    expect(all("bullet")).toHaveLength(left);
  }
  expect(all("edited")).toHaveLength(edits - 1);
  expect((await api.playbook()).bullets[0]?.text).toBe("Answer in one short line unless I ask for more.");
});

it("says why nobody can be asked for a rule", async () => {
  await open("full", "playbook");
  await click("reflect");
  await until(() => expect(document.body.textContent).toContain("No expert in the pool reads instructions."));
});

it("has a sentence where there is nothing yet", async () => {
  await open("first", "playbook");
  await until(() => expect(all("playbook")[0]?.textContent).toContain(t.playbook.none));
  await click("nav-abilities");
  await until(() => expect(all("abilities")[0]?.textContent).toContain(t.abilities.none));
});

it("shows abilities with their errors, and what is not measured as that", async () => {
  await open("full", "abilities");
  const table = await see("ability-table");
  expect(table.textContent).toContain("+1.04 ± 0.16");
  expect(table.textContent).toContain(t.abilities.notYet("13", "20"));
  expect(all("reliability-table")).toHaveLength(1);
});

//! Packs: listed with what they bring, read whole, added over an expert's model or with none, taken out; a file of one's own.

import { flushSync, mount, unmount } from "svelte";
import { afterEach, beforeEach, expect, it } from "vitest";
import { api, use } from "./api";
import { fake } from "./api/fake/index";
import App from "./App.svelte";
import { packs } from "./packs/packs.svelte";
import { t } from "./shared/strings";
import { all, click, see, until } from "./shared/testing";

let app: ReturnType<typeof mount>;

const card = (name: string) => document.querySelector<HTMLElement>(`[data-pack="${name}"]`);
const press = (name: string, id: string) => {
  card(name)?.querySelector<HTMLElement>(`[data-testid="${id}"]`)?.click();
  flushSync();
};

async function open(scene: string) {
  use(fake(new URLSearchParams(`scene=${scene}&pace=0.02`)));
  app = mount(App, { target: document.body });
  await click("nav-experts");
  await click("tab-packs");
}

beforeEach(() => {
  document.body.replaceChildren();
  HTMLDialogElement.prototype.showModal = function () {
    this.open = true;
  };
  [packs.all, packs.failure, packs.own, packs.ownFailure] = [null, null, null, null];
});
afterEach(() => unmount(app));

it("shows what each brings and who speaks for it, and reads whole", async () => {
  await open("packs");
  await until(() => expect(all("pack")).toHaveLength(5));
  expect(card("law")?.textContent).toContain(t.packs.speaks("Law (Qwen3 4B)"));
  expect(card("general")?.textContent).toContain(t.packs.silent);
  expect(card("code")?.textContent).toContain(t.packs.counts.prompts(2));
  expect(all("wrong-pack")[0]?.textContent).toContain("my-field.yaml:17:15");
  press("law", "read-pack");
  const text = (await see("pack-read")).textContent;
  const { packs: listed } = await api.packs();
  const law = listed.find((one) => one.pack.name === "law")?.pack;
  for (const line of [...(law?.playbook ?? []), ...(law?.wordings ?? []), law?.experts[0]?.system_prompt, law?.questions[1]?.answer]) expect(text).toContain(line);
});

it("adds with an expert, changes, and takes out", async () => {
  await open("packs");
  await until(() => expect(all("pack")).toHaveLength(5));
  press("maths", "add-pack");
  const speaker = (await see("pack-speaker")) as HTMLSelectElement;
  expect([...speaker.options].map((one) => one.value)).toEqual(["qwen3-4b", ""]);
  await click("add-pack-now");
  await until(() => expect(card("maths")?.textContent).toContain(t.packs.speaks("Mathematics (Qwen3 4B)")));
  expect((await api.experts()).map((one) => one.manifest.name)).toContain("maths-pack");
  press("maths", "remove-pack");
  press("maths", "remove-pack-confirm");
  await until(() => expect(card("maths")?.textContent).not.toContain(t.packs.speaks("Mathematics (Qwen3 4B)")));
  expect((await api.experts()).map((one) => one.manifest.name)).not.toContain("maths-pack");
});

it("adds without an expert where nobody reads prompts, and names models that would do", async () => {
  await open("full");
  await until(() => expect(all("pack")).toHaveLength(5));
  press("law", "add-pack");
  expect(all("find-pack-model")).toHaveLength(2);
  await click("add-pack-now");
  await until(() => expect(card("law")?.textContent).toContain(t.packs.silent));
  press("law", "add-pack");
  expect(all("add-pack-now")).toHaveLength(0);
  await click("find-pack-model");
  await until(() => expect((all("search-hub")[0] as HTMLInputElement).value).toBe("bartowski/Meta-Llama-3.1-8B-Instruct-GGUF"));
});

it("looks at a file of one's own before it is added", async () => {
  await open("full");
  await click("pick-pack");
  await see("own-pack");
  expect((await api.packs()).packs).toHaveLength(5);
  press("my-field", "add-pack");
  await click("add-pack-now");
  await until(() => expect(all("own-pack")).toHaveLength(0));
  expect(all("pack")).toHaveLength(6);
});

it("says with its line what is wrong in a file", async () => {
  await open("badfile");
  await click("pick-pack");
  expect((await see("failure")).textContent).toContain("my-field.yaml:2:1: unknown field `titel`");
  expect(all("own-pack")).toHaveLength(0);
});

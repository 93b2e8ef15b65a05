import { flushSync, mount, unmount } from "svelte";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { use } from "./api";
import { fake } from "./api/fake/index";
import App from "./App.svelte";
import { disk } from "./hub/disk.svelte";
import { downloads } from "./hub/downloads.svelte";
import { hub } from "./hub/hub.svelte";
import { t } from "./shared/strings";
import { all, click, patience, see } from "./shared/testing";

let app: ReturnType<typeof mount>;

async function open(query: string, experts = true) {
  use(fake(new URLSearchParams(`pace=0.02&${query}`)));
  hub.leave();
  [downloads.list, downloads.experts, downloads.refused, disk.removed] = [[], {}, {}, []];
  app = mount(App, { target: document.body });
  if (experts) await click("nav-experts");
}

async function search(text: string) {
  await click("tab-find");
  const field = (await see("search-hub")) as HTMLInputElement;
  await vi.waitFor(() => expect(field.disabled).toBe(false), patience);
  field.value = text;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  flushSync();
  await click("search-hub-now");
}

beforeEach(() => document.body.replaceChildren());
afterEach(() => unmount(app));

describe("the library in the window", () => {
  it("recommends without asking anybody, and says so", async () => {
    await open("");
    await click("tab-find");
    expect((await see("best")).textContent).toContain(t.find.reasons.capable);
    expect((await see("find-note")).textContent).toContain(t.find.quiet);
    await click("open-log");
    await vi.waitFor(() => expect(all("network-log")[0]?.textContent).toContain(t.log.none), patience);
  });

  it("finds, fetches, makes an expert, and seats it by hand", async () => {
    await open("");
    await search("qwen3-8b");
    await vi.waitFor(() => expect(all("result")).toHaveLength(1), patience);
    await click("download-now");
    expect((await see("side-downloads")).textContent).toContain("Qwen3-8B");
    await vi.waitFor(() => expect(all("download")[0]?.dataset.state).toBe("ready"), patience);
    await click("ask-it");
    await vi.waitFor(() => expect(all("choose-expert")[0]?.textContent).toContain("Qwen3-8B"), patience);
    expect(all("choose-expert")[0]?.textContent).toContain(t.ask.byHand);
    expect(all("side-downloads")).toHaveLength(0);
  });

  it("says in the place of the button why a model cannot run", async () => {
    await open("");
    await search("mamba");
    const result = await see("result");
    expect(result.textContent).toContain("mamba");
    expect(result.querySelector('[data-testid="download-now"]')).toBeNull();
    expect(result.textContent).toContain("is not supported");
  });

  it("says that nothing was found, and that nothing could be asked", async () => {
    await open("");
    await search("no such thing");
    expect((await see("nothing-found")).textContent).toContain("no such thing");
    unmount(app);
    document.body.replaceChildren();
    await open("hub=lost");
    await search("qwen");
    await vi.waitFor(() => expect(document.querySelector('[data-code="hub.connection"]')).not.toBeNull(), patience);
  });

  it("offline, nothing can be searched or fetched, and the way out is one press away", async () => {
    await open("hub=offline");
    await click("tab-find");
    await vi.waitFor(() => expect(all("find-note")[0]?.textContent).toContain("offline"), patience);
    expect((all("search-hub")[0] as HTMLInputElement).disabled).toBe(true);
    expect(all("download-now")).toHaveLength(0);
    all("find-note")[0]?.querySelector("button")?.click();
    await see("network-offline");
  });

  it("throws more than a gigabyte away only after a second word", async () => {
    await open("hub=busy");
    await see("ask-it");
    const paused = () => all("download").find((one) => one.dataset.state === "paused");
    paused()?.querySelector<HTMLElement>('[data-testid="cancel-download"]')?.click();
    flushSync();
    expect(paused()).toBeDefined();
    await click("cancel-confirm");
    await vi.waitFor(() => expect(paused()).toBeUndefined(), patience);
  });

  it("removes an expert with its file, and brings both back", async () => {
    await open("hub=busy");
    await click("tab-disk");
    const own = () => all("disk-expert").filter((row) => row.querySelector('[data-testid="remove-from-disk"]'));
    await vi.waitFor(() => expect(own()).toHaveLength(1), patience);
    await click("remove-from-disk");
    await click("remove-from-disk-confirm");
    expect((await see("removed")).textContent).toContain("come free");
    await vi.waitFor(() => expect(own()).toHaveLength(0), patience);
    await click("undo-remove");
    await vi.waitFor(() => expect(own()).toHaveLength(1), patience);
    expect(all("removed")).toHaveLength(0);
  });

  it("removes a fetched model that no expert uses, and brings it back", async () => {
    await open("hub=busy");
    await click("tab-disk");
    await click("remove-unused");
    expect((await see("removed")).textContent).toContain("phi-2");
    await vi.waitFor(() => expect(all("remove-unused")).toHaveLength(0), patience);
    await click("undo-remove");
    await vi.waitFor(() => expect(all("remove-unused")).toHaveLength(1), patience);
  });

  it("edits what is said of an expert, and says what is wrong", async () => {
    await open("hub=busy");
    await see("ask-it");
    await click("edit-expert");
    const type = (id: string, text: string) => {
      const field = all(id)[0] as HTMLInputElement;
      field.value = text;
      field.dispatchEvent(new Event("input", { bubbles: true }));
      flushSync();
    };
    type("edit-title", "My writer");
    type("edit-domains", "writing, letters");
    type("edit-temperature", "9");
    await click("edit-save");
    await vi.waitFor(() => expect(document.querySelector('[data-code="pool.bad_edit"]')).not.toBeNull(), patience);
    type("edit-temperature", "0.7");
    await click("edit-save");
    await vi.waitFor(() => expect(all("edit-expert-form")).toHaveLength(0), patience);
    const card = all("expert-card").find((one) => one.dataset.expert === "gemma-2-2b-it-q4-k-m");
    expect(card?.textContent).toContain("My writer");
    expect(card?.textContent).toContain("writing");
  });

  it("removes one quantisation alone, says which takes over, and brings it back", async () => {
    await open("hub=busy");
    await see("ask-it");
    const builds = () => all("build").map((one) => one.dataset.quantisation);
    await vi.waitFor(() => expect(builds()).toEqual(["Q4_K_M", "Q8_0"]), patience);
    await click("remove-build");
    expect(document.body.textContent).toContain(t.builds.takesOver("Q8_0"));
    await click("remove-build-confirm");
    expect((await see("removed")).textContent).toContain("Q8_0 is used");
    expect(all("builds")).toHaveLength(0);
    expect(all("expert-card").map((card) => card.dataset.expert)).toContain("gemma-2-2b-it-q4-k-m");
    await click("undo-remove");
    await vi.waitFor(() => expect(builds()).toEqual(["Q4_K_M", "Q8_0"]), patience);
    expect(all("removed")).toHaveLength(0);
  });

  it("files that are dropped anywhere become experts where they lie", async () => {
    await open("");
    await vi.waitFor(() => expect(window).toHaveProperty("dropped"), patience);
    (window as unknown as { dropped: (paths: string[]) => void }).dropped(["/home/you/Tiny-Q8_0.gguf"]);
    expect(((await see("use-name")) as HTMLInputElement).value).toBe("tiny");
    await click("use-now");
    await vi.waitFor(() => expect(all("use-form")).toHaveLength(0), patience);
    await vi.waitFor(() => expect(all("expert-card").map((card) => card.dataset.expert)).toContain("tiny"), patience);
  });

  it("offers what lies in a watched folder, with each of its files, until the folder is watched no more", async () => {
    await open("");
    await click("tab-disk");
    await click("watch-folder");
    expect((await see("folder")).textContent).toContain("/home/you/models");
    expect((await see("folder")).textContent).toContain("is not supported");
    const card = () => all("expert-card").find((one) => one.dataset.expert === "ministral-3b");
    await click("tab-yours");
    await vi.waitFor(() => expect(card()?.textContent).toContain(t.experts.offered), patience);
    expect(card()?.querySelector('[data-testid="builds"]')).toBeNull();
    (window as unknown as { arrived: () => void }).arrived();
    await vi.waitFor(() => expect(card()?.querySelectorAll('[data-testid="build"]')).toHaveLength(2), patience);
    const builds = () => [...(card()?.querySelectorAll<HTMLInputElement>('[data-testid="build"]') ?? [])];
    const used = () => builds().find((one) => one.closest("label")?.textContent?.includes(t.builds.used))?.dataset.quantisation;
    expect(used()).toBe("Q8_0");
    builds()[0]?.click();
    await vi.waitFor(() => expect(used()).toBe("Q4_K_M"), patience);
    await click("use-offer");
    expect(((await see("use-name")) as HTMLInputElement).value).not.toBe("");
    disk.wanted = null;
    await click("tab-disk");
    await click("unwatch-folder");
    await vi.waitFor(() => expect(all("folder")).toHaveLength(0), patience);
    await click("tab-yours");
    await vi.waitFor(() => expect(card()).toBeUndefined(), patience);
  });

  it("moves the models, and a move can be paused and gone on with", async () => {
    await open("");
    await click("tab-disk");
    await click("move-models");
    const state = () => all("moving")[0]?.dataset.state;
    await vi.waitFor(() => expect(state()).toBe("going"), patience);
    await click("stop-moving");
    await vi.waitFor(() => expect(state()).toBe("paused"), patience);
    expect(all("moving")[0]?.textContent).toContain("/home/you/models");
    await click("go-on-moving");
    await vi.waitFor(() => expect(state()).toBe("done"), patience);
    expect(all("moving")[0]?.textContent).toContain("2 model files moved");
  });

  it("on a new machine, tells what fits it and what that takes, and one press fetches it", async () => {
    await open("scene=first", false);
    const choice = await see("first-choice");
    expect(choice.textContent?.replaceAll("\u202f", " ")).toMatch(/About [\d.]+ GB to fetch, [\d.]+ GB of memory, [\d.]+ tok\/s here/);
    expect(choice.querySelector("p[title]")?.getAttribute("title")).toBe(t.first.byMemory);
    expect(downloads.list).toHaveLength(0);
    choice.querySelector<HTMLElement>('[data-testid="download-now"]')?.click();
    await vi.waitFor(() => expect(downloads.list).toHaveLength(1), patience);
    await vi.waitFor(() => expect(choice.textContent).toContain(t.find.here), patience);
  });

  it("keeps a token without showing it, and tells who it is", async () => {
    await open("");
    await click("nav-settings");
    await click("token-set");
    const field = (await see("token-field")) as HTMLInputElement;
    expect(field.type).toBe("password");
    field.value = "hf_secret";
    field.dispatchEvent(new Event("input", { bubbles: true }));
    flushSync();
    await click("token-save");
    await vi.waitFor(() => expect(all("token")[0]?.dataset.from).toBe("keyring"), patience);
    expect(document.body.innerHTML).not.toContain("hf_secret");
    await click("token-test");
    await vi.waitFor(() => expect(all("token")[0]?.textContent).toContain("ada"), patience);
  });
});

import { flushSync, mount, unmount } from "svelte";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { use } from "./api";
import { fake } from "./api/fake/index";
import App from "./App.svelte";
import { conversations } from "./archive/conversations.svelte";
import { t } from "./shared/strings";
import { all, patience, see } from "./shared/testing";

let app: ReturnType<typeof mount>;

const press = (key: string, held: KeyboardEventInit = {}) => {
  (document.activeElement ?? document.body).dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...held }));
  flushSync();
};

async function open(scene: string) {
  use(fake(new URLSearchParams(`scene=${scene}&pace=0.05`)));
  conversations.search = "";
  app = mount(App, { target: document.body });
  await see("composer");
}

async function write(text: string) {
  const composer = (await see("composer")) as HTMLTextAreaElement;
  composer.value = text;
  composer.dispatchEvent(new Event("input", { bubbles: true }));
  flushSync();
  composer.focus();
}

const outcomes = () => [...document.querySelectorAll<HTMLElement>("[data-outcome]")].map((turn) => turn.dataset.outcome);

beforeEach(() => document.body.replaceChildren());
afterEach(() => unmount(app));

describe("the window", () => {
  it("asks by Enter, draws the whole path and shows who stands at the lectern", async () => {
    await open("first");
    await write("What is 384 + 97?");
    press("Enter", { shiftKey: true });
    expect(outcomes()).toEqual([]);
    press("Enter");
    await vi.waitFor(() => expect(outcomes()).toEqual(["done"]), patience);
    expect((await see("answer")).textContent).toContain("481");
    for (const step of ["read", "retrieve", "route", "seat", "generate", "learn"]) {
      expect(all(`path-step-${step}`)[0]?.dataset.state, step).toBe("done");
    }
    expect((await see("lectern-expert")).textContent).toBe("Arithmetic");
    all("path-step-route")[0]?.click();
    expect((await see("trace")).textContent).toContain("score = (0.6 × gate + 0.4 × self) × load − swap");
  });

  it("says which expert is retired and takes it back", async () => {
    await open("retired");
    (await see("nav-experts")).click();
    const back = await see("take-back");
    expect(back.closest("[data-testid=expert-card]")?.textContent).toContain(t.experts.retired);
    expect(all("take-back")).toHaveLength(1);
    back.click();
    await vi.waitFor(() => expect(all("take-back")).toHaveLength(0), patience);
  });

  it("says where experts are computed, and lets graphics processors be left alone where there is a program for them", async () => {
    await open("device");
    (await see("nav-settings")).click();
    await see("device-use");
    expect(document.body.textContent).not.toContain(t.settings.deviceNone);
    unmount(app);
    await open("first");
    (await see("nav-settings")).click();
    await vi.waitFor(() => expect(document.body.textContent).toContain(t.settings.deviceNone), patience);
  });

  it("stops by Escape and says so", async () => {
    await open("slow");
    await write("What is 384 + 97?");
    press("Enter");
    await see("stop");
    press("Escape");
    await vi.waitFor(() => expect(outcomes()).toEqual(["stopped"]), patience);
    expect((await see("stopped")).textContent).toContain(t.ask.stoppedEmpty);
  });

  it("forgets a source only after a second word, and then it is gone", async () => {
    await open("full");
    await write("What is 384 + 97 again?");
    press("Enter");
    await vi.waitFor(() => expect(outcomes()).toEqual(["done"]), patience);
    const before = all("source").length;
    expect(before).toBeGreaterThan(0);
    const gone = all("source")[0]?.dataset.source;
    all("source")[0]?.click();
    (await see("forget-source")).click();
    expect(all("source")).toHaveLength(before);
    (await see("forget-source-confirm")).click();
    await vi.waitFor(() => expect(all("source")).toHaveLength(before - 1));
    expect(all("source").map((source) => source.dataset.source)).not.toContain(gone);
    expect(all("source-dialog")).toHaveLength(0);
  });

  it("lets somebody be chosen by hand, by keys alone", async () => {
    await open("full");
    await write("What is 384 + 97?");
    await vi.waitFor(() => expect(all("choose-expert")[0]?.textContent).toContain("Arithmetic"));
    press(".", { ctrlKey: true });
    await see("expert-option");
    press("ArrowDown");
    press("ArrowDown");
    const choice = (document.activeElement as HTMLElement).dataset.value;
    expect(choice).toBeTruthy();
    (document.activeElement as HTMLElement).click();
    flushSync();
    expect(all("choose-expert")[0]?.textContent).toContain(t.ask.byHand);
    press("Escape");
    expect(all("expert-option")).toHaveLength(0);
  });

  it("shows the failed face of every page, with what to do", async () => {
    await open("failed");
    for (const page of ["experts", "reports", "settings"]) {
      (await see(`nav-${page}`)).click();
      await vi.waitFor(() => {
        const inPage = document.querySelector(".page [data-testid=failure]");
        expect(inPage?.textContent, page).toContain("Close the other Lectern");
      });
    }
  });

  it("opens the sheet of keys and the palette, and nothing behind them takes Escape", async () => {
    await open("full");
    press("/", { ctrlKey: true });
    await see("keys");
    press("k", { ctrlKey: true });
    expect(all("palette")).toHaveLength(0);
    document.querySelector("dialog")?.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
    await vi.waitFor(() => expect(all("keys")).toHaveLength(0));
    press("k", { ctrlKey: true });
    await see("palette");
  });

  it("finds conversations, groups them by day and deletes only after a second word", async () => {
    await open("full");
    await see("conversation-item");
    const before = all("conversation-item").length;
    const search = all("search-conversations")[0] as HTMLInputElement;
    search.value = "plural";
    search.dispatchEvent(new Event("input", { bubbles: true }));
    await vi.waitFor(() => expect(all("conversation-item")).toHaveLength(1));
    all("delete-conversation")[0]?.click();
    const sure = await see("delete-confirm");
    expect(conversations.list).toHaveLength(1);
    sure.click();
    search.value = "";
    search.dispatchEvent(new Event("input", { bubbles: true }));
    await vi.waitFor(() => expect(all("conversation-item")).toHaveLength(before - 1));
  });
});

import { flushSync, mount, unmount } from "svelte";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { use } from "./api";
import { fake } from "./api/fake/index";
import App from "./App.svelte";
import { mixture } from "./lab/mixture.svelte";
import { t } from "./shared/strings";
import { all, click, patience, see, until } from "./shared/testing";

let app: ReturnType<typeof mount>;

const gone = () => all("heat-cell").filter((cell) => cell.dataset.gone === "true").length;

async function open(scene: string) {
  use(fake(new URLSearchParams(`scene=${scene}&pace=0.02`)));
  mixture.leave();
  app = mount(App, { target: document.body });
  await click("nav-reports");
  await click("nav-mixture");
}

async function slide(kept: number) {
  const slider = (await see("keep")) as HTMLInputElement;
  slider.value = String(kept);
  slider.dispatchEvent(new Event("input", { bubbles: true }));
  flushSync();
}

beforeEach(() => document.body.replaceChildren());
afterEach(() => unmount(app));

describe("model pruning in the window", () => {
  it("reads the profile of a mixture, a cell for each expert, with the figures behind it", async () => {
    await open("full");
    await click("mixture-scan");
    await see("mixture-sizes");
    expect(all("heat-cell")).toHaveLength(4 * 8);
    expect(all("heat-table")[0]?.querySelectorAll("tbody tr")).toHaveLength(8);
    expect(gone(), "three quarters of eight stay in four layers").toBe(8);
    await until(() => expect(all("mixture-facts")[0]?.textContent).toContain("of all choices"));
  });

  it("moves over the cells by arrow keys and says where it is", async () => {
    await open("full");
    await click("mixture-scan");
    await see("mixture-sizes");
    const first = all("heat-cell")[0] as HTMLElement;
    first.focus();
    for (const key of ["ArrowRight", "ArrowDown", "End"]) document.activeElement?.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
    flushSync();
    expect(all("heat-here")[0]?.textContent).toContain(t.mixture.cell("1", "7"));
  });

  it("foretells the loss of the sizes that were tried, and of no other", async () => {
    await open("full");
    await click("mixture-scan");
    await click("mixture-curve");
    const points = await vi.waitFor(() => (all("curve-point").length > 6 ? all("curve-point") : expect.fail("no curve")), patience);
    await until(() => expect(all("mixture-facts")[0]?.textContent).toContain("Predicted loss"));
    points[0]?.dispatchEvent(new MouseEvent("click", { bubbles: true }));
    flushSync();
    await until(() => expect(all("keep-said")[0]?.textContent).toContain("2 of 8"));
    all("score-count")[0]?.querySelector("input")?.click();
    flushSync();
    await until(() => expect(all("curve"), "another score, another curve").toHaveLength(0));
  });

  it("blocks a size that loses too much, and lets the rest be used", async () => {
    await open("full");
    await click("mixture-scan");
    await slide(3);
    await click("mixture-check");
    const verdict = await see("mixture-verdict");
    expect(verdict.dataset.outcome).toBe("blocked");
    expect((all("mixture-write")[0] as HTMLButtonElement).disabled).toBe(true);
    await slide(7);
    await until(() => expect(all("mixture-verdict"), "another size was not checked").toHaveLength(0));
    await click("mixture-check");
    await until(() => expect(all("mixture-verdict")[0]?.dataset.outcome).toBe("passed"));
    expect(all("lost-row").some((row) => row.textContent?.includes("Q8_0"))).toBe(true);
    await click("mixture-mask");
    await see("mixture-masked-now");
    await until(() => expect(all("mixture-masked")[0]?.textContent).toContain(t.mixture.isMasked(4)));
    await click("mixture-unmask");
    await until(() => expect(all("mixture-masked")).toHaveLength(0));
    await click("mixture-write");
    expect((await see("mixture-written")).textContent).toContain("generalist-keep75-reap.gguf");
    await click("mixture-ask");
    await see("composer");
  });

  it("stops when it is told to, and changes nothing", async () => {
    await open("full");
    await click("mixture-scan");
    await click("mixture-stop");
    await until(() => expect(all("mixture-stopped")[0]?.textContent).toContain(t.mixture.stopped));
    expect(all("mixture-profile")).toHaveLength(0);
  });

  it("offers the weights where there are too few questions", async () => {
    await open("early");
    await click("mixture-scan");
    await see("mixture-few");
    await until(() => expect(all("score-aimer")[0]?.classList.contains("on")).toBe(true));
  });

  it("says what a mixture is where there is none, and what failed", async () => {
    await open("none");
    expect((await see("mixture-none")).textContent).toContain("30B-A3B");
    await click("mixture-find");
    await until(() => expect(all("model-pruning")).toHaveLength(0));
    unmount(app);
    await open("failed");
    await until(() => expect(document.querySelector('[data-testid="model-pruning"] [data-testid="failure"]')?.textContent).toContain("The archive is in use"));
  });

  it("asks for a file of questions where nothing was asked yet", async () => {
    await open("first");
    await see("mixture-questions");
    expect((all("mixture-scan")[0] as HTMLButtonElement).disabled).toBe(true);
    await click("mixture-questions");
    await until(() => expect((all("mixture-scan")[0] as HTMLButtonElement).disabled).toBe(false));
  });
});

import { flushSync, mount, unmount } from "svelte";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { use } from "./api";
import { fake } from "./api/fake/index";
import type { Api } from "./api/api";
import App from "./App.svelte";
import { reports } from "./pages";
import { comparing } from "./reports/compare.svelte";
import { measured } from "./reports/dashboard.svelte";
import { t } from "./shared/strings";
import { all, click, see, text, until } from "./shared/testing";

let app: ReturnType<typeof mount>;
let api: Api;

async function open(scene: string, report: string) {
  api = fake(new URLSearchParams(`scene=${scene}&pace=0.01`));
  use(api);
  measured.leave();
  comparing.leave();
  app = mount(App, { target: document.body });
  await click("nav-reports");
  await click(`nav-${report}`);
}

beforeEach(() => document.body.replaceChildren());
afterEach(() => unmount(app));

describe("the reports", () => {
  it("are one entry at the side, which comes back to the one that was looked at last", async () => {
    await open("full", "latency");
    await see("report-latency");
    expect(all("nav-reports")[0]?.getAttribute("aria-current")).toBe("page");
    for (const report of reports) expect(all(`nav-${report}`)).toHaveLength(1);
    await click("nav-settings");
    await click("nav-reports");
    await see("report-latency");
  });

  it("say one sentence, draw it, and have a table behind each chart", async () => {
    await open("full", "routing");
    await see("routing-experts");
    expect(text("lead")).toContain("Arithmetic answers 42");
    for (const report of ["routing", "retrieval", "compression", "memory", "latency"]) {
      await click(`nav-${report}`);
      await see("lead");
      await until(() => expect(all("chart").length).toBeGreaterThan(0));
      for (const chart of all("chart")) {
        expect(chart.getAttribute("role")).toBe("img");
        expect(chart.getAttribute("aria-label")).toBeTruthy();
        expect(chart.closest("section")?.querySelector("table"), report).not.toBeNull();
      }
    }
    // Every bar of the experts is drawn as long as its share says.
    await click("nav-routing");
    const bars = (await see("routing-experts")).closest("section")!.querySelectorAll('[data-testid="bar"]');
    const { dashboard } = measured;
    const widths = [...bars].map((bar) => Number(bar.getAttribute("width")));
    const shares = dashboard!.routing.experts.map((part) => part.share.value!);
    widths.forEach((width, at) => expect(width / widths[0]!).toBeCloseTo(shares[at]! / shares[0]!, 1));
  });

  it("open the answers behind a figure, those whose answer is gone as well, and their conversation", async () => {
    await open("full", "latency");
    await click("figure-p50");
    await until(() => expect(all("answer-behind")).toHaveLength(20));
    const { dashboard } = measured;
    expect(text("answers")).toContain(t.reports.behind.newest("200", dashboard!.latency.p50.n.toLocaleString("en-US")));
    [...all("answers")[0]!.querySelectorAll<HTMLElement>("button.plain")].at(-1)?.click();
    flushSync();
    await until(() => expect(text("answers")).toContain(t.reports.behind.gone));
    all("answer-behind")[0]?.querySelector<HTMLElement>("button")?.click();
    flushSync();
    await see("composer");
    expect(all("answers")).toHaveLength(0);
  });

  it("say not measured yet below the fewest, and what is missing", async () => {
    await open("early", "latency");
    const p99 = await see("figure-p99");
    expect(p99.textContent).toContain(t.notMeasured);
    expect(p99.textContent).toMatch(/n = \d+; 100 tell something/);
    expect(text("targets")).toContain("508 → 300–350 ms");
    await click("nav-routing");
    await until(() => expect(text("lead")).toContain(t.reports.routing.early));
  });

  it("ask for another time, export it, and say so when there is nothing in it", async () => {
    await open("full", "memory");
    const asked = vi.spyOn(api, "dashboard");
    await click("range-day");
    await until(() => expect(asked).toHaveBeenCalled());
    expect(Date.now() - asked.mock.calls[0]![0]).toBeGreaterThan(86_000_000);
    await click("range-all");
    expect(asked.mock.calls.at(-1)).toEqual([0]);
    await see("lead");
    await click("export-metrics");
    await until(() => expect(document.body.textContent).toContain("lectern-metrics.csv"));
    unmount(app);
    await open("first", "memory");
    await see("report-none");
    expect(all("export-metrics")[0]).toHaveProperty("disabled", true);
  });
});

describe("comparing two ways", () => {
  it("gives a verdict with its interval once all was asked, and opens the answers", async () => {
    await open("full", "compare");
    await until(() => expect(text("compare-questions")).toContain("120"));
    await click("start-compare");
    const time = await see("finding-total_ms");
    expect(time.dataset.finding).toBe("more");
    expect(time.textContent).toContain(t.compare.findings.more.total_ms);
    expect(time.textContent).toMatch(/\+26\s?ms\s*\+23\s?ms to \+29\s?ms/);
    expect(all("finding-right")[0]?.dataset.finding).toBe("too_few");
    expect(text("agreement")).toContain("of 50");
    await click("open-sides");
    await until(() => expect(all("both")).toHaveLength(20));
  });

  it("asks as it is told: what differs is what was chosen", async () => {
    await open("full", "compare");
    const asked = vi.spyOn(api, "compare");
    await click("preset-compression");
    await click("start-compare");
    await see("findings");
    const [first, second] = asked.mock.calls[0]![0];
    expect([first.ratio, second.ratio]).toEqual([undefined, 0.5]);
    expect([first.mode, second.mode]).toEqual(["optimized", "optimized"]);
    await click("preset-recall");
    expect(all("findings"), "that was another choice").toHaveLength(0);
    expect((await see("start-compare")).hasAttribute("disabled")).toBe(false);
    const select = all("second-mode")[0] as HTMLSelectElement;
    expect(select.value).toBe("optimized");
  });

  it("compares one expert with several: a side says in which way, and how many where that is not the question's to say", async () => {
    await open("full", "compare");
    const asked = vi.spyOn(api, "compare");
    await click("preset-council");
    const council = (await see("second-council")) as HTMLSelectElement;
    expect(council.value).toBe("auto");
    expect(all("second-many")).toHaveLength(0);
    await click("start-compare");
    await see("findings");
    const [one, several] = asked.mock.calls[0]![0];
    expect([one.aggregate, several.aggregate, several.top_k]).toEqual([undefined, "auto", undefined]);
    comparing.ways[1] = { ...comparing.ways[1], aggregate: "voting", topK: 3 };
    await see("second-many");
    await click("start-compare");
    await until(() => expect(asked.mock.calls).toHaveLength(2));
    expect(asked.mock.calls[1]![0][1]).toMatchObject({ aggregate: "voting", top_k: 3 });
  });

  it("stops when it is told, and then says nothing", async () => {
    await open("full", "compare");
    use(fake(new URLSearchParams("scene=full&pace=1")));
    await click("start-compare");
    await click("stop-compare");
    const found = await see("findings");
    expect(found.textContent).toContain(t.compare.stopped);
    expect(found.textContent).toContain(t.compare.rightUnknown);
  });

  it("takes a file of questions, and keeps the old ones when it cannot be read", async () => {
    await open("full", "compare");
    await click("choose-questions");
    await until(() => expect(text("compare-questions")).toContain("questions.jsonl (60)"));
    api.pickQuestionFile = async () => "/home/you/wrong.jsonl";
    await click("choose-questions");
    await until(() => expect(document.body.textContent).toContain('the field "question" is missing'));
    expect(text("compare-questions")).toContain("questions.jsonl (60)");
  });
});

describe("the modes of the composer", () => {
  it("say what each takes and gains here, or that it is not measured yet", async () => {
    use(fake(new URLSearchParams("scene=full")));
    app = mount(App, { target: document.body });
    await click("mode");
    await until(() => expect(text("mode-optimized")).toContain("+2.5 points (−0.4 to +6.1), n = 120"));
    expect(text("mode-optimized")).toContain("118");
    expect(text("mode-fast")).toContain(t.ask.modeUnknown("2", "5"));
    expect(text("mode-basic")).not.toContain("gains");
  });
});

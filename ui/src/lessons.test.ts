//! What routing learned: shown with where it comes from, taken back one by one, and all at once when that was meant.

import { mount, unmount } from "svelte";
import { afterEach, beforeEach, expect, it } from "vitest";
import { api, use } from "./api";
import { fake } from "./api/fake/index";
import App from "./App.svelte";
import { t } from "./shared/strings";
import { all, click, see, until } from "./shared/testing";

let app: ReturnType<typeof mount>;

async function open(scene: string) {
  use(fake(new URLSearchParams(`scene=${scene}&pace=0.02`)));
  app = mount(App, { target: document.body });
  await click("nav-experts");
  await see("lessons");
}

beforeEach(() => document.body.replaceChildren());
afterEach(() => unmount(app));

it("says what was learned, and takes one back", async () => {
  await open("full");
  await until(() => expect(all("lesson")).toHaveLength(3));
  expect(all("lesson")[1]?.textContent).toContain(t.lessons.wrong("Arithmetic"));
  expect(all("lesson")[2]?.textContent).toContain(t.lessons.sources.retry);
  all("unlearn")[1]?.click();
  await until(() => expect(all("lesson")).toHaveLength(2));
  expect((await api.lessons()).some((lesson) => lesson.expert === "arithmetic")).toBe(false);
});

it("takes all back only when that was said twice", async () => {
  await open("many");
  await until(() => expect(all("lesson")).toHaveLength(8));
  await click("unlearn-all-ask");
  expect(await api.lessons()).toHaveLength(43);
  await click("unlearn-all");
  await until(() => expect(all("lesson")).toHaveLength(0));
  expect((await see("lessons")).textContent).toContain(t.lessons.none);
});

it("has nothing to show before anything was taught", async () => {
  await open("first");
  await until(() => expect(all("lessons")[0]?.textContent).toContain(t.lessons.none));
  expect(all("unlearn-all-ask")).toHaveLength(0);
});

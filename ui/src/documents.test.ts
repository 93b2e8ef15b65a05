//! The documents: added with what became of each file, looked up, opened, and removed only when that was meant.

import { flushSync, mount, unmount } from "svelte";
import { afterEach, beforeEach, expect, it } from "vitest";
import { api, use } from "./api";
import { fake } from "./api/fake/index";
import App from "./App.svelte";
import { documents } from "./documents/documents.svelte";
import { t } from "./shared/strings";
import { all, click, see, until } from "./shared/testing";

let app: ReturnType<typeof mount>;

async function open(scene: string) {
  use(fake(new URLSearchParams(`scene=${scene}&pace=0.02`)));
  app = mount(App, { target: document.body });
  await click("nav-documents");
  await see("documents");
}

beforeEach(() => {
  document.body.replaceChildren();
  Object.assign(documents, { all: null, added: null, found: null, search: "", failure: null });
});
afterEach(() => unmount(app));

it("says what became of each file that was added", async () => {
  await open("first");
  expect((await see("no-documents")).textContent).toContain(t.documents.none);
  await click("add-documents");
  await until(() => expect(all("documents-added")[0]?.textContent).toContain(t.documents.added(1, 0, 1)));
  expect(all("not-added")[0]?.textContent).toContain("Not a kind of file that can be read");
  await until(() => expect(all("document")).toHaveLength(1));
});

it("finds passages and opens the document that they are of", async () => {
  await open("full");
  await until(() => expect(all("document")).toHaveLength(3));
  const search = (await see("search-documents")) as HTMLInputElement;
  search.value = "deposit";
  search.dispatchEvent(new Event("input", { bubbles: true }));
  await until(() => expect(all("found-passage")).toHaveLength(1));
  expect(all("found-passage")[0]?.querySelector("mark")?.textContent).toBe("deposit");
  all("found-passage")[0]?.querySelector("button")?.click();
  await until(() => expect(all("document-read")[0]?.textContent).toContain("Dogs and cats"));
});

it("removes one, and all, only when that was said twice", async () => {
  await open("full");
  await until(() => expect(all("document")).toHaveLength(3));
  all("remove-document")[0]?.click();
  flushSync();
  expect(await api.documents()).toHaveLength(3);
  await click("remove-document-confirm");
  await until(() => expect(all("document")).toHaveLength(2));
  await click("remove-documents");
  await click("remove-documents-confirm");
  await see("no-documents");
  expect(await api.documents()).toHaveLength(0);
});

it("stops between two files", async () => {
  use(fake(new URLSearchParams("scene=first&pace=2")));
  app = mount(App, { target: document.body });
  await click("nav-documents");
  void documents.add(["/home/ada/notes"]);
  await click("stop-reading");
  await until(() => expect(all("documents-added")[0]?.textContent).toContain(t.documents.added(1, 0, 0)));
});

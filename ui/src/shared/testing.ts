//! What tests of the page do to it: find by test id, wait for a claim, press.

import { flushSync } from "svelte";
import { expect, vi } from "vitest";

// What takes a moment may take this long on a machine that does other things as well.
vi.setConfig({ testTimeout: 120_000 });
export const patience = { timeout: 60_000 };

export const all = (id: string) => [...document.querySelectorAll<HTMLElement>(`[data-testid="${id}"]`)];
export const text = (id: string) => all(id)[0]?.textContent ?? "";
export const until = (claim: () => void) => vi.waitFor(claim, patience);
export const see = (id: string) => vi.waitFor(() => all(id)[0] ?? expect.fail(`${id} is not there`), patience);

/** Presses the first of that name, or the one `at` that place, once it can be pressed. */
export async function click(id: string, at = 0) {
  const one = await vi.waitFor(() => {
    const found = all(id)[at];
    return found && !(found as HTMLButtonElement).disabled ? found : expect.fail(`${id} cannot be pressed`);
  }, patience);
  one.click();
  flushSync();
}

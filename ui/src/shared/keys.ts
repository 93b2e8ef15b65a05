//! Shortcuts: one table that the keyboard handler and the sheet under mod+/ both read.

import { t } from "./strings";

export type Command =
  | "fresh"
  | "goTo"
  | "find"
  | "stop"
  | "expert"
  | "conversation"
  | "experts"
  | "documents"
  | "status"
  | "pruning"
  | "mixture"
  | "settings"
  | "keys";

const apple = typeof navigator !== "undefined" && /Mac|iPhone|iPad/.test(navigator.platform);

/** What stands on the key that people hold: ⌘ on a Mac, Ctrl elsewhere. */
export const mod = apple ? "⌘" : "Ctrl";

const table: Record<string, Command> = {
  n: "fresh",
  k: "goTo",
  f: "find",
  ".": "expert",
  "1": "conversation",
  "2": "experts",
  "3": "status",
  "4": "pruning",
  "5": "mixture",
  "6": "documents",
  ",": "settings",
  "/": "keys",
};

/** The command of a key press, if it is one. Escape is `stop`; who shows a dialog takes it first. */
export function commandOf(event: KeyboardEvent): Command | null {
  if (event.key === "Escape") return "stop";
  const held = apple ? event.metaKey : event.ctrlKey;
  if (!held || event.altKey) return null;
  // Some layouts need Shift for "/" and ".": let it pass there, but mod+Shift+N is not ours.
  if (event.shiftKey && /^[a-z]$/i.test(event.key)) return null;
  return table[event.key.toLowerCase()] ?? null;
}

/** Rows of the sheet: keys, and what they do. */
export const sheet: [string[], string][] = [
  [[mod, "N"], t.keys.list.fresh],
  [[mod, "K"], t.keys.list.goTo],
  [[mod, "F"], t.keys.list.find],
  [["Enter"], t.keys.list.send],
  [["Shift", "Enter"], t.keys.list.newline],
  [["Esc"], t.keys.list.stop],
  [[mod, "."], t.keys.list.expert],
  [[mod, "1"], t.keys.list.conversation],
  [[mod, "2"], t.keys.list.experts],
  [[mod, "3"], t.keys.list.status],
  [[mod, "4"], t.keys.list.pruning],
  [[mod, "5"], t.keys.list.mixture],
  [[mod, "6"], t.keys.list.documents],
  [[mod, ","], t.keys.list.settings],
  [["↑", "↓"], t.keys.list.arrows],
  [[mod, "/"], t.keys.list.keys],
];

/** Moves the focus among `items` by arrow keys, Home and End. True when the key was used. */
export function moveFocus(event: KeyboardEvent, items: HTMLElement[]): boolean {
  const here = items.indexOf(document.activeElement as HTMLElement);
  const last = items.length - 1;
  let to: number;
  if (event.key === "ArrowDown") to = here < last ? here + 1 : 0;
  else if (event.key === "ArrowUp") to = here > 0 ? here - 1 : last;
  else if (event.key === "Home") to = 0;
  else if (event.key === "End") to = last;
  else return false;
  event.preventDefault();
  items[to]?.focus();
  return items.length > 0;
}

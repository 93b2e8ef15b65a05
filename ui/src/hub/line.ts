//! A download in words: what it is at, how far, how fast, how long still.

import type { Download, State } from "../api/bindings";
import { bytes, left, percent, rate } from "../shared/numbers";
import { t } from "../shared/strings";

/** The file without its folders and its ending. */
export function titleOf(file: string): string {
  return (file.split("/").at(-1) ?? file).replace(/\.gguf$/i, "");
}

/** From 0 to 1; `null` while nobody knows the whole. */
export function share(state: State): number | null {
  if (state.state === "ready") return 1;
  if (!("total_bytes" in state) || state.total_bytes <= 0) return null;
  return Math.min(1, state.done_bytes / state.total_bytes);
}

/** Something happens to it by itself, or soon will. */
export function isActive(state: State): boolean {
  return !["paused", "ready", "failed"].includes(state.state);
}

/** Bytes of it that a cancel throws away. */
export function here(state: State): number {
  return "total_bytes" in state ? state.done_bytes : 0;
}

export function line(state: State): string {
  switch (state.state) {
    case "queued":
    case "finding":
    case "waits_for_another":
      return t.downloads[state.state];
    case "checking":
      return t.downloads.checking(bytes(state.done_bytes));
    case "fetching": {
      const parts = [t.downloads.far(bytes(state.done_bytes), bytes(state.total_bytes)), percent(share(state))];
      if (state.waits !== null) return [...parts, t.downloads.waits].join(" · ");
      if (state.bytes_per_s !== null) parts.push(rate(state.bytes_per_s));
      if (state.seconds_left !== null) parts.push(t.downloads.left(left(state.seconds_left)));
      return parts.join(" · ");
    }
    case "paused":
      if (state.total_bytes === 0) return t.downloads.pausedEarly;
      return [t.downloads.paused, t.downloads.far(bytes(state.done_bytes), bytes(state.total_bytes)), percent(share(state))].join(" · ");
    case "ready":
      return t.downloads.ready(bytes(state.fetched.bytes));
    case "failed":
      return t.downloads.failed;
  }
}

/** All that run, as one quiet line; `null` when none does. */
export function summary(downloads: Download[]): { title: string; share: number | null } | null {
  const running = downloads.filter((one) => isActive(one.state));
  const [first] = running;
  if (!first) return null;
  const known = running.map((one) => one.state).filter((state) => state.state === "fetching");
  const done = known.reduce((sum, state) => sum + state.done_bytes, 0);
  const total = known.reduce((sum, state) => sum + state.total_bytes, 0);
  return {
    title: running.length === 1 ? titleOf(first.name.file) : t.downloads.several(running.length),
    share: total > 0 ? done / total : null,
  };
}

/** What a screen reader says between two lists: beginnings, quarters and endings, nothing else. */
export function news(before: Download[], now: Download[]): string[] {
  return now.flatMap(({ id, name, state }) => {
    const was = before.find((one) => one.id === id)?.state;
    const title = titleOf(name.file);
    if (state.state === "fetching") {
      if (was?.state !== "fetching") return [t.downloads.said.begun(title)];
      const quarter = (one: State) => Math.floor((share(one) ?? 0) * 4);
      return quarter(state) > quarter(was) ? [t.downloads.said.far(title, percent(quarter(state) / 4))] : [];
    }
    if (was === undefined || was.state === state.state) return [];
    if (state.state === "ready") return [t.downloads.said.ready(title)];
    if (state.state === "failed") return [t.downloads.said.failed(title, state.failure.message)];
    return state.state === "paused" ? [t.downloads.said.paused(title)] : [];
  });
}

import { describe, expect, it } from "vitest";
import type { Download, State } from "../api/bindings";
import { t } from "../shared/strings";
import { here, isActive, line, news, share, summary, titleOf } from "./line";

const plain = (text: string) => text.replaceAll("\u202f", " ");
const fetching = (done: number, rest: Partial<Extract<State, { state: "fetching" }>> = {}): State => ({
  state: "fetching",
  done_bytes: done,
  total_bytes: 4e9,
  bytes_per_s: 20e6,
  seconds_left: (4e9 - done) / 20e6,
  waits: null,
  ...rest,
});
const paused: State = { state: "paused", done_bytes: 1e9, total_bytes: 4e9 };
const failed: State = { state: "failed", failure: { code: "hub.no_space", message: "the disk is full", fix: "", detail: null } };
const download = (id: number, state: State): Download => ({ id, name: { repo: "a/b", revision: "main", file: `sub/M${id}-Q4_K_M.gguf` }, state });

describe("the line of a download", () => {
  it.each<[State, string]>([
    [{ state: "queued" }, "waits for its turn"],
    [fetching(1e9), "1 GB of 4 GB · 25 % · 20 MB/s · 3 min left"],
    [fetching(1e9, { bytes_per_s: null, seconds_left: null }), "1 GB of 4 GB · 25 %"],
    [fetching(1e9, { waits: "connection reset" }), "1 GB of 4 GB · 25 % · no bytes arrive; it is tried again"],
    [paused, "paused · 1 GB of 4 GB · 25 %"],
    [{ state: "paused", done_bytes: 0, total_bytes: 0 }, "paused before its first byte"],
    [failed, "failed"],
  ])("%j", (state, text) => expect(plain(line(state))).toBe(text));

  it("a stopped transfer names no speed that it does not have", () => {
    expect(line(fetching(1e9, { waits: "connection reset" }))).not.toContain("MB/s");
  });

  it("knows its share only when the whole is known", () => {
    expect(share(fetching(1e9))).toBe(0.25);
    expect(share({ state: "finding" })).toBeNull();
    expect(share({ state: "paused", done_bytes: 0, total_bytes: 0 })).toBeNull();
    expect(share(fetching(5e9))).toBe(1);
  });

  it("throws away what is here, and nothing more", () => {
    expect(here(paused)).toBe(1e9);
    expect(here({ state: "queued" })).toBe(0);
  });

  it("is named by its file alone", () => expect(titleOf("sub/Qwen3-8B.Q4_K_M.GGUF")).toBe("Qwen3-8B.Q4_K_M"));
});

describe("the quiet line", () => {
  it("is there only while something runs", () => {
    expect(summary([])).toBeNull();
    expect(summary([download(1, paused), download(2, failed)])).toBeNull();
    for (const state of [paused, failed]) expect(isActive(state)).toBe(false);
  });

  it("adds up what runs, and leaves out what waits", () => {
    expect(summary([download(1, fetching(1e9))])).toEqual({ title: "M1-Q4_K_M", share: 0.25 });
    expect(summary([download(1, fetching(1e9)), download(2, fetching(3e9)), download(3, { state: "queued" }), download(4, paused)])).toEqual({
      title: t.downloads.several(3),
      share: 0.5,
    });
    expect(summary([download(1, { state: "finding" })])).toEqual({ title: "M1-Q4_K_M", share: null });
  });
});

describe("what is said aloud", () => {
  const said = (was: State | null, now: State) => news(was ? [download(1, was)] : [], [download(1, now)]).map(plain);

  it("is a beginning, each quarter once, and the end", () => {
    expect(said({ state: "finding" }, fetching(1e6))).toEqual(["M1-Q4_K_M is being downloaded."]);
    expect(said(fetching(1e6), fetching(0.9e9))).toEqual([]);
    expect(said(fetching(0.9e9), fetching(1.1e9))).toEqual(["M1-Q4_K_M: 25 %."]);
    expect(said(fetching(1.1e9), fetching(1.9e9))).toEqual([]);
    expect(said(fetching(1.1e9), fetching(3.1e9))).toEqual(["M1-Q4_K_M: 75 %."]);
    expect(said(fetching(3e9), failed)).toEqual(["M1-Q4_K_M failed: the disk is full."]);
    expect(said(fetching(3e9), paused)).toEqual(["M1-Q4_K_M is paused."]);
  });

  it("is nothing for what was there when the window opened", () => {
    expect(said(null, paused)).toEqual([]);
    expect(said(null, failed)).toEqual([]);
  });
});

import { expect, it } from "vitest";
import type { FoundFile, OnDisk } from "../api/bindings";
import { mayBeCopies, total, unused, wasted } from "./disk";

const file = (path: string, bytes: number, rest: Partial<FoundFile> = {}): FoundFile => ({ name: path, path, bytes, source: "ollama", sha256: "a", experts: [], ...rest });
const disk = (files: FoundFile[]): OnDisk => ({ experts: [], files, copies: [], cache: "/c", free_bytes: 0 });

it("adds up every file, and offers those that nobody uses", () => {
  const now = disk([file("/a", 5, { experts: ["a"] }), file("/b", 3), file("/c", 2, { source: "starter" })]);
  expect(total(now)).toBe(10);
  expect(unused(now).map((one) => one.path)).toEqual(["/b"]);
});

it("of three copies two are too many", () => {
  expect(wasted([{ sha256: "a", bytes: 4, paths: ["/a", "/b", "/c"] }])).toBe(8);
});

it("only files of one size, and without a known sum, have to be read", () => {
  expect(mayBeCopies(disk([file("/a", 5, { sha256: null }), file("/b", 5), file("/c", 6, { sha256: null })]))).toBe(1);
  expect(mayBeCopies(disk([file("/a", 5, { sha256: null }), file("/b", 5, { sha256: null })]))).toBe(2);
  expect(mayBeCopies(disk([file("/a", 5), file("/b", 5)]))).toBe(0);
});

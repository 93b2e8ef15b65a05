//! Sums over what lies on this disk.

import type { Copies, FoundFile, OnDisk } from "../api/bindings";

/** Bytes of every model file. */
export function total(disk: OnDisk): number {
  return disk.files.reduce((sum, file) => sum + file.bytes, 0);
}

/** Files that no expert uses, largest first as they come; the pieces of the app itself are not offered. */
export function unused(disk: OnDisk): FoundFile[] {
  return disk.files.filter((file) => file.experts.length === 0 && file.source !== "starter");
}

/** Bytes that copies take beyond one of each. */
export function wasted(copies: Copies[]): number {
  return copies.reduce((sum, copy) => sum + copy.bytes * (copy.paths.length - 1), 0);
}

/** Files of one size, of which one has no known check sum: only reading tells whether they are the same. */
export function mayBeCopies(disk: OnDisk): number {
  const alike = (file: FoundFile) => disk.files.some((other) => other !== file && other.bytes === file.bytes);
  return disk.files.filter((file) => file.sha256 === null && alike(file)).length;
}

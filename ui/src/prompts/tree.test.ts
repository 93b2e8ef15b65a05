import { describe, expect, it } from "vitest";
import { branches } from "./tree";

describe("a lineage", () => {
  const one = (place: number, parents: number[]) => ({ place, parents }) as never;

  it("has each prompt under its first parent, depth first", () => {
    const rows = branches([one(0, []), one(1, [0]), one(2, [0]), one(3, [1]), one(4, [2, 1])], (tried) => tried);
    expect(rows.map((row) => [(row.one as { place: number }).place, row.depth])).toEqual([[0, 0], [1, 1], [3, 2], [2, 1], [4, 2]]);
    expect(rows[1]?.goesOn).toEqual([false, true]);
  });
});

//! A lineage as rows: each prompt under its first parent, one step in.

import type { Tried } from "../api/bindings";

export interface Branch<T> {
  one: T;
  depth: number;
  /** Of each step in, whether its line goes on under this row. */
  goesOn: boolean[];
}

/** Depth first, in the order in which they were tried. */
export function branches<T>(all: T[], tried: (one: T) => Tried): Branch<T>[] {
  const children = new Map<number, T[]>();
  for (const one of all) {
    const parent = tried(one).parents[0] ?? -1;
    children.set(parent, [...(children.get(parent) ?? []), one]);
  }
  const rows: Branch<T>[] = [];
  const walk = (parent: number, depth: number, goesOn: boolean[]) => {
    const own = children.get(parent) ?? [];
    for (const [at, one] of own.entries()) {
      const here = [...goesOn, at < own.length - 1];
      rows.push({ one, depth, goesOn: here });
      walk(tried(one).place, depth + 1, here);
    }
  };
  walk(-1, 0, []);
  return rows;
}

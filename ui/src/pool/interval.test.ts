import { expect, it } from "vitest";
import { wilson } from "./interval";

// Wilson's bounds are the shares p from which the seen share lies exactly 1.96 standard errors of p away.
it.each([
  [8, 10],
  [1, 10],
  [484, 500],
])("the bounds of %d in %d are 1.96 standard errors away", (right, n) => {
  const share = right / n;
  const { low, high } = wilson(share, n);
  expect(low).toBeLessThan(share);
  expect(high).toBeGreaterThan(share);
  for (const p of [low, high]) {
    expect(Math.abs(share - p) / Math.sqrt((p * (1 - p)) / n)).toBeCloseTo(1.959964, 5);
  }
});

it("stays between nothing and all, and admits doubt about a perfect score", () => {
  expect(wilson(1, 10).high).toBeCloseTo(1, 9);
  expect(wilson(1, 10).low).toBeCloseTo(1 / (1 + 1.959964 ** 2 / 10), 6);
  expect(wilson(0, 10).low).toBeCloseTo(0, 9);
  for (const n of [1, 3, 7, 10, 500]) {
    expect(wilson(1, n).high).toBeLessThanOrEqual(1);
    expect(wilson(0, n).low).toBeGreaterThanOrEqual(0);
  }
  expect(wilson(1, 1000).low).toBeGreaterThan(wilson(1, 10).low);
});

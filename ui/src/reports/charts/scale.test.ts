import { describe, expect, it } from "vitest";
import { linear } from "./scale";

describe("a scale", () => {
  it("maps its ends to the ends and what is between to what is between", () => {
    const x = linear([10, 20], [100, 0]);
    expect([x(10), x(15), x(20), x(22)]).toEqual([100, 50, 0, -20]);
  });

  it("has one place for all when there is one value", () => {
    expect(linear([3, 3], [40, 80])(3)).toBe(40);
  });
});

import { expect, it } from "vitest";
import { age } from "./time";

it("goes by calendar days, not by spans of 24 hours", () => {
  const now = new Date(2026, 10, 21, 0, 30).getTime();
  expect(age(new Date(2026, 10, 21, 0, 1).getTime(), now)).toBe("today");
  expect(age(new Date(2026, 10, 20, 23, 59).getTime(), now)).toBe("yesterday");
  expect(age(new Date(2026, 10, 20, 0, 0).getTime(), now)).toBe("yesterday");
  expect(age(new Date(2026, 10, 19, 23, 59).getTime(), now)).toBe("earlier");
});

import { describe, expect, it } from "vitest";
import { about, bytes, count, duration, left, parameters, percent, plural, points, rate, score, signed, speed } from "./numbers";
import { t } from "./strings";

/** Thin spaces read badly in expectations. */
const plain = (text: string) => text.replaceAll("\u202f", " ");

describe("figures", () => {
  it.each([
    [0, "0 B"],
    [999, "999 B"],
    [1_000, "1 kB"],
    [21_400_000, "21.4 MB"],
    [999_600, "1 MB"],
    [8_000_000_000, "8 GB"],
    [123_456_789, "123 MB"],
  ])("%d bytes are %s", (value, text) => expect(plain(bytes(value))).toBe(text));

  it.each([
    [0.018, "+1.8"],
    [-0.005, "−0.5"],
    [0, "0.0"],
    [-0.0001, "0.0"],
  ])("a difference of %d is %s points", (share, text) => expect(points(share)).toBe(text));

  it.each([
    [0, "< 0.1 ms"],
    [0.42, "0.4 ms"],
    [9.96, "10 ms"],
    [52.7, "53 ms"],
    [999.4, "999 ms"],
    [999.6, "1.0 s"],
    [59_940, "59.9 s"],
    [125_000, "2 min 5 s"],
  ])("%d ms are %s", (value, text) => expect(plain(duration(value))).toBe(text));

  it.each([
    [0, "5 s"],
    [12, "10 s"],
    [54, "55 s"],
    [56, "1 min"],
    [335, "6 min"],
    [3_600, "1 h"],
    [7_140, "2 h"],
    [7_800, "2 h 10 min"],
  ])("%d s are left as %s", (value, text) => expect(plain(left(value))).toBe(text));

  it("say so when nothing was measured", () => {
    for (const figure of [bytes, duration, speed, percent, score, count, parameters, rate, left]) {
      expect(figure(null)).toBe(t.notMeasured);
      expect(figure(undefined)).toBe(t.notMeasured);
      expect(figure(Number.NaN)).toBe(t.notMeasured);
    }
    expect(speed(0)).toBe(t.notMeasured);
    expect(parameters(0)).toBe(t.notMeasured);
  });

  it("keep three digits at most", () => {
    expect(plain(speed(612.4))).toBe("612 tok/s");
    expect(plain(speed(31.26))).toBe("31.3 tok/s");
    expect(plain(parameters(1_640_000))).toBe("1.6 M");
    expect(plain(parameters(14_000_000_000))).toBe("14 B");
    expect(about(0)).toBe("0");
    expect(plain(about(1_240_000))).toBe("1.2 M");
    expect(plain(rate(11_400_000))).toBe("11.4 MB/s");
    expect(plain(percent(0.9684, 1))).toBe("96.8 %");
    expect(score(0.914)).toBe("0.91");
    expect(score(-0.05)).toBe("−0.05");
    expect(score(-0.001)).toBe("0.00");
    expect(signed(-0.02)).toBe("−0.02");
    expect(signed(0)).toBe("0.00");
    expect(count(12345)).toBe("12,345");
    expect(plural(1, "expert", "experts")).toBe("1 expert");
  });
});

//! Every figure that the window shows is written here, so that one kind of figure looks the same everywhere.
//! A figure that nobody measured says so in the place where it would stand.

import { t } from "./strings";

type Figure = number | null | undefined;

const thin = "\u202f";

function measured(value: Figure): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

/** At most three significant digits: 0.42, 4.2, 42, 420; whole numbers stay whole. */
function short(value: number): string {
  return value.toFixed(value >= 100 ? 0 : value >= 1 ? 1 : 2).replace(/\.0+$/, "");
}

/** Decimal units (10^9 bytes is 1 GB), as disks and the memory budget are counted. */
export function bytes(value: Figure): string {
  if (!measured(value)) return t.notMeasured;
  const units = ["B", "kB", "MB", "GB", "TB"];
  let scaled = value;
  let unit = 0;
  while (scaled >= 999.5 && unit < units.length - 1) {
    scaled /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? scaled.toFixed(0) : short(scaled)}${thin}${units[unit]}`;
}

/** 0.4 ms, 12 ms, 1.2 s, 2 min 5 s. */
export function duration(ms: Figure): string {
  if (!measured(ms)) return t.notMeasured;
  if (ms < 0.1) return `<${thin}0.1${thin}ms`;
  if (ms < 10) return `${(Math.round(ms * 10) / 10).toString()}${thin}ms`;
  if (ms < 999.5) return `${ms.toFixed(0)}${thin}ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)}${thin}s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)}${thin}min ${seconds % 60}${thin}s`;
}

/** Tokens per second; nothing was measured when no second passed. */
export function speed(tokensPerSecond: Figure): string {
  if (!measured(tokensPerSecond) || tokensPerSecond <= 0) return t.notMeasured;
  return `${short(tokensPerSecond)}${thin}tok/s`;
}

/** Bytes per second of a transfer. */
export function rate(bytesPerSecond: Figure): string {
  return measured(bytesPerSecond) ? `${bytes(bytesPerSecond)}/s` : t.notMeasured;
}

/** What is left of a wait, no finer than anybody plans by: 40 s, 6 min, 2 h 10 min. */
export function left(seconds: Figure): string {
  if (!measured(seconds)) return t.notMeasured;
  if (seconds < 55) return `${Math.max(5, Math.round(seconds / 5) * 5)}${thin}s`;
  const minutes = Math.max(1, Math.round(seconds / 60));
  if (minutes < 60) return `${minutes}${thin}min`;
  const rest = Math.round((minutes % 60) / 5) * 5;
  const hours = Math.floor(minutes / 60) + (rest === 60 ? 1 : 0);
  return rest % 60 === 0 ? `${hours}${thin}h` : `${hours}${thin}h ${rest}${thin}min`;
}

/** A share from 0 to 1. */
export function percent(share: Figure, digits = 0): string {
  if (!measured(share)) return t.notMeasured;
  return `${(share * 100).toFixed(digits)}${thin}%`;
}

/** A score or probability, two digits: 0.91. */
export function score(value: Figure): string {
  return measured(value) ? value.toFixed(2).replace("-0.00", "0.00").replace("-", "−") : t.notMeasured;
}

/** A score with its sign, for what is added or taken away. */
export function signed(value: number): string {
  if (value === 0) return "0.00";
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(2)}`;
}

/** 1,234. */
export function count(value: Figure): string {
  return measured(value) ? Math.round(value).toLocaleString("en-US") : t.notMeasured;
}

/** 1.3 M, 260 k: parameters of a model. */
export function parameters(value: Figure): string {
  return measured(value) && value > 0 ? about(value) : t.notMeasured;
}

/** A count of which only the size matters: 1.2 M downloads. */
export function about(value: number): string {
  const units: [number, string][] = [
    [1e9, "B"],
    [1e6, "M"],
    [1e3, "k"],
  ];
  for (const [size, unit] of units) if (value >= size * 0.9995) return `${short(value / size)}${thin}${unit}`;
  return value.toFixed(0);
}

/** A difference of two shares in points: +1.8, −0.5, 0.0. */
export function points(share: number): string {
  const value = (Math.abs(share) * 100).toFixed(1);
  return `${Number(value) === 0 ? "" : share < 0 ? "−" : "+"}${value}`;
}

/** "1 answer", "2 answers". */
export function plural(value: number, one: string, many: string): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

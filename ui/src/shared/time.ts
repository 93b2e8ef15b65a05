//! Dates as people say them: today, yesterday, 12 Nov.

import { t } from "./strings";

export type Age = "today" | "yesterday" | "earlier";

function startOfDay(time: number): number {
  const day = new Date(time);
  day.setHours(0, 0, 0, 0);
  return day.getTime();
}

/** Calendar days, not spans of 24 hours: a minute before midnight is yesterday. */
export function age(time: number, now = Date.now()): Age {
  const today = startOfDay(now);
  if (time >= today) return "today";
  // Days of 23 or 25 hours exist: step back from noon.
  return time >= startOfDay(today - 12 * 3_600_000) ? "yesterday" : "earlier";
}

export function clock(time: number): string {
  return new Date(time).toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });
}

export function day(time: number, now = Date.now()): string {
  const when = age(time, now);
  if (when !== "earlier") return t.ages[when].toLowerCase();
  const date = new Date(time);
  const sameYear = date.getFullYear() === new Date(now).getFullYear();
  return date.toLocaleDateString("en-GB", { day: "numeric", month: "short", year: sameYear ? undefined : "numeric" });
}

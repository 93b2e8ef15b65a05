//! Figures of losses as they are read.

import type { Interval } from "../api/bindings";
import { percent } from "../shared/numbers";
import { t } from "../shared/strings";

export const digits = (value: number): string => value.toFixed(Math.abs(value) < 0.0995 ? 3 : 2).replace("-0.000", "0.000").replace("-", "−");

/** 0.012 (0.004 to 0.021) */
export function nats(interval: Interval): string {
  const { mean, low, high } = interval;
  return low === null || high === null ? digits(mean) : t.mixture.interval(digits(mean), digits(low), digits(high));
}

/** 97.3 %, of a share. */
export const share = (value: number): string => percent(value, 1);

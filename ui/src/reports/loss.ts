//! What a smaller pool is foretold to lose, in words.

import type { Pruned } from "../api/bindings";
import { count, percent } from "../shared/numbers";
import { t } from "../shared/strings";

function points(share: number): string {
  const value = share * 100;
  return (Object.is(value, -0) ? 0 : value).toFixed(1).replace("-0.0", "0.0").replace("-", "−");
}

/** Points of the answers that stay as they were, and what that is of; not measured where too few were asked. */
export function lossOf(plan: Pruned, enough: number): { value: string; note: string } {
  const loss = plan.replay?.loss;
  if (!loss) return { value: t.notMeasured, note: "" };
  if (loss.n < enough) return { value: t.notMeasured, note: t.pruning.lossFew(count(loss.n), count(enough)) };
  const share = (right: number) => percent(right / loss.n);
  return {
    value: t.pruning.points(points(loss.difference), points(loss.low), points(loss.high)),
    note: t.pruning.lossNote(share(loss.both + loss.first_only), share(loss.both + loss.second_only), count(loss.n)),
  };
}

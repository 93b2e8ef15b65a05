//! The one sentence of each page.

import type { Dashboard } from "../api/bindings";
import { pool } from "../pool/pool.svelte";
import { bytes, count, duration, percent } from "../shared/numbers";
import { t } from "../shared/strings";

function sentences(...parts: (string | false)[]): string {
  return parts.filter(Boolean).join(" ");
}

export const leads = {
  routing({ routing }: Dashboard): string {
    const first = routing.experts[0];
    const s = t.reports.routing;
    if (!first || first.share.value === null) return s.early;
    const { right } = routing;
    return sentences(
      s.lead(pool.titleOf(first.name), percent(first.share.value), count(first.share.n)),
      right.value !== null && s.right(percent(right.value), count(right.n)),
    );
  },
  retrieval({ retrieval: { given } }: Dashboard): string {
    const s = t.reports.retrieval;
    return given.value === null ? s.early : s.lead(percent(given.value), count(given.n));
  },
  compression({ compression }: Dashboard): string {
    const s = t.reports.compression;
    const { share, ratio, spared_ms, spent_ms } = compression;
    if (share.value === null) return s.early;
    if (share.value === 0) return s.never(count(share.n));
    return sentences(
      s.lead(percent(share.value), count(share.n)),
      ratio.value !== null && s.to(percent(ratio.value), count(ratio.n)),
      spared_ms.n > 0 && s.net(duration(spared_ms.value), duration(spent_ms.value)),
    );
  },
  memory({ memory }: Dashboard): string {
    const s = t.reports.memory;
    const { loads, peak, load_ms, stays, stays_ms } = memory;
    if (loads.value === null) return s.early;
    return sentences(
      s.lead(bytes(peak.value), percent(loads.value), count(loads.n)),
      load_ms.value !== null && s.load(duration(load_ms.value)),
      stays_ms.n > 0 && s.stays(count(stays.value), duration(stays_ms.value)),
    );
  },
  latency({ latency }: Dashboard): string {
    const s = t.reports.latency;
    const { p50, first_p50, day, before } = latency;
    if (p50.value === null) return s.early;
    return sentences(
      s.lead(duration(p50.value), count(p50.n)),
      first_p50.value !== null && s.first(duration(first_p50.value)),
      day.value !== null && before.value !== null && s.day(duration(day.value), duration(before.value)),
    );
  },
};

//! Which file of a repository is offered first, and why one cannot be had.

import type { Choice, Model } from "../api/bindings";
import { bytes } from "../shared/numbers";
import { t } from "../shared/strings";

/** Why this file cannot run here, in words; `null` when nothing is known against it. */
export function obstacle(model: Model, choice: Choice, budgetBytes: number | null): string | null {
  if (model.supported === false) return model.why_not ?? t.find.unsupported;
  if (choice.why_not) return choice.why_not;
  if (choice.fits !== false) return null;
  return t.find.tooLarge(bytes(choice.memory_bytes), budgetBytes === null ? null : bytes(budgetBytes));
}

/** Four to five bits are the usual balance of size and quality; without such a file the largest that fits. */
export function offered(model: Model): Choice | null {
  const usable = model.files.filter((choice) => obstacle(model, choice, null) === null);
  for (const usual of ["Q4_K_M", "Q4_K_S", "Q5_K_M", "MXFP4", "Q4_0", "Q8_0"]) {
    const found = usable.find((choice) => choice.quantisation === usual);
    if (found) return found;
  }
  return usable.at(-1) ?? null;
}

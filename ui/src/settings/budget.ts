//! What stands in the budget field, as gigabytes.

/** `null` for an empty field: Lectern decides. A comma counts as a decimal point. */
export function parseBudget(text: string): number | null | "bad" {
  const trimmed = text.trim();
  if (trimmed === "") return null;
  const value = Number(trimmed.replace(",", "."));
  return Number.isFinite(value) && value > 0 ? value : "bad";
}

//! The pages of the window.

/** What is measured, a question a page. */
export const reports = ["status", "routing", "retrieval", "compression", "memory", "latency", "compare", "abilities", "playbook", "prompts", "pruning", "mixture"] as const;
export type Report = (typeof reports)[number];

export type Page = "conversation" | "experts" | "documents" | Report | "settings";

export function isReport(page: Page): page is Report {
  return (reports as readonly Page[]).includes(page);
}

/** What the page of the experts shows. */
export type Section = "yours" | "find" | "packs" | "disk";

export const sections: Section[] = ["yours", "find", "packs", "disk"];

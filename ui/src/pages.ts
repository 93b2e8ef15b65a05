//! The pages of the window.

/** A question a page: what is measured, and what is made better by it. */
export const reportGroups = {
  measured: ["status", "routing", "retrieval", "compression", "memory", "latency", "abilities"],
  improve: ["compare", "playbook", "prompts", "pruning", "mixture"],
} as const;

export const reports = [...reportGroups.measured, ...reportGroups.improve] as const;
export type Report = (typeof reports)[number];

export type Page = "conversation" | "experts" | "documents" | Report | "settings";

export function isReport(page: Page): page is Report {
  return (reports as readonly Page[]).includes(page);
}

/** What the page of the experts shows. */
export type Section = "yours" | "find" | "packs" | "disk";

export const sections: Section[] = ["yours", "find", "packs", "disk"];

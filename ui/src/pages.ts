//! The pages of the window.

export type Page = "conversation" | "experts" | "status" | "pruning" | "mixture" | "settings";

/** What the page of the experts shows. */
export type Section = "yours" | "find" | "disk";

export const sections: Section[] = ["yours", "find", "disk"];

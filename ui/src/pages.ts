//! The pages of the window.

export type Page = "conversation" | "experts" | "status" | "settings";

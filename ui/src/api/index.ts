//! The door: one `api`, chosen once at start.

import type { Api } from "./api";

export type { Api } from "./api";
export { asFailure } from "./api";

export let api: Api;

export function use(chosen: Api): void {
  api = chosen;
}

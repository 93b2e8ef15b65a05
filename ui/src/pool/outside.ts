//! Experts that a server hosts: where their questions go, in the words that the engine has for it.

import type { Endpoint, Expert } from "../api/bindings";
import { t } from "../shared/strings";

export function endpointOf(expert: Expert): Endpoint | undefined {
  return expert.manifest.implementations[expert.using]?.endpoint;
}

/** With the port where it is not the usual one. */
export function hostOf(endpoint: Endpoint): string {
  return URL.canParse(endpoint.url) ? new URL(endpoint.url).host : endpoint.url;
}

export function leaves(endpoint: Endpoint): string {
  const host = hostOf(endpoint);
  const here = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/.test(host);
  return here ? t.outside.leavesLectern(host) : t.outside.leavesMachine(host);
}

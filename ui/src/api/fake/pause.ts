//! Waiting that can be stopped, and failures as the app makes them.

import type { Failure } from "../bindings";

export class Cancelled extends Error {}

export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(new Cancelled());
    const cancel = () => {
      clearTimeout(timer);
      reject(new Cancelled());
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", cancel);
      resolve();
    }, ms);
    signal?.addEventListener("abort", cancel, { once: true });
  });
}

export function failure(code: string, message: string, fix: string, detail: string): Failure {
  return { code, message, fix, detail };
}

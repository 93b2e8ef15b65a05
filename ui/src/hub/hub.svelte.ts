//! The hub as the window knows it: where it is, whether it may be asked, what was searched.

import { api, asFailure } from "../api";
import type { Failure, HubPlace, Model, Pick } from "../api/bindings";

export type Face =
  | { state: "picks" }
  | { state: "searching"; text: string }
  | { state: "found"; text: string; models: Model[] }
  | { state: "failed"; text: string; failure: Failure };

class Hub {
  place = $state.raw<HubPlace | null>(null);
  picks = $state.raw<Pick[]>([]);
  failure = $state.raw<Failure | null>(null);
  text = $state("");
  face = $state.raw<Face>({ state: "picks" });

  #asked = 0;

  /** As people know it: the host alone. */
  host = $derived(hostOf(this.place?.endpoint ?? ""));

  /** Asks no network. */
  async load(): Promise<void> {
    try {
      [this.place, this.picks] = await Promise.all([api.hub(), api.picks()]);
      this.failure = null;
    } catch (error) {
      this.failure = asFailure(error);
    }
  }

  async search(): Promise<void> {
    const text = this.text.trim();
    if (text === "") return this.leave();
    this.#asked += 1;
    const mine = this.#asked;
    this.face = { state: "searching", text };
    try {
      // A whole name is one repository, also when a search would list others before it.
      const models = /^[\w.-]+\/[\w.-]+$/.test(text) ? [await api.findModel(text)] : await api.findModels(text);
      if (mine === this.#asked) this.face = { state: "found", text, models };
    } catch (error) {
      if (mine !== this.#asked) return;
      const failure = asFailure(error);
      // Somebody switched the network off meanwhile: no news to him.
      if (failure.code === "stopped") this.leave();
      else this.face = { state: "failed", text, failure };
    }
  }

  /** Back to the recommendations; a search that is still under way ends. */
  leave(): void {
    this.#asked += 1;
    // A hub that cannot be told has nothing under way.
    if (this.face.state === "searching") api.stopSearch().catch(() => undefined);
    this.text = "";
    this.face = { state: "picks" };
  }
}

function hostOf(endpoint: string): string {
  try {
    return new URL(endpoint).host;
  } catch {
    return endpoint;
  }
}

export const hub = new Hub();

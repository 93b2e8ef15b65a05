//! The packs that are there, and a file that is looked at before it is added.

import { api, asFailure } from "../api";
import type { AllPacks, Expert, Failure, Pack } from "../api/bindings";
import { pool } from "../pool/pool.svelte";

/** A model of the user's that reads prompts, and speaks for no pack itself. */
export function canSpeak({ starter, manifest }: Expert): boolean {
  return !starter && manifest.reads === "conversation" && !manifest.origin.startsWith("pack ");
}

class Packs {
  all = $state.raw<AllPacks | null>(null);
  failure = $state.raw<Failure | null>(null);
  /** A file of the user's, or why it cannot be one. */
  own = $state.raw<{ path: string; pack: Pack } | null>(null);
  ownFailure = $state.raw<Failure | null>(null);

  async load(): Promise<void> {
    try {
      this.all = await api.packs();
      this.failure = null;
    } catch (error) {
      this.failure = asFailure(error);
    }
  }

  async pick(): Promise<void> {
    [this.own, this.ownFailure] = [null, null];
    try {
      const path = await api.pickPackFile();
      if (path !== null) this.own = { path, pack: await api.packAt(path) };
    } catch (error) {
      this.ownFailure = asFailure(error);
    }
  }

  /** By its name or its file. */
  async add(what: string, expert: string | null): Promise<void> {
    await api.addPack(what, expert);
    await Promise.all([this.load(), pool.refresh()]);
    if (what === this.own?.path) this.own = null;
  }

  async remove(name: string): Promise<void> {
    await api.removePack(name);
    await Promise.all([this.load(), pool.refresh()]);
  }
}

export const packs = new Packs();

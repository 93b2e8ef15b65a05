//! What lies on this disk, and what was removed since the window opened.

import { api, asFailure } from "../api";
import type { Failure, FoundFile, Manifest, OnDisk } from "../api/bindings";
import { pool } from "../pool/pool.svelte";

/** An expert that can still come back. */
export interface Removed {
  manifest: Manifest;
  freed: number;
}

class Disk {
  now = $state.raw<OnDisk | null>(null);
  failure = $state.raw<Failure | null>(null);
  /** Files of one size are being read, to tell whether they are the same. */
  comparing = $state(false);
  removed = $state.raw<Removed[]>([]);
  /** Files that somebody wants to use; the dialog asks for their names. */
  wanted = $state.raw<FoundFile[] | null>(null);

  async refresh(): Promise<void> {
    await this.#try(async () => (this.now = await api.onDisk(false)));
  }

  async compare(): Promise<void> {
    this.comparing = true;
    await this.#try(async () => (this.now = await api.onDisk(true)));
    this.comparing = false;
  }

  async remove(name: string): Promise<void> {
    const expert = pool.experts.find((one) => one.manifest.name === name);
    if (!expert) return;
    await this.#try(async () => {
      const freed = await api.removeExpert(name);
      this.removed = [{ manifest: expert.manifest, freed }, ...this.removed];
    });
    await pool.refresh();
  }

  async restore(removed: Removed): Promise<void> {
    await this.#try(async () => {
      await api.restoreExpert(removed.manifest);
      this.removed = this.removed.filter((one) => one !== removed);
    });
    await pool.refresh();
  }

  /** The files that were removed are gone for good; an expert whose file stayed can still come back. */
  async free(): Promise<void> {
    await this.#try(async () => {
      await api.freeRemoved();
      this.removed = this.removed.filter((one) => one.freed === 0);
    });
    await this.refresh();
  }

  /** Files and folders that were dropped or picked. */
  async want(paths: string[]): Promise<void> {
    await this.#try(async () => (this.wanted = await api.modelsAt(paths)));
  }

  async #try(what: () => Promise<unknown>): Promise<void> {
    try {
      await what();
      this.failure = null;
    } catch (error) {
      this.failure = asFailure(error);
    }
  }
}

export const disk = new Disk();

/** `want` from the dialog for a folder. */
export async function pickFolder(): Promise<void> {
  const folder = await api.pickFolder();
  if (folder !== null) await disk.want([folder]);
}

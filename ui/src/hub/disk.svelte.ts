//! What lies on this disk, and what was removed since the window opened.

import { api, asFailure } from "../api";
import type { Expert, Failure, FoundFile, Implementation, OnDisk } from "../api/bindings";
import { pool } from "../pool/pool.svelte";
import { t } from "../shared/strings";

/** What was removed and can still come back: an expert, one of its files, a file that nobody used. */
export interface Removed {
  key: string;
  /** What happened, in words. */
  text: string;
  freed: number;
  /** It is this expert, or the file with this check sum. */
  is: { expert: string } | { sum: string };
  undo: () => Promise<unknown>;
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
    const manifest = pool.experts.find((one) => one.manifest.name === name)?.manifest;
    if (!manifest) return;
    await this.#remove(async () => ({
      key: name,
      freed: await api.removeExpert(name),
      text: t.disk.removed(manifest.title),
      is: { expert: name },
      undo: () => api.restoreExpert(manifest),
    }));
  }

  async removeBuild({ manifest }: Expert, { file, quantisation, sha256 }: Implementation): Promise<void> {
    await this.#remove(async () => {
      const { expert, freed_bytes: freed } = await api.removeBuild(manifest.name, file);
      const uses = expert.manifest.implementations[expert.using]?.quantisation ?? "";
      const text = t.builds.removed(quantisation, manifest.title, uses);
      return { key: `${manifest.name} ${file}`, freed, text, is: { sum: sha256 }, undo: () => api.restoreBuild(manifest.name, file) };
    });
  }

  async removeUnused(file: FoundFile): Promise<void> {
    await this.#remove(async () => {
      const { bytes: freed, sha256: sum } = await api.removeUnused(file.path);
      return { key: file.path, freed, text: t.disk.removed(file.name), is: { sum }, undo: () => api.restoreUnused(sum) };
    });
  }

  async #remove(what: () => Promise<Removed>): Promise<void> {
    await this.#try(async () => {
      const removed = await what();
      this.removed = [removed, ...this.removed];
    });
    await pool.refresh();
  }

  async restore(removed: Removed): Promise<void> {
    await this.#try(async () => {
      await removed.undo();
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

//! Where models lie: the folders that are watched, and the way to another folder.

import { api, asFailure } from "../api";
import type { Failure, Folder, HubSettings, Moving } from "../api/bindings";
import { pool } from "../pool/pool.svelte";
import { chosen } from "../settings/settings.svelte";
import { hub } from "./hub.svelte";

class Shelf {
  folders = $state.raw<Folder[]>([]);
  moving = $state.raw<Moving>({ state: "still" });
  failure = $state.raw<Failure | null>(null);
  /** Another move may begin. */
  still = $derived(this.moving.state === "still" || this.moving.state === "done");

  /** A move that was cut off goes on. */
  async watch(): Promise<void> {
    await this.#try(async () => {
      await api.watchFolders(() => void this.look());
      await api.watchMove((moving) => this.#hear(moving));
    });
  }

  /** What lies in the folders now; what is new there is offered as an expert. */
  async look(): Promise<void> {
    await this.#try(async () => (this.folders = await api.folders()));
    await pool.refresh();
  }

  async add(): Promise<void> {
    const folder = await api.pickFolder();
    const known = chosen.settings?.hub.folders ?? [];
    if (folder !== null && !known.includes(folder)) await this.#change({ folders: [...known, folder] });
  }

  async remove(folder: string): Promise<void> {
    await this.#change({ folders: (chosen.settings?.hub.folders ?? []).filter((known) => known !== folder) });
  }

  async move(): Promise<void> {
    const folder = await api.pickFolder();
    if (folder === null) return;
    await this.#try(() => api.moveModels(folder));
    await Promise.all([chosen.load(), hub.load()]);
  }

  stop(): Promise<void> {
    return this.#try(() => api.stopMoving());
  }

  goOn(): Promise<void> {
    return this.#try(() => api.goOnMoving());
  }

  #hear(moving: Moving): void {
    this.moving = moving;
    if (moving.state !== "done") return;
    void Promise.all([chosen.load(), hub.load(), pool.refresh()]);
  }

  async #change(part: Partial<HubSettings>): Promise<void> {
    const before = chosen.settings;
    if (!before) return;
    await chosen.change({ hub: { ...before.hub, ...part } });
    this.failure = chosen.failure;
    await this.look();
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

export const shelf = new Shelf();

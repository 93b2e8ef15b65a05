//! The downloads, and the experts that they became.

import { api, asFailure } from "../api";
import type { Download, Failure } from "../api/bindings";
import { pool } from "../pool/pool.svelte";
import { news } from "./line";

export function keyOf({ name }: Download): string {
  return `${name.repo}:${name.file}`;
}

class Downloads {
  list = $state.raw<Download[]>([]);
  /** Names of the experts that finished downloads became, by `keyOf`: numbers begin anew with other settings. */
  experts = $state.raw<Record<string, string>>({});
  /** Why a finished download became none. */
  refused = $state.raw<Record<string, Failure>>({});
  failure = $state.raw<Failure | null>(null);
  /** For screen readers. */
  said = $state("");

  #adding = new Set<string>();

  async watch(): Promise<void> {
    await this.#try(() => api.watchDownloads((list) => this.#hear(list)));
  }

  of(repo: string, file: string): Download | undefined {
    return this.list.find((one) => one.name.repo === repo && one.name.file === file);
  }

  start(repo: string, file: string): Promise<void> {
    return this.#try(() => api.download(repo, file));
  }

  pause(id: number): Promise<void> {
    return this.#try(() => api.pauseDownload(id));
  }

  resume(id: number): Promise<void> {
    return this.#try(() => api.resumeDownload(id));
  }

  cancel(id: number): Promise<void> {
    return this.#try(() => api.cancelDownload(id));
  }

  /** The file becomes an expert; again after a refusal. */
  async add(download: Download): Promise<void> {
    const key = keyOf(download);
    if (this.#adding.has(key)) return;
    this.#adding.add(key);
    const { [key]: _, ...others } = this.refused;
    this.refused = others;
    try {
      const expert = await api.addDownloaded(download.id);
      this.experts = { ...this.experts, [key]: expert.manifest.name };
    } catch (error) {
      this.refused = { ...this.refused, [key]: asFailure(error) };
    }
    this.#adding.delete(key);
    await pool.refresh();
  }

  #hear(list: Download[]): void {
    const words = news(this.list, list);
    if (words.length > 0) this.said = words.join(" ");
    const ready = list.filter((one) => one.state.state === "ready");
    const keys = new Set(ready.map(keyOf));
    const still = <T>(known: Record<string, T>) => Object.fromEntries(Object.entries(known).filter(([key]) => keys.has(key)));
    // One that is fetched again is added again.
    [this.list, this.experts, this.refused] = [list, still(this.experts), still(this.refused)];
    for (const one of ready) if (!(keyOf(one) in this.experts) && !(keyOf(one) in this.refused)) void this.add(one);
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

export const downloads = new Downloads();

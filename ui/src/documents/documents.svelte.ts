//! The files that answers may cite, and those that are being read.

import { api, asFailure } from "../api";
import type { AddedDocuments, Document, Failure, FoundPassages, ReadingFiles } from "../api/bindings";

class Documents {
  /** By name; `null`: not known yet. */
  all = $state.raw<Document[] | null>(null);
  failure = $state.raw<Failure | null>(null);
  /** How far the files are that are being read. */
  reading = $state.raw<ReadingFiles | null>(null);
  /** What became of the last ones that were added. */
  added = $state.raw<AddedDocuments | null>(null);
  search = $state("");
  /** For what stands in `search`; `null`: nothing is looked for. */
  found = $state.raw<FoundPassages | null>(null);

  async load(): Promise<void> {
    await this.#try(async () => (this.all = await api.documents()));
    // Those that have changed since are read again.
    await this.#try(async () => {
      const { added, failed } = await api.refreshDocuments();
      if (added.length + failed.length > 0) this.all = await api.documents();
    });
  }

  async pickFiles(): Promise<void> {
    const paths = await api.pickDocuments().catch(() => null);
    if (paths && paths.length > 0) await this.add(paths);
  }

  async pickFolder(): Promise<void> {
    const path = await api.pickFolder().catch(() => null);
    if (path) await this.add([path]);
  }

  async add(paths: string[]): Promise<void> {
    this.added = null;
    await this.#try(async () => {
      this.added = await api.addDocuments(paths, (reading) => (this.reading = reading));
    });
    this.reading = null;
    await this.#try(async () => (this.all = await api.documents()));
  }

  async stop(): Promise<void> {
    await api.stopReading().catch(() => undefined);
  }

  /** That one goes for good; all with `null`. */
  async remove(id: string | null): Promise<void> {
    await this.#try(async () => {
      await api.removeDocuments(id);
      this.added = null;
    });
    await this.#try(async () => (this.all = await api.documents()));
    await this.look(this.search);
  }

  async look(text: string): Promise<void> {
    this.search = text;
    if (!text.trim()) {
      this.found = null;
      return;
    }
    await this.#try(async () => {
      const found = await api.searchDocuments(text);
      // An older search may come back later than a newer one.
      if (this.search === text) this.found = found;
    });
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

export const documents = new Documents();

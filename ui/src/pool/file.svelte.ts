//! The pool file as it is now. While somebody looks it is asked for again, so that a change on the disk shows by itself.

import { api, asFailure } from "../api";
import type { Failure, FileState } from "../api/bindings";
import { pool } from "./pool.svelte";

/** Milliseconds between two looks: a change is seen about as fast as an editor can be left. */
const PACE = 2000;

class PoolFile {
  state = $state.raw<FileState | null>(null);
  failure = $state.raw<Failure | null>(null);

  async look(): Promise<void> {
    try {
      const before = this.state;
      this.state = await api.poolFile();
      this.failure = null;
      // Its experts may be others now.
      if (before && before.read !== this.state.read) await pool.refresh();
    } catch (error) {
      this.failure = asFailure(error);
    }
  }

  /** Until what is given back is called. */
  follow(): () => void {
    void this.look();
    const timer = setInterval(() => void this.look(), PACE);
    return () => clearInterval(timer);
  }
}

export const file = new PoolFile();

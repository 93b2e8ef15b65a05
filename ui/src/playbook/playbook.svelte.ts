//! What experts are told beside questions: read whole, edited a bullet at a time.

import { api, asFailure } from "../api";
import type { Bullet, Failure, WholePlaybook } from "../api/bindings";

export function inUse(bullet: Bullet): boolean {
  return bullet.retired === null && bullet.merged_into === null;
}

class Playbook {
  whole = $state.raw<WholePlaybook | null>(null);
  failure = $state.raw<Failure | null>(null);
  /** What came of the last change, in a sentence. */
  said = $state("");
  /** An expert is being asked. */
  reflecting = $state(false);

  get bullets(): Bullet[] {
    return (this.whole?.bullets ?? []).filter((bullet) => bullet.kind === "bullet" && inUse(bullet));
  }

  get trajectories(): Bullet[] {
    return (this.whole?.bullets ?? []).filter((bullet) => bullet.kind === "trajectory");
  }

  async load(): Promise<void> {
    await this.change(() => Promise.resolve(""));
  }

  /** Makes a change that says what came of it, and reads everything anew. `false`: it was refused. */
  async change(make: () => Promise<string>): Promise<boolean> {
    try {
      const said = await make();
      this.whole = await api.playbook();
      this.said = said;
      this.failure = null;
      return true;
    } catch (error) {
      this.failure = asFailure(error);
      return false;
    }
  }
}

export const playbook = new Playbook();

//! What the user chose. The theme is applied the moment it is known.

import { api, asFailure } from "../api";
import type { Failure, Settings, Theme } from "../api/bindings";

/** Sets the colours of the whole window; `system` leaves them to the system. */
export function wear(theme: Theme): void {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

class Chosen {
  settings = $state.raw<Settings | null>(null);
  failure = $state.raw<Failure | null>(null);
  saved = $state(false);
  /** There is a program for graphics processors. */
  hasDevice = $state(false);

  async load(): Promise<void> {
    try {
      this.settings = await api.settings();
      this.hasDevice = await api.hasDeviceProgram();
      this.failure = null;
      wear(this.settings.theme);
    } catch (error) {
      this.failure = asFailure(error);
    }
  }

  /** Shown at once; taken back when the app refuses it. */
  async change(part: Partial<Settings>): Promise<void> {
    const before = this.settings;
    if (!before) return;
    const next = { ...before, ...part };
    this.settings = next;
    this.saved = false;
    wear(next.theme);
    try {
      await api.saveSettings(next);
      this.failure = null;
      this.saved = true;
    } catch (error) {
      this.settings = before;
      wear(before.theme);
      this.failure = asFailure(error);
    }
  }
}

export const chosen = new Chosen();

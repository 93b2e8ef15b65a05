//! The list of conversations, as the archive has it for the present search.

import { api, asFailure } from "../api";
import type { Conversation, Failure } from "../api/bindings";
import { type Age, age } from "../shared/time";

/** Newest first, under the day they were last touched. Groups without conversations are left out. */
export function grouped(list: Conversation[], now = Date.now()): { age: Age; conversations: Conversation[] }[] {
  const sorted = list.toSorted((a, b) => b.updated - a.updated);
  return (["today", "yesterday", "earlier"] as const)
    .map((when) => ({ age: when, conversations: sorted.filter((one) => age(one.updated, now) === when) }))
    .filter((group) => group.conversations.length > 0);
}

class Conversations {
  list = $state.raw<Conversation[]>([]);
  search = $state("");
  known = $state(false);
  failure = $state.raw<Failure | null>(null);

  #asked = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Nobody ever asked anything here. */
  empty = $derived(this.known && this.list.length === 0 && this.search.trim() === "");

  async refresh(): Promise<void> {
    this.#asked += 1;
    const mine = this.#asked;
    try {
      const list = await api.conversations(this.search.trim() || null);
      // A slow answer to an older search must not overwrite a newer one.
      if (mine !== this.#asked) return;
      this.list = list;
      this.failure = null;
      this.known = true;
    } catch (error) {
      if (mine === this.#asked) this.failure = asFailure(error);
    }
  }

  find(text: string): void {
    this.search = text;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.refresh(), 120);
  }

  async rename(id: string, title: string): Promise<void> {
    await this.#then(api.renameConversation(id, title));
  }

  async remove(id: string): Promise<boolean> {
    return this.#then(api.deleteConversation(id));
  }

  async #then(command: Promise<void>): Promise<boolean> {
    try {
      await command;
    } catch (error) {
      this.failure = asFailure(error);
      return false;
    }
    await this.refresh();
    return true;
  }
}

export const conversations = new Conversations();

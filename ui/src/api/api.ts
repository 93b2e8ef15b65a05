//! What the window can ask of the app. Only this room knows how the answer comes: through Tauri in the app
//! (`tauri.ts`), from a double in a plain browser while developing (`fake.ts`).

import type {
  ComponentStatus,
  Conversation,
  Expert,
  Failure,
  Link,
  News,
  Plan,
  Question,
  Settings,
  Shown,
  Turn,
} from "./bindings";

export interface Api {
  /** Resolves when the answer ended, in whatever way; everything else comes by `on`. */
  ask(question: Question, on: (shown: Shown) => void): Promise<void>;
  stop(answer: string): Promise<void>;
  /** Who would answer this text; loads nothing. `expert` was chosen by hand. */
  route(text: string, expert: string | null): Promise<Plan>;
  /** Whole states of the lectern, now and whenever it changes. */
  watch(on: (news: News) => void): Promise<void>;
  unseat(): Promise<void>;

  conversations(search: string | null): Promise<Conversation[]>;
  conversation(id: string): Promise<Turn[]>;
  deleteConversation(id: string): Promise<void>;
  renameConversation(id: string, title: string): Promise<void>;
  /** A past answer leaves the archive for good. */
  forget(answer: string): Promise<void>;
  rate(answer: string, rating: number): Promise<void>;

  experts(): Promise<Expert[]>;
  addExpert(path: string, name: string, domains: string[]): Promise<Expert>;
  removeExpert(name: string): Promise<void>;
  /** The system's own dialog for one GGUF file; `null` when it was closed. */
  pickModelFile(): Promise<string | null>;

  settings(): Promise<Settings>;
  saveSettings(settings: Settings): Promise<void>;
  status(): Promise<ComponentStatus[]>;
  hostOf(url: string): Promise<Link>;
  openLink(url: string): Promise<void>;
}

/** Any error as a failure: commands reject with one; anything else is a defect of ours and says so. */
export function asFailure(error: unknown): Failure {
  if (typeof error === "object" && error !== null && "code" in error && "message" in error && "fix" in error) {
    const { code, message, fix } = error;
    const detail = "detail" in error && typeof error.detail === "string" ? error.detail : null;
    return { code: String(code), message: String(message), fix: String(fix), detail };
  }
  return {
    code: "window.unexpected",
    message: "Something went wrong that should not have.",
    fix: "Nothing that was saved is lost. Try again; if it comes back, please report it with the details.",
    detail: error instanceof Error ? (error.stack ?? error.message) : String(error),
  };
}

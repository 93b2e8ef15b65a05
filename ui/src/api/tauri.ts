//! The app behind the window: commands and channels of Tauri.

import { Channel, invoke } from "@tauri-apps/api/core";
import { open } from "@tauri-apps/plugin-dialog";
import type { Api } from "./api";
import type { News, Shown } from "./bindings";

function channel<T>(on: (message: T) => void): Channel<T> {
  const events = new Channel<T>();
  events.onmessage = on;
  return events;
}

export const tauri: Api = {
  async ask(question, on) {
    await invoke("ask", { question, events: channel<Shown>(on) });
  },
  stop: (id) => invoke("stop", { id }),
  route: (text, expert) => invoke("route", { text, expert }),
  async watch(on) {
    await invoke("watch", { news: channel<News>(on) });
  },
  unseat: () => invoke("unseat"),

  conversations: (search) => invoke("conversations", { search }),
  conversation: (id) => invoke("conversation", { id }),
  deleteConversation: (id) => invoke("delete_conversation", { id }),
  renameConversation: (id, title) => invoke("rename_conversation", { id, title }),
  forget: (id) => invoke("forget", { id }),
  rate: (id, rating) => invoke("rate", { id, rating }),

  experts: () => invoke("experts"),
  addExpert: (path, name, domains) => invoke("add_expert", { path, name, domains }),
  removeExpert: (name) => invoke("remove_expert", { name }),
  pickModelFile: () =>
    open({ multiple: false, directory: false, filters: [{ name: "GGUF", extensions: ["gguf"] }] }),

  settings: () => invoke("settings"),
  saveSettings: (settings) => invoke("save_settings", { settings }),
  status: () => invoke("status"),
  hostOf: (url) => invoke("host_of", { url }),
  openLink: (url) => invoke("open_link", { url }),
};

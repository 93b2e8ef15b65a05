//! Starts the window: the app's own api inside Tauri, the development double in a plain browser.

import { mount } from "svelte";
import "./shared/theme.css";
import "./shared/base.css";
import App from "./App.svelte";
import { use } from "./api";
import { tauri } from "./api/tauri";

async function start(): Promise<void> {
  use(tauri);
  // The condition is a constant `false` in a build, so the double and its texts never reach the app.
  if (import.meta.env.DEV && !("__TAURI_INTERNALS__" in window)) {
    const { fake } = await import("./api/fake/index");
    use(fake(new URLSearchParams(location.search)));
  }
  const target = document.getElementById("app");
  if (target) mount(App, { target });
}

void start();

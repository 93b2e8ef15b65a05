//! The window's program. Started as an expert's host it never gets as far as the window.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

fn main() {
    runtime::host::serve_if_asked();
    runtime::embed::serve_if_asked();
    engine::documents::serve_if_asked();
    shell::run();
}

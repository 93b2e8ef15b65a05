//! Prepares what Tauri's macros read while the app compiles: the capabilities, the icons and the built front end.

use std::path::Path;

const PLACEHOLDER: &str = "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Lectern</title>\n\
    <p>The front end is not built yet. <code>cargo xtask run</code> builds it and opens the window.</p>\n</html>\n";

fn main() {
    // Tauri watches its own configuration alone; a front end that was built again must get into the program as well.
    println!("cargo:rerun-if-changed=ui/dist");
    println!("cargo:rerun-if-changed=src-tauri/capabilities");
    println!("cargo:rerun-if-changed=icons");

    // The macro that embeds the front end fails where there is none, and Rust must build before the front end does.
    let page = Path::new("ui/dist/index.html");
    if !page.exists() {
        std::fs::create_dir_all("ui/dist")
            .expect("ui/dist can be created in a source tree that is being built");
        std::fs::write(page, PLACEHOLDER).expect("a placeholder page can be written into ui/dist");
    }

    let attributes = tauri_build::Attributes::new().capabilities_path_pattern("src-tauri/capabilities/**/*");
    if let Err(error) = tauri_build::try_build(attributes) {
        panic!("tauri.conf.json, src-tauri/capabilities or icons do not fit: {error:#}");
    }
}

//! Puts the starter experts, the gate and the vectors that lie in `../starters` into the library: NAME.gguf with its
//! manifest NAME.json, gate.bin, and vectors.bin. A folder that is empty or half filled builds as well; what has no partner
//! is left out.

use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::path::{Path, PathBuf};

fn main() {
    let package = PathBuf::from(variable("CARGO_MANIFEST_DIR"));
    let folder = package.join("../starters");
    println!("cargo:rerun-if-changed={}", folder.display());
    println!("cargo:rerun-if-changed=build.rs");

    let mut code = String::from("pub(super) static SHIPPED: &[Shipped] = &[\n");
    for (name, manifest, model) in pairs(&folder) {
        let bytes = std::fs::read(&model).unwrap_or_else(|error| panic!("{}: {error}", model.display()));
        let sha256 = digest(&bytes);
        let _ = writeln!(
            code,
            "    Shipped {{ name: {name:?}, manifest: include_str!({manifest:?}), model: include_bytes!({model:?}), sha256: {sha256:?} }},"
        );
    }
    code.push_str("];\n");
    let gate = folder.join("gate.bin");
    let _ = match gate.is_file() {
        true => writeln!(code, "pub(super) static GATE: Option<&[u8]> = Some(include_bytes!({gate:?}));"),
        false => writeln!(code, "pub(super) static GATE: Option<&[u8]> = None;"),
    };
    write("shipped.rs", &code);

    let vectors = folder.join("vectors.bin");
    let what = match std::fs::read(&vectors) {
        Ok(bytes) => format!("Some((include_bytes!({vectors:?}), {:?}))", digest(&bytes)),
        Err(_) => "None".to_owned(),
    };
    write("vectors.rs", &format!("static VECTORS: Option<(&[u8], &str)> = {what};\n"));
}

fn write(name: &str, code: &str) {
    let out = PathBuf::from(variable("OUT_DIR")).join(name);
    std::fs::write(&out, code).unwrap_or_else(|error| panic!("{}: {error}", out.display()));
}

fn digest(bytes: &[u8]) -> String {
    let mut sha256 = String::new();
    for byte in Sha256::digest(bytes) {
        let _ = write!(sha256, "{byte:02x}");
    }
    sha256
}

/// `(name, manifest, model)` in the order of names.
fn pairs(folder: &Path) -> Vec<(String, PathBuf, PathBuf)> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut pairs: Vec<_> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "gguf"))
        .filter_map(|model| {
            let name = model.file_stem()?.to_str()?.to_owned();
            let manifest = model.with_extension("json");
            manifest.is_file().then_some((name, manifest, model))
        })
        .collect();
    pairs.sort();
    pairs
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|error| panic!("{name}: {error}"))
}

# Makes the crate `kernels_alone` in the folder $1: the kernels with what they use, and their tests, without the hundred
# crates of the workspace. To be sourced by the scripts beside it.

kernels_alone() {
    runtime=$(cd "$(dirname "$0")/.." && pwd)
    mkdir -p "$1/src"
    cp "$runtime/../../Cargo.lock" "$1/"
    cat > "$1/Cargo.toml" <<TOML
[package]
name = "kernels_alone"
version = "0.0.0"
edition = "2024"

[dependencies]
bytemuck = "1"
half = { version = "2.7", features = ["bytemuck"] }
thiserror = "2"

[dev-dependencies]
proptest = { version = "1", default-features = false, features = ["std"] }
serde = { version = "1", features = ["derive"] }
serde_json = "1"
tempfile = "3"

[profile.release]
codegen-units = 1

[workspace]
TOML
    cat > "$1/src/lib.rs" <<RUST
#![allow(dead_code)]
#[path = "$runtime/src/cache.rs"]
pub mod cache;
#[path = "$runtime/src/gguf/mod.rs"]
pub mod gguf;
#[path = "$runtime/src/kernels/mod.rs"]
pub mod kernels;
#[path = "$runtime/src/pool.rs"]
pub mod pool;
pub mod cores {
    pub fn somebody_waits() {}
}
pub mod weights {
    pub const WORTH_THREADS: usize = 1 << 18;
}
RUST
}

# The newest test program under the folder $1.
test_program() {
    find "$1" -name 'kernels_alone-*' -type f -perm -u+x -printf '%T@ %p\n' | sort -n | tail -1 | cut -d' ' -f2-
}

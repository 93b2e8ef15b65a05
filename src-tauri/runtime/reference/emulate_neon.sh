#!/bin/sh
# Runs the kernels' tests as an ARM64 machine would: once with every extension, once without the matrix products.
#
# Needs qemu-user (qemu-aarch64-static), gcc-aarch64-linux-gnu, and a Rust compiler with the standard library of
# aarch64-unknown-linux-gnu: `rustup target add aarch64-unknown-linux-gnu`, or name another compiler in RUSTC.
# Usage: emulate_neon.sh [FOLDER FOR WHAT IS BUILT]
set -eu
. "$(dirname "$0")/kernels_alone.sh"
work=${1:-$(mktemp -d)}
target=aarch64-unknown-linux-gnu
kernels_alone "$work"

export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUSTFLAGS='-C target-feature=+crt-static'
(cd "$work" && CARGO_TARGET_DIR="$work/target" cargo test --release --lib --no-run --target "$target")
program=$(test_program "$work/target/$target/release/deps")

# `max` has dotprod and i8mm, `neoverse-n1` dotprod alone, `cortex-a72` neither: the plain kernels are the best there.
# A test fails where the level that is named is absent.
for machine in max:i8mm neoverse-n1:neon cortex-a72:plain; do
    echo "== $machine"
    LECTERN_KERNELS=${machine#*:} qemu-aarch64-static -cpu "${machine%:*}" "$program" kernels --test-threads=1
done

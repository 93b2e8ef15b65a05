//! Kernels for x86-64 with AVX-512 F, BW, VL and VNNI. They give bit for bit what the plain ones give. Activations and
//! the cache are read as with AVX2, whose registers are wide enough for them.
#![allow(unsafe_code)]

mod intrinsics {
    pub(super) use std::arch::x86_64::*;
}
#[cfg(test)]
pub(super) mod model;
mod steps;

use super::Level;
use super::lanes::product::machine;

machine!(steps::Avx512, "avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512vnni", Level::Avx512.here());

//! Train: a small decoder learns a corpus that the lab writes, on the CPU, deterministically and resumably.
//!
//! In:     a [`Recipe`], a seed, a folder to work in
//! Out:    a [`Trained`] model; a checkpoint every few hundred steps, from which a stopped run goes on bit for bit
//! Fails:  LabError
//! Cost:   about 6 floating-point operations a parameter and token

mod batches;
mod checkpoint;
pub mod model;
pub mod ops;
mod optimizer;
mod run;

pub use batches::{Batches, batch_of, encode};
pub use run::{CHECKPOINT_EVERY, Exactness, Recipe, TokenizerFrom, Trained, exactness, kept, train};

//! Train: a small decoder learns a corpus that the lab writes, on the CPU, deterministically and resumably.
//!
//! In:     a [`Recipe`], a seed, a folder to work in
//! Out:    a [`Trained`] model; a checkpoint every few hundred steps, from which a stopped run goes on bit for bit
//! Fails:  LabError
//! Cost:   one core; about 6 floating-point operations a parameter and token

mod batches;
mod checkpoint;
mod mixture;
pub mod model;
mod ops;
mod optimizer;
pub mod pass;
mod product;
mod run;

pub use batches::{Batches, batch_of, encode};
pub use run::{CHECKPOINT_EVERY, Exactness, Recipe, TokenizerFrom, Trained, exactness, kept, train};

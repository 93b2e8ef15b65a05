//! Experts as another arm than the router's scores them.

use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Ranked {
    pub arm: String,
    /// The score from the terms, by their names.
    pub formula: String,
    pub domain: String,
    pub complexity: f32,
    /// The first one.
    pub chosen: String,
    /// Best first.
    pub experts: Vec<RankedExpert>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RankedExpert {
    pub name: String,
    pub title: String,
    pub score: f32,
    pub terms: BTreeMap<String, f32>,
}

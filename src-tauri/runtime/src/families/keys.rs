//! Hyper-parameters of a file, each checked before anything is computed with it.

use std::cell::RefCell;
use std::collections::HashSet;

use super::ModelError;
use crate::gguf::{Array, GgufError, Header, Value};

/// Largest of each size; several times what any model has, and far from where products wrap.
pub(super) const LAYERS: u64 = 4096;
pub(super) const SIZE: u64 = 1 << 24;
const EXPERTS: u64 = 4096;

/// Keys that change what is computed, with the values that change nothing. A family that does not read one of them would
/// give text that is wrong without a sign, so the file is refused.
const MEANINGFUL: &[(&str, &[f32])] = &[
    ("attention.causal", &[1.0]),
    ("attention.clamp_kqv", &[0.0]),
    ("attention.max_alibi_bias", &[0.0]),
    ("attention.scale", &[0.0]),
    ("attention.sliding_window", &[0.0]),
    ("attention.temperature_scale", &[0.0]),
    ("attn_logit_softcapping", &[0.0]),
    ("embedding_scale", &[0.0, 1.0]),
    ("expert_group_count", &[0.0, 1.0]),
    ("expert_shared_count", &[0.0]),
    ("expert_weights_scale", &[0.0, 1.0]),
    ("final_logit_softcapping", &[0.0]),
    ("interleave_moe_layer_step", &[0.0, 1.0]),
    ("leading_dense_block_count", &[0.0]),
    ("logit_scale", &[0.0, 1.0]),
    ("nextn_predict_layers", &[0.0]),
    ("residual_scale", &[0.0, 1.0]),
    ("router_logit_softcapping", &[0.0]),
    ("use_parallel_residual", &[0.0]),
];

/// The keys of one architecture, without its name before them.
pub(super) struct Keys<'a> {
    pub header: &'a Header,
    pub architecture: &'a str,
    read: RefCell<HashSet<String>>,
}

impl<'a> Keys<'a> {
    pub fn new(header: &'a Header, architecture: &'a str) -> Keys<'a> {
        Keys { header, architecture, read: RefCell::default() }
    }

    fn full(&self, key: &str) -> String {
        self.read.borrow_mut().insert(key.to_owned());
        format!("{}.{key}", self.architecture)
    }

    pub fn error(&self, key: &str, why: impl Into<String>) -> ModelError {
        self.header.error(&self.full(key), why).into()
    }

    pub fn unsupported(&self, why: impl Into<String>) -> ModelError {
        ModelError::unsupported(self.header, why)
    }

    /// A whole number from 1 to `limit`.
    pub fn size(&self, key: &str, limit: u64) -> Result<Option<usize>, GgufError> {
        let key = self.full(key);
        match self.header.u64(&key)? {
            Some(value) if !(1..=limit).contains(&value) => {
                Err(self.header.error(&key, format!("{value} is not between 1 and {limit}")))
            }
            value => Ok(value.map(|value| value as usize)),
        }
    }

    /// A size that the file must have.
    pub fn needed(&self, key: &str, limit: u64) -> Result<usize, GgufError> {
        self.size(key, limit)?.ok_or_else(|| self.header.error(&self.full(key), "is absent"))
    }

    /// A whole number from 0 to `limit`; 0 when it is absent.
    pub fn count(&self, key: &str, limit: u64) -> Result<usize, GgufError> {
        let key = self.full(key);
        match self.header.u64(&key)?.unwrap_or(0) {
            value if value > limit => Err(self.header.error(&key, format!("{value} is more than {limit}"))),
            value => Ok(value as usize),
        }
    }

    /// A number above 0.
    pub fn positive(&self, key: &str) -> Result<Option<f32>, GgufError> {
        let key = self.full(key);
        match self.header.f32(&key)? {
            Some(value) if value <= 0.0 => Err(self.header.error(&key, format!("{value} is not above 0"))),
            value => Ok(value),
        }
    }

    /// A number above 0, or 0 for "none", as several converters write it.
    pub fn optional(&self, key: &str) -> Result<Option<f32>, GgufError> {
        let key = self.full(key);
        match self.header.f32(&key)? {
            Some(value) if value < 0.0 => Err(self.header.error(&key, format!("{value} is below 0"))),
            value => Ok(value.filter(|&value| value != 0.0)),
        }
    }

    pub fn flag(&self, key: &str) -> Result<Option<bool>, GgufError> {
        self.header.bool(&self.full(key))
    }

    pub fn text(&self, key: &str) -> Result<Option<&'a str>, GgufError> {
        self.header.text(&self.full(key))
    }

    /// One truth for each layer: written out, or a period of which the last layer alone is false; else the `period` that
    /// the family has.
    pub fn pattern(&self, key: &str, layers: usize, period: usize) -> Result<Vec<bool>, GgufError> {
        let by = |period: usize| (0..layers).map(|layer| period == 0 || (layer + 1) % period != 0).collect();
        let full = self.full(key);
        match self.header.get(&full) {
            Some(Value::Array(Array::Bool(flags))) if flags.len() >= layers => Ok(flags[..layers].to_vec()),
            Some(Value::Array(_)) => {
                Err(self.header.error(&full, format!("is not an array of true or false for {layers} layers")))
            }
            Some(_) => Ok(by(self.count(key, LAYERS)?)),
            None => Ok(by(period)),
        }
    }

    /// (experts, experts for each token); zeros without a mixture.
    pub fn experts(&self) -> Result<(usize, usize), ModelError> {
        let experts = self.count("expert_count", EXPERTS)?;
        let used = self.count("expert_used_count", SIZE)?;
        if experts == 0 {
            return Ok((0, 0));
        }
        if used == 0 || used > experts {
            return Err(
                self.error("expert_used_count", format!("{used} is not between 1 and the {experts} experts"))
            );
        }
        Ok((experts, used))
    }

    /// Refuses a key that says how to compute and was not asked for.
    pub fn all_read(&self) -> Result<(), ModelError> {
        for (key, nothing) in MEANINGFUL {
            let value = self.header.get(&format!("{}.{key}", self.architecture));
            let number = value.map(|value| match value {
                Value::Bool(value) => Some(f32::from(u8::from(value))),
                value => value.as_f32().or(value.as_u64().map(|value| value as f32)),
            });
            let harmless = number.is_none_or(|number| number.is_some_and(|number| nothing.contains(&number)));
            if !harmless && !self.read.borrow().contains(*key) {
                let why = format!(
                    "it has \"{}.{key}\", which this architecture does not use here",
                    self.architecture
                );
                return Err(self.unsupported(why));
            }
        }
        Ok(())
    }
}

//! A tiny text classifier: hashed word and character n-grams into two linear heads, one for the class of a text and one
//! for its complexity from 0 to 10. It needs no download, runs in microseconds and means the same after every restart.
//!
//! In:     a text
//! Out:    calibrated class probabilities, complexity
//! Fails:  [`ClassifierError`] when a file is not what it claims
//! Cost:   some hundred microseconds a question; 256 KiB of weights a class at 2^18 buckets, eight bits each with a
//!         scale for every bucket
//! Source: feature hashing (arXiv:0902.2206), fastText's character n-grams (arXiv:1607.04606), temperature scaling
//!         (arXiv:1706.04599)

use std::collections::HashMap;

use half::f16;

const MAGIC: [u8; 4] = *b"LTXC";
const VERSION: u32 = 2;
/// Buckets are a power of two between these.
const BUCKETS: std::ops::RangeInclusive<u32> = 1 << 8..=1 << 18;
const LABELS: usize = 64;
const LABEL_BYTES: usize = 64;
/// Text after this many characters is not read; a question is decided by then.
const CHARACTERS: usize = 4_000;

#[derive(Debug, thiserror::Error, PartialEq)]
pub enum ClassifierError {
    #[error("not a classifier file")]
    Magic,
    #[error("classifier file version {0}; this build reads {VERSION}")]
    Version(u32),
    #[error("the classifier file has {found} bytes where {needed} belong")]
    Size { needed: u64, found: u64 },
    #[error("{field}: {why}")]
    Field { field: &'static str, why: String },
}

/// The trained weights of both heads, as training hands them over.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    pub labels: Vec<String>,
    /// Logits are divided by it before the softmax.
    pub temperature: f32,
    /// Power of two.
    pub buckets: u32,
    /// (labels)
    pub class_bias: Vec<f32>,
    /// (buckets, labels), bucket after bucket.
    pub class_weights: Vec<f32>,
    pub complexity_bias: f32,
    /// (buckets)
    pub complexity_weights: Vec<f32>,
}

/// A loaded classifier.
#[derive(Clone, Debug)]
pub struct Classifier {
    labels: Vec<String>,
    temperature: f32,
    buckets: u32,
    class_bias: Vec<f32>,
    /// (buckets): the weights of a bucket are `scale * class_weights`.
    scales: Vec<f16>,
    /// (buckets, labels)
    class_weights: Vec<i8>,
    complexity_bias: f32,
    complexity_weights: Vec<f16>,
}

impl Classifier {
    /// Reads a classifier file.
    pub fn load(bytes: &[u8]) -> Result<Classifier, ClassifierError> {
        let mut cursor = Cursor { bytes, position: 0 };
        if cursor.take(4).map_err(|_| ClassifierError::Magic)? != MAGIC {
            return Err(ClassifierError::Magic);
        }
        let version = cursor.u32()?;
        if version != VERSION {
            return Err(ClassifierError::Version(version));
        }
        let buckets = cursor.u32()?;
        let count = cursor.u32()? as usize;
        let (temperature, complexity_bias) = (cursor.f32()?, cursor.f32()?);
        shape_is_good(buckets, count, temperature)?;
        let mut labels = Vec::with_capacity(count);
        for _ in 0..count {
            let length = cursor.u32()? as usize;
            if !(1..=LABEL_BYTES).contains(&length) {
                return Err(field("labels", format!("a label of {length} bytes")));
            }
            let label = std::str::from_utf8(cursor.take(length)?);
            labels.push(label.map_err(|_| field("labels", "not UTF-8".into()))?.to_owned());
        }
        let class_bias = (0..count).map(|_| cursor.f32()).collect::<Result<Vec<f32>, _>>()?;
        let scales = cursor.halves(buckets as usize)?;
        let class_weights = cursor.take(buckets as usize * count)?.iter().map(|&byte| byte as i8).collect();
        let complexity_weights = cursor.halves(buckets as usize)?;
        let needed = cursor.position as u64;
        if needed != bytes.len() as u64 {
            return Err(ClassifierError::Size { needed, found: bytes.len() as u64 });
        }
        let finite = class_bias.iter().chain([&complexity_bias]).all(|bias| bias.is_finite())
            && scales.iter().chain(&complexity_weights).all(|weight| weight.is_finite());
        if !finite {
            return Err(field("weights", "not all are finite".into()));
        }
        Ok(Classifier {
            labels,
            temperature,
            buckets,
            class_bias,
            scales,
            class_weights,
            complexity_bias,
            complexity_weights,
        })
    }

    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// Every label with its calibrated probability, most likely first.
    pub fn probabilities(&self, text: &str) -> Vec<(String, f32)> {
        let mut logits = self.class_bias.clone();
        for (bucket, weight) in features_in(text, self.buckets) {
            let row = &self.class_weights[bucket as usize * logits.len()..][..self.labels.len()];
            let weight = weight * self.scales[bucket as usize].to_f32();
            for (logit, number) in logits.iter_mut().zip(row) {
                *logit += weight * f32::from(*number);
            }
        }
        let top = logits.iter().fold(f32::NEG_INFINITY, |a, &b| a.max(b));
        let odds: Vec<f32> = logits.iter().map(|logit| ((logit - top) / self.temperature).exp()).collect();
        let total: f32 = odds.iter().sum();
        let mut all: Vec<(String, f32)> =
            self.labels.iter().cloned().zip(odds.iter().map(|odd| odd / total)).collect();
        all.sort_by(|a, b| b.1.total_cmp(&a.1));
        all
    }

    /// 0 (a fact) to 10 (long work).
    pub fn complexity(&self, text: &str) -> f32 {
        let sum: f32 = features_in(text, self.buckets)
            .iter()
            .map(|(bucket, weight)| weight * self.complexity_weights[*bucket as usize].to_f32())
            .sum();
        (self.complexity_bias + sum).clamp(0.0, 10.0)
    }
}

impl Weights {
    /// The classifier file.
    pub fn write(&self) -> Result<Vec<u8>, ClassifierError> {
        let count = self.labels.len();
        shape_is_good(self.buckets, count, self.temperature)?;
        let sizes = (self.class_bias.len(), self.class_weights.len(), self.complexity_weights.len());
        let wanted = (count, count * self.buckets as usize, self.buckets as usize);
        if sizes != wanted {
            return Err(field("weights", format!("sizes are {sizes:?} where {wanted:?} belong")));
        }
        let mut out = Vec::new();
        out.extend(MAGIC);
        for number in [VERSION, self.buckets, count as u32] {
            out.extend(number.to_le_bytes());
        }
        out.extend(self.temperature.to_le_bytes());
        out.extend(self.complexity_bias.to_le_bytes());
        for label in &self.labels {
            out.extend((label.len() as u32).to_le_bytes());
            out.extend(label.as_bytes());
        }
        self.class_bias.iter().for_each(|bias| out.extend(bias.to_le_bytes()));
        let rows = self.class_weights.chunks_exact(count);
        let scales: Vec<f16> = rows
            .clone()
            .map(|row| f16::from_f32(row.iter().fold(0.0f32, |most, weight| most.max(weight.abs())) / 127.0))
            .collect();
        scales.iter().for_each(|scale| out.extend(scale.to_le_bytes()));
        for (row, scale) in rows.zip(&scales) {
            let scale = scale.to_f32();
            let number = |weight: &f32| if scale > 0.0 { (weight / scale).round() as i8 } else { 0 };
            out.extend(row.iter().map(|weight| number(weight) as u8));
        }
        for weight in &self.complexity_weights {
            out.extend(f16::from_f32(*weight).to_le_bytes());
        }
        Classifier::load(&out).map(|_| out)
    }
}

/// The buckets that a text falls into with their weights, for a table of `buckets` (a power of two). Weights are the
/// square roots of counts, scaled so that each of the two groups (words; characters) has length 1. Sorted by bucket.
pub fn features_in(text: &str, buckets: u32) -> Vec<(u32, f32)> {
    debug_assert!(buckets.is_power_of_two());
    let words = words(text);
    let mut by_word: HashMap<u32, f32> = HashMap::new();
    let mut by_character: HashMap<u32, f32> = HashMap::new();
    let count = |group: &mut HashMap<u32, f32>, kind: u8, parts: &[&str]| {
        *group.entry(hash(kind, parts) & (buckets - 1)).or_default() += 1.0;
    };
    let mut before = "";
    for word in &words {
        count(&mut by_word, b'w', &[word]);
        count(&mut by_word, b'b', &[before, word]);
        before = word;
    }
    for word in &words {
        let marked: Vec<char> = std::iter::once('<').chain(word.chars()).chain(['>']).collect();
        for length in 3..=5 {
            for gram in marked.windows(length) {
                count(&mut by_character, b'c', &[&gram.iter().collect::<String>()]);
            }
        }
    }
    let mut all: HashMap<u32, f32> = HashMap::new();
    for group in [by_word, by_character] {
        let length = group.values().sum::<f32>().sqrt();
        for (bucket, occurrences) in group {
            *all.entry(bucket).or_default() += occurrences.sqrt() / length;
        }
    }
    let mut all: Vec<(u32, f32)> = all.into_iter().collect();
    all.sort_by_key(|(bucket, _)| *bucket);
    all
}

/// Lower-case words; a number becomes its shape (`384` is `000`, six and more digits are one shape), and a sign is a
/// word of its own, so that a question about numbers is recognised by numbers never seen.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut digits = false;
    let mut flush = |word: &mut String| {
        if !word.is_empty() {
            words.push(std::mem::take(word));
        }
    };
    for character in text.chars().take(CHARACTERS) {
        if character.is_numeric() {
            if !digits {
                flush(&mut word);
            }
            digits = true;
            if word.len() < 6 {
                word.push('0');
            }
        } else if character.is_alphabetic() || character == '_' {
            if digits {
                flush(&mut word);
            }
            digits = false;
            word.extend(character.to_lowercase());
        } else {
            flush(&mut word);
            digits = false;
            if !character.is_whitespace() {
                word.push(character);
                flush(&mut word);
            }
        }
    }
    flush(&mut word);
    words
}

/// FNV-1a over the parts, a zero byte between them, with a final mix so that low bits depend on all. Not salted: the
/// same text has the same buckets on every machine.
fn hash(kind: u8, parts: &[&str]) -> u32 {
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    let mut step = |byte: u8| hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    step(kind);
    for part in parts {
        part.bytes().for_each(&mut step);
        step(0);
    }
    (hash ^ (hash >> 32)) as u32
}

fn field(field: &'static str, why: String) -> ClassifierError {
    ClassifierError::Field { field, why }
}

fn shape_is_good(buckets: u32, labels: usize, temperature: f32) -> Result<(), ClassifierError> {
    if !buckets.is_power_of_two() || !BUCKETS.contains(&buckets) {
        return Err(field("buckets", format!("{buckets} is not a power of two in {BUCKETS:?}")));
    }
    if !(1..=LABELS).contains(&labels) {
        return Err(field("labels", format!("{labels} are not in 1..={LABELS}")));
    }
    if !(temperature.is_finite() && temperature > 0.0) {
        return Err(field("temperature", format!("{temperature} is not above 0")));
    }
    Ok(())
}

struct Cursor<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Cursor<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], ClassifierError> {
        let end = self.position.saturating_add(count);
        let taken = self.bytes.get(self.position..end);
        self.position = end;
        taken.ok_or(ClassifierError::Size { needed: end as u64, found: self.bytes.len() as u64 })
    }

    fn u32(&mut self) -> Result<u32, ClassifierError> {
        let bytes = self.take(4)?;
        Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    fn f32(&mut self) -> Result<f32, ClassifierError> {
        self.u32().map(f32::from_bits)
    }

    fn halves(&mut self, count: usize) -> Result<Vec<f16>, ClassifierError> {
        let bytes = self.take(count * 2)?;
        Ok(bytes.chunks_exact(2).map(|pair| f16::from_le_bytes([pair[0], pair[1]])).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn toy() -> Weights {
        let buckets = 1 << 10;
        let mut weights = Weights {
            labels: vec!["sums".into(), "words".into()],
            temperature: 0.5,
            buckets,
            class_bias: vec![0.0, 0.0],
            class_weights: vec![0.0; buckets as usize * 2],
            complexity_bias: 2.0,
            complexity_weights: vec![0.0; buckets as usize],
        };
        for (bucket, value) in features_in("12 + 5", buckets) {
            weights.class_weights[bucket as usize * 2] = 4.0 * value;
            weights.complexity_weights[bucket as usize] = -1.0;
        }
        for (bucket, value) in features_in("reverse the word apple", buckets) {
            weights.class_weights[bucket as usize * 2 + 1] = 4.0 * value;
        }
        weights
    }

    #[test]
    fn a_sum_with_other_numbers_is_still_a_sum() {
        let classifier = Classifier::load(&toy().write().unwrap()).unwrap();
        assert_eq!(classifier.probabilities("84 + 7")[0].0, "sums");
        assert_eq!(classifier.probabilities("reverse the word pear")[0].0, "words");
        let total: f32 = classifier.probabilities("anything").iter().map(|(_, p)| p).sum();
        assert!((total - 1.0).abs() < 1e-6);
        assert!(classifier.complexity("84 + 7") < classifier.complexity("reverse the word pear"));
    }

    #[test]
    fn buckets_are_the_same_on_every_machine() {
        // FNV-1a 64 of "w", "a", NUL from the published constants, folded to 32 bits.
        let mut expected = 0xcbf2_9ce4_8422_2325u64;
        for byte in [b'w', b'a', 0] {
            expected = (expected ^ u64::from(byte)).wrapping_mul(1_099_511_628_211);
        }
        let bucket = ((expected ^ (expected >> 32)) as u32) & ((1 << 15) - 1);
        assert!(features_in("a", 1 << 15).iter().any(|(found, _)| *found == bucket));
    }

    #[test]
    fn eight_bits_keep_a_weight_within_half_a_step_of_its_bucket() {
        let mut weights = toy();
        let random = |at: usize| ((at * 2_654_435_761) % 20_011) as f32 / 10_005.5 - 1.0;
        weights.class_weights.iter_mut().enumerate().for_each(|(at, weight)| *weight = random(at));
        let loaded = Classifier::load(&weights.write().unwrap()).unwrap();
        let rows = weights.class_weights.chunks_exact(2).zip(loaded.class_weights.chunks_exact(2));
        for ((row, numbers), scale) in rows.zip(&loaded.scales) {
            let most = row[0].abs().max(row[1].abs());
            for (weight, number) in row.iter().zip(numbers) {
                // Half a step, and what f16 rounds off the scale: 2^-11 of the weight.
                let off = (weight - scale.to_f32() * f32::from(*number)).abs();
                assert!(off <= most / 254.0 + most / 2048.0, "{weight} is off by {off}");
            }
        }
    }

    #[test]
    fn every_cut_of_the_file_is_refused() {
        let bytes = toy().write().unwrap();
        for end in (0..bytes.len()).step_by(97).chain(0..80) {
            assert!(Classifier::load(&bytes[..end]).is_err(), "cut at {end}");
        }
        let mut longer = bytes.clone();
        longer.push(0);
        assert!(Classifier::load(&longer).is_err());
    }

    #[test]
    fn no_text_has_no_features_and_the_bias_decides() {
        assert!(features_in("", 1 << 15).is_empty());
        let classifier = Classifier::load(&toy().write().unwrap()).unwrap();
        assert_eq!(classifier.complexity(" "), 2.0);
    }

    proptest! {
        #[test]
        fn each_group_of_features_has_length_one(text in "\\PC{1,60}") {
            let features = features_in(&text, 1 << 15);
            let squares: f32 = features.iter().map(|(_, value)| value * value).sum();
            // Two groups of length 1 that may share buckets: between 2 (apart) and 4 (the same buckets).
            prop_assert!(features.is_empty() || (0.99..=4.01).contains(&squares));
            prop_assert!(features.windows(2).all(|pair| pair[0].0 < pair[1].0));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), at in 0usize..64, value: u8) {
            let _ = Classifier::load(&bytes);
            let mut good = toy().write().unwrap();
            good[at] = value;
            let _ = Classifier::load(&good);
        }
    }
}

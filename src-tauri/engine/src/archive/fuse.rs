//! Fuse: one score from two, by the words and by the meaning.
//!
//! Source: convex combination (Bruch, Gai, Ingber, "An Analysis of Fusion Functions for Hybrid Retrieval", arXiv:2210.11934);
//!         BM25 goes in as a part of what the words of the question could reach, which needs no look at the other hits

/// The weight of the words; that of the meaning is 1. With all-MiniLM-L6-v2, by words alone, by reciprocal ranks (meaning
/// twice), and by this: one of the ten first turns holds what is asked of the conversations of LoCoMo 0.627, 0.623, 0.679;
/// nDCG@10 of StackFAQ's rephrasings 0.757, 0.912, 0.950, and of Natural Questions' passages 0.933, 0.975, 0.983. A weight of
/// 0.4 is better by 0.004 on the two last, and worse than words alone on the first.
pub(super) const WORDS: f32 = 1.2;

/// The same beside the built-in table: the least with which no set is worse than by words alone. LoCoMo 0.627 becomes 0.665;
/// nDCG@10 of StackFAQ's rephrasings 0.757 becomes 0.794, of CovidFAQ 0.717
/// stays, of Natural Questions' passages 0.933 becomes 0.948. With
/// 3 CovidFAQ has 0.704.
pub(super) const WORDS_BESIDE_TABLE: f32 = 5.0;

/// Age and ratings move a hit past its equals and put nothing forward that is far behind.
const RECENCY: f32 = 0.01;
const RATING: f32 = 0.02;

/// Recency halves every 30 days.
const HALF_LIFE_MS: f32 = 30.0 * 24.0 * 3600.0 * 1e3;

/// 0 to 1. `weight`: of the words. `words`: 0 to 1, the part of what BM25 could reach. What has no vector yet goes by its words.
pub(super) fn fused(words: f32, cosine: Option<f32>, weight: f32) -> f32 {
    cosine.map_or(words, |cosine| (cosine + weight * words) / (1.0 + weight)).clamp(0.0, 1.0)
}

/// The part of its score that an answer of this age and rating keeps, at most 1.
pub(super) fn kept(created: i64, rating: i32, now: i64) -> f32 {
    let recency = 0.5_f32.powf((now - created).max(0) as f32 / HALF_LIFE_MS);
    // Half way for what nobody rated.
    let rating = 0.5 + 0.5 * (rating as f32 / 2.0).tanh();
    1.0 - RECENCY * (1.0 - recency) - RATING * (1.0 - rating)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_count_and_what_has_no_vector_goes_by_its_words() {
        for weight in [WORDS, WORDS_BESIDE_TABLE] {
            let fused = |words, cosine| fused(words, cosine, weight);
            assert!(fused(0.8, Some(0.6)) > fused(0.2, Some(0.6)));
            assert!(fused(0.3, Some(0.8)) > fused(0.3, Some(0.5)));
            assert_eq!((fused(1.0, Some(1.0)), fused(0.3, None), fused(0.0, Some(-0.2))), (1.0, 0.3, 0.0));
        }
        assert!(fused(0.3, Some(0.8), WORDS) > fused(0.4, Some(0.5), WORDS), "meaning outweighs words");
    }

    #[test]
    fn age_and_rating_order_equals_and_no_more() {
        let day = 24 * 3600 * 1000;
        let (fresh, old) = (kept(100 * day, 0, 100 * day), kept(0, 0, 100 * day));
        let (good, bad) = (kept(0, 5, 100 * day), kept(0, -5, 100 * day));
        assert!(fresh > old && good > old && old > bad && bad >= 1.0 - RECENCY - RATING && good <= 1.0);
    }
}

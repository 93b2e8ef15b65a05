//! Dice: the only chance in a search, so that the same seed gives the same search.
//!
//! Source: SplitMix64 (Steele, Lea and Flood, OOPSLA 2014); its first numbers from 1234567 are those of the reference
//!         implementation

pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 on, under 1.
    pub fn part(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Under `n`, which is not 0.
    pub fn below(&mut self, n: usize) -> usize {
        ((self.part() * n as f64) as usize).min(n.saturating_sub(1))
    }

    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        for at in (1..list.len()).rev() {
            list.swap(at, self.below(at + 1));
        }
    }

    /// A place, each as likely as its weight; `None` when all weigh nothing.
    pub fn weighed(&mut self, weights: &[usize]) -> Option<usize> {
        let all: usize = weights.iter().sum();
        let mut left = (all > 0).then(|| self.below(all))?;
        weights.iter().position(|weight| {
            let here = left < *weight;
            left = left.saturating_sub(*weight);
            here
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_reference() {
        let mut dice = Dice::new(1_234_567);
        let first = [dice.next(), dice.next(), dice.next()];
        assert_eq!(first, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn what_weighs_nothing_is_never_taken() {
        let mut dice = Dice::new(3);
        let mut seen = [0; 3];
        for _ in 0..1000 {
            seen[dice.weighed(&[1, 0, 3]).unwrap()] += 1;
        }
        assert!(seen[1] == 0 && (180..320).contains(&seen[0]), "{seen:?}");
        assert_eq!(dice.weighed(&[0, 0]), None);
    }
}

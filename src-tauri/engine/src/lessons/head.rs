//! The head that learns: a softmax regression over the gate's n-grams whose classes are the experts that lessons name,
//! and one more, "as before", whose logit is always 0.
//!
//! It learns the lessons against a background of requests of every kind, which stand for all that it must not forget, and
//! speaks only of questions that share rare n-grams with a lesson.
//!
//! Source: AdaGrad (JMLR 12, 2011); rehearsal against forgetting (Robins 1995, "Catastrophic forgetting, rehearsal and
//!         pseudorehearsal")

use runtime::classifier::features_in;
use std::collections::HashMap;

/// N-grams of a text and their weights, sorted by bucket.
pub type Features = Vec<(u32, f32)>;

/// As many as the gate has.
const BUCKETS: u32 = 1 << 17;
const EPOCHS: usize = 8;
const RATE: f32 = 0.5;
/// Towards zero at each step that sees a weight.
const SHRINK: f32 = 1e-4;
/// Likeness (cosine of n-grams weighted by rarity) to the nearest lesson: below the first the head says nothing, from the
/// second on it is heard wholly.
const LIKE: [f32; 2] = [0.15, 0.25];

pub fn features(text: &str) -> Features {
    features_in(text, BUCKETS)
}

/// A text and the class that is right for it; `None` is "as before".
pub struct Example<'a> {
    pub features: &'a Features,
    pub class: Option<usize>,
}

/// One trained head.
pub struct Head {
    classes: usize,
    bias: Vec<f32>,
    /// Where a bucket's numbers are in `weights` and `rarity`.
    place: HashMap<u32, u32>,
    /// (places, classes)
    weights: Vec<f32>,
    /// How rare a bucket is: `ln((1 + texts) / (1 + texts with it))` over the background, as what all lessons say is not
    /// common for that.
    rarity: Vec<f32>,
    /// Of what no text has.
    most_rare: f32,
    /// Lessons that have a bucket, with its share of the lesson's length.
    lessons: HashMap<u32, Vec<(u32, f32)>>,
    class_of: Vec<usize>,
}

impl Head {
    /// The same for the same examples in the same order.
    pub fn train(examples: &[Example<'_>], classes: usize) -> Head {
        let mut place = HashMap::new();
        for (bucket, _) in examples.iter().flat_map(|example| example.features) {
            let next = place.len() as u32;
            place.entry(*bucket).or_insert(next);
        }
        let mut counts = vec![0u32; place.len()];
        let background = || examples.iter().filter(|example| example.class.is_none());
        for (bucket, _) in background().flat_map(|example| example.features) {
            counts[place[bucket] as usize] += 1;
        }
        let all = 1.0 + background().count() as f32;
        let mut head = Head {
            classes,
            bias: vec![0.0; classes],
            weights: vec![0.0; place.len() * classes],
            rarity: counts.iter().map(|count| (all / (1.0 + *count as f32)).ln()).collect(),
            most_rare: all.ln(),
            place,
            lessons: HashMap::new(),
            class_of: Vec::new(),
        };
        for (features, class) in examples.iter().filter_map(|e| Some((e.features, e.class?))) {
            let number = head.class_of.len() as u32;
            for (bucket, share) in head.direction(features) {
                head.lessons.entry(bucket).or_default().push((number, share));
            }
            head.class_of.push(class);
        }
        head.fit(examples);
        head
    }

    fn fit(&mut self, examples: &[Example<'_>]) {
        let classes = self.classes;
        let placed = |example: &Example<'_>| -> Features {
            example.features.iter().map(|(bucket, weight)| (self.place[bucket], *weight)).collect()
        };
        let texts: Vec<(Features, Option<usize>)> = examples.iter().map(|e| (placed(e), e.class)).collect();
        let mut squares = vec![1e-3f32; self.weights.len()];
        let mut bias_squares = vec![1e-3f32; classes];
        for epoch in 0..EPOCHS {
            // A step that has no divisor in common with their number goes through all of them, in another order each time.
            let step = (7919 + 1000 * epoch..).find(|step| coprime(*step, texts.len())).unwrap_or(1);
            for turn in 0..texts.len() {
                let (features, right) = &texts[turn * step % texts.len()];
                let mut miss = self.odds_at(features);
                if let Some(right) = right {
                    miss[*right] -= 1.0;
                }
                for class in 0..classes {
                    bias_squares[class] += miss[class] * miss[class];
                    self.bias[class] -= RATE * miss[class] / bias_squares[class].sqrt();
                }
                for (place, weight) in features {
                    let row = *place as usize * classes..(*place as usize + 1) * classes;
                    let numbers = self.weights[row.clone()].iter_mut().zip(&mut squares[row]);
                    for ((number, square), miss) in numbers.zip(&miss) {
                        let slope = miss * weight + SHRINK * *number;
                        *square += slope * slope;
                        *number -= RATE * slope / square.sqrt();
                    }
                }
            }
        }
    }

    /// Probability of every class, for features by their places; what is left to 1 is "as before".
    fn odds_at(&self, features: &[(u32, f32)]) -> Vec<f32> {
        let mut logits = self.bias.clone();
        for (place, weight) in features {
            let row = &self.weights[*place as usize * self.classes..][..self.classes];
            logits.iter_mut().zip(row).for_each(|(logit, number)| *logit += weight * number);
        }
        let top = logits.iter().copied().fold(0.0, f32::max);
        let odds: Vec<f32> = logits.iter().map(|logit| (logit - top).exp()).collect();
        let all = odds.iter().sum::<f32>() + (-top).exp();
        odds.iter().map(|odd| odd / all).collect()
    }

    fn odds(&self, features: &Features) -> Vec<f32> {
        let known = features.iter().filter_map(|(bucket, weight)| Some((*self.place.get(bucket)?, *weight)));
        self.odds_at(&known.collect::<Features>())
    }

    /// Probability of every class, heard as far as a lesson of that class is like the question; and how many are.
    pub fn says(&self, features: &Features) -> (Vec<f32>, u32) {
        let mut alike = vec![0.0f32; self.class_of.len()];
        for (bucket, share) in self.direction(features) {
            for (lesson, theirs) in self.lessons.get(&bucket).into_iter().flatten() {
                alike[*lesson as usize] += share * theirs;
            }
        }
        let mut nearest = vec![0.0f32; self.classes];
        for (alike, class) in alike.iter().zip(&self.class_of) {
            nearest[*class] = nearest[*class].max(*alike);
        }
        let heard = |alike: f32| ((alike - LIKE[0]) / (LIKE[1] - LIKE[0])).clamp(0.0, 1.0);
        let odds = self.odds(features).into_iter().zip(nearest).map(|(odds, alike)| odds * heard(alike));
        (odds.collect(), alike.iter().filter(|alike| **alike > LIKE[0]).count() as u32)
    }

    /// Features by rarity, of length 1.
    fn direction(&self, features: &Features) -> Features {
        let rarity = |bucket: &u32| {
            self.place.get(bucket).map_or(self.most_rare, |place| self.rarity[*place as usize])
        };
        let weighed: Features =
            features.iter().map(|(bucket, weight)| (*bucket, weight * rarity(bucket))).collect();
        let length = weighed.iter().map(|(_, weight)| weight * weight).sum::<f32>().sqrt().max(1e-9);
        weighed.into_iter().map(|(bucket, weight)| (bucket, weight / length)).collect()
    }
}

fn coprime(a: usize, b: usize) -> bool {
    let (mut a, mut b) = (a, b);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(lessons: &[(&str, usize)], background: &[&str], classes: usize) -> Head {
        let lessons: Vec<_> = lessons.iter().map(|(text, class)| (features(text), Some(*class))).collect();
        let background = background.iter().map(|text| (features(text), None));
        let all: Vec<(Features, Option<usize>)> = lessons.into_iter().chain(background).collect();
        let examples: Vec<Example<'_>> =
            all.iter().map(|(features, class)| Example { features, class: *class }).collect();
        Head::train(&examples, classes)
    }

    const BACKGROUND: [&str; 6] = [
        "What is the boiling point of water?", "Write a poem about the sea",
        "How many days are in a leap year?", "Sort these words: pear, apple, fig", "What is 17 times 23?",
        "Explain what a contract is",
    ];

    #[test]
    fn it_learns_who_is_right_and_leaves_the_rest_as_before() {
        let lessons = [
            ("When should I prune my roses?", 0),
            ("How do I prune tomato plants?", 0),
            ("How much water does a fern need?", 0),
            ("Which oil does a diesel engine need?", 1),
            ("My engine stalls when it is cold", 1),
            ("How often are brake pads changed on a diesel car?", 1),
        ];
        let head = head(&lessons, &BACKGROUND, 2);
        let (garden, n) = head.says(&features("When do I prune an apple tree?"));
        assert!(garden[0] > 0.5 && garden[1] < 0.2 && n > 0, "{garden:?} {n}");
        let (car, _) = head.says(&features("The diesel engine makes a noise"));
        assert!(car[1] > 0.5 && car[0] < 0.2, "{car:?}");
        let (other, _) = head.says(&features("What is 45 times 12?"));
        assert!(other.iter().all(|odds| *odds < 0.05), "{other:?}");
    }

    #[test]
    fn what_is_like_no_lesson_is_as_before_whatever_the_weights_say() {
        let head = head(&[("prune", 0), ("roses", 0)], &[], 1);
        assert_eq!(head.says(&features("zebra crossing")), (vec![0.0], 0));
    }

    #[test]
    fn the_same_lessons_make_the_same_head() {
        let one = head(&[("prune the roses", 0)], &BACKGROUND, 1);
        let two = head(&[("prune the roses", 0)], &BACKGROUND, 1);
        let question = features("prune my roses");
        assert_eq!(one.says(&question), two.says(&question));
    }
}

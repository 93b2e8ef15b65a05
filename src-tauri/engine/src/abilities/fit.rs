//! Fit: ability, difficulty and discrimination from counts of right answers.
//!
//! Two-parameter logistic: an expert of ability θ answers a question of a cluster with difficulty b and discrimination a
//! with probability 1 / (1 + exp(−a (θ − b))). Abilities are N(0, 1), which fixes the scale: 0 is an average expert. First b
//! and ln a, at the maximum of their posterior with the abilities integrated out (priors b ~ N(0, 2²), ln a ~ N(0, 0.5²)),
//! by Newton's steps; then each ability's mean and deviation given them. The errors of b and ln a are those of the normal
//! distribution that fits the posterior at its maximum; what they leave open is in the errors of the abilities as well.
//!
//! Source: marginal maximum by Bock and Aitkin (Psychometrika 46:443, 1981), with priors by Mislevy (51:177, 1986)

/// Standard deviations of the priors.
const DIFFICULTY: f64 = 2.0;
const LN_DISCRIMINATION: f64 = 0.5;

/// Abilities from −6 to 6, evenly: exact where a posterior is wider than a step, 0.04, which takes some thousand answers.
const NODES: usize = 301;
const FARTHEST: f64 = 6.0;

const MOST_STEPS: usize = 100;
/// No parameter moves further: it is the maximum.
const STILL: f64 = 1e-9;
/// Step of the central differences of the gradient.
const NEAR: f64 = 1e-4;

/// Right answers of one expert to the questions of one cluster.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cell {
    pub expert: usize,
    pub cluster: usize,
    pub right: u32,
    pub n: u32,
}

/// A figure with its standard error.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Estimate {
    pub value: f64,
    pub error: f64,
}

/// What was fitted, by the places of the cells.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fit {
    pub abilities: Vec<Estimate>,
    pub difficulties: Vec<Estimate>,
    /// Of ln a.
    pub ln_discriminations: Vec<Estimate>,
}

impl Fit {
    /// Probability that this expert answers a question of this cluster right.
    pub fn right(&self, expert: Option<usize>, cluster: usize) -> f64 {
        let ability = expert.map_or(0.0, |expert| self.abilities[expert].value);
        let slope = self.ln_discriminations[cluster].value.exp();
        logistic(slope * (ability - self.difficulties[cluster].value))
    }
}

/// The fit of `cells`, whose places are below `experts` and `clusters`.
pub fn fit(experts: usize, clusters: usize, cells: &[Cell]) -> Fit {
    let model = Model { experts, clusters, cells };
    let mut at = vec![0.0; 2 * clusters];
    let (mut height, mut slope, _) = model.look(&at);
    for _ in 0..MOST_STEPS {
        let Some(step) = model.step(&at, &slope) else { break };
        // Halved until the posterior rises: from there it is a step uphill.
        let mut part = 1.0;
        let mut moved = 0.0;
        while part > 1e-12 {
            let there: Vec<f64> = at.iter().zip(&step).map(|(at, step)| at + part * step).collect();
            let (higher, next, _) = model.look(&there);
            if higher >= height {
                moved = step.iter().map(|step| (part * step).abs()).fold(0.0, f64::max);
                (at, height, slope) = (there, higher, next);
                break;
            }
            part /= 2.0;
        }
        if moved < STILL {
            break;
        }
    }
    model.estimates(&at)
}

/// Parameters stand as difficulties, then ln discriminations.
struct Model<'c> {
    experts: usize,
    clusters: usize,
    cells: &'c [Cell],
}

/// Mean and variance of an ability.
type Moments = (f64, f64);

impl Model<'_> {
    fn precision(&self, place: usize) -> f64 {
        let deviation = if place < self.clusters { DIFFICULTY } else { LN_DISCRIMINATION };
        1.0 / (deviation * deviation)
    }

    /// At these parameters: the logarithm of the posterior up to a constant, its gradient, and each expert's ability.
    fn look(&self, at: &[f64]) -> (f64, Vec<f64>, Vec<Moments>) {
        let (difficulties, ln_slopes) = at.split_at(self.clusters);
        let node = |k: usize| FARTHEST * (2.0 * k as f64 / (NODES - 1) as f64 - 1.0);
        // (experts, nodes): ln of the density of each ability with the answers.
        let mut all: Vec<Vec<f64>> =
            (0..self.experts).map(|_| (0..NODES).map(|k| -node(k) * node(k) / 2.0).collect()).collect();
        for &Cell { expert, cluster, right, n } in self.cells {
            let (steep, difficulty) = (ln_slopes[cluster].exp(), difficulties[cluster]);
            for (k, density) in all[expert].iter_mut().enumerate() {
                let logit = steep * (node(k) - difficulty);
                *density += f64::from(right) * logit - f64::from(n) * ln_one_plus_exp(logit);
            }
        }
        let mut height = 0.0;
        let mut moments = Vec::with_capacity(self.experts);
        for densities in &mut all {
            let top = densities.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            densities.iter_mut().for_each(|density| *density = (*density - top).exp());
            let sum: f64 = densities.iter().sum();
            densities.iter_mut().for_each(|density| *density /= sum);
            height += top + sum.ln();
            let mean: f64 = densities.iter().enumerate().map(|(k, odds)| odds * node(k)).sum();
            let variance =
                densities.iter().enumerate().map(|(k, odds)| odds * (node(k) - mean).powi(2)).sum();
            moments.push((mean, variance));
        }
        let mut slope: Vec<f64> =
            at.iter().enumerate().map(|(place, value)| -self.precision(place) * value).collect();
        height -=
            at.iter().enumerate().map(|(p, value)| self.precision(p) * value * value).sum::<f64>() / 2.0;
        for &Cell { expert, cluster, right, n } in self.cells {
            let (steep, difficulty) = (ln_slopes[cluster].exp(), difficulties[cluster]);
            for (k, odds) in all[expert].iter().enumerate() {
                let logit = steep * (node(k) - difficulty);
                let left = odds * (f64::from(right) - f64::from(n) * logistic(logit));
                slope[cluster] -= left * steep;
                slope[self.clusters + cluster] += left * logit;
            }
        }
        (height, slope, moments)
    }

    /// Central differences, a row a parameter: of the gradient, and of the abilities.
    fn bend(&self, at: &[f64]) -> (Vec<Vec<f64>>, Vec<Vec<f64>>) {
        let beside = |place: usize, step: f64| {
            let mut there = at.to_vec();
            there[place] += step;
            let (_, slope, moments) = self.look(&there);
            (slope, moments.into_iter().map(|(mean, _)| mean).collect::<Vec<f64>>())
        };
        let apart = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b) / (2.0 * NEAR)).collect();
        let of = |place: usize| {
            let (above, below) = (beside(place, NEAR), beside(place, -NEAR));
            (apart(&above.0, &below.0), apart(&above.1, &below.1))
        };
        (0..at.len()).map(of).unzip()
    }

    /// The negative curvature, symmetric.
    fn curvature(bent: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let size = bent.len();
        let of = |row: usize, column: usize| -(bent[row][column] + bent[column][row]) / 2.0;
        (0..size).map(|row| (0..size).map(|column| of(row, column)).collect()).collect()
    }

    /// Newton's step, damped (Levenberg) until it leads uphill.
    fn step(&self, at: &[f64], slope: &[f64]) -> Option<Vec<f64>> {
        let curvature = Self::curvature(&self.bend(at).0);
        let mut damping = 0.0;
        for _ in 0..60 {
            let mut damped = curvature.clone();
            (0..damped.len()).for_each(|place| damped[place][place] += damping);
            if let Some(step) = solve(damped, slope) {
                return Some(step);
            }
            damping = if damping == 0.0 { 1e-3 } else { damping * 4.0 };
        }
        None
    }

    fn estimates(&self, at: &[f64]) -> Fit {
        let size = at.len();
        let (bent, of_abilities) = self.bend(at);
        let curvature = Self::curvature(&bent);
        let unit =
            |place: usize| (0..size).map(|other| f64::from(u8::from(other == place))).collect::<Vec<_>>();
        let inverse: Option<Vec<Vec<f64>>> =
            (0..size).map(|place| solve(curvature.clone(), &unit(place))).collect();
        // Without a maximum that was found nothing is known but the priors.
        let covariance = inverse.unwrap_or_else(|| {
            (0..size)
                .map(|place| unit(place).iter().map(|one| one / self.precision(place)).collect())
                .collect()
        });
        let estimate = |place: usize| Estimate { value: at[place], error: covariance[place][place].sqrt() };
        let (_, _, moments) = self.look(at);
        let ability = |(expert, (mean, variance)): (usize, Moments)| {
            let open: f64 = (0..size)
                .flat_map(|p| (0..size).map(move |q| (p, q)))
                .map(|(p, q)| of_abilities[p][expert] * covariance[p][q] * of_abilities[q][expert])
                .sum();
            Estimate { value: mean, error: (variance + open).sqrt() }
        };
        Fit {
            abilities: moments.into_iter().enumerate().map(ability).collect(),
            difficulties: (0..self.clusters).map(estimate).collect(),
            ln_discriminations: (self.clusters..size).map(estimate).collect(),
        }
    }
}

/// `x` with `matrix · x = right`, by Cholesky's factors; `None`: the matrix is not positive definite.
fn solve(mut matrix: Vec<Vec<f64>>, right: &[f64]) -> Option<Vec<f64>> {
    let size = right.len();
    for column in 0..size {
        for row in column..size {
            let known: f64 = (0..column).map(|k| matrix[row][k] * matrix[column][k]).sum();
            let rest = matrix[row][column] - known;
            if row == column {
                if rest <= 0.0 || !rest.is_finite() {
                    return None;
                }
                matrix[row][column] = rest.sqrt();
            } else {
                matrix[row][column] = rest / matrix[column][column];
            }
        }
    }
    let mut x = right.to_vec();
    for row in 0..size {
        let known: f64 = (0..row).map(|k| matrix[row][k] * x[k]).sum();
        x[row] = (x[row] - known) / matrix[row][row];
    }
    for row in (0..size).rev() {
        let known: f64 = (row + 1..size).map(|k| matrix[k][row] * x[k]).sum();
        x[row] = (x[row] - known) / matrix[row][row];
    }
    Some(x)
}

fn logistic(logit: f64) -> f64 {
    1.0 / (1.0 + (-logit).exp())
}

fn ln_one_plus_exp(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Deserialize)]
    struct Reference {
        sets: Vec<Set>,
    }

    #[derive(Deserialize)]
    struct Set {
        name: String,
        experts: usize,
        clusters: usize,
        /// expert, cluster, right, n
        cells: Vec<[u32; 4]>,
        /// Abilities, difficulties, ln discriminations.
        values: Vec<f64>,
        errors: Vec<f64>,
    }

    fn all(fit: Fit) -> Vec<Estimate> {
        [fit.abilities, fit.difficulties, fit.ln_discriminations].concat()
    }

    /// 300 even steps here and 480 Gauss-Legendre nodes there are both exact to 1e-7 for these counts (measured), and both
    /// end within 1e-7 of their maximum: values agree to 1e-6, a hundred-thousandth of the smallest error. Errors come from
    /// differences on both sides, good to a thousandth.
    #[test]
    fn the_maximum_and_its_errors_are_those_of_an_independent_optimiser() {
        let text = include_str!("../../reference/ability.json");
        let sets = serde_json::from_str::<Reference>(text).unwrap().sets;
        assert!(sets.len() >= 5);
        for set in &sets {
            let cell = |&[expert, cluster, right, n]: &[u32; 4]| Cell {
                expert: expert as usize,
                cluster: cluster as usize,
                right,
                n,
            };
            let cells: Vec<Cell> = set.cells.iter().map(cell).collect();
            for (place, estimate) in all(fit(set.experts, set.clusters, &cells)).iter().enumerate() {
                let (value, error) = (set.values[place], set.errors[place]);
                assert!((estimate.value - value).abs() < 1e-6, "{} {place}: {estimate:?}, {value}", set.name);
                assert!(
                    (estimate.error / error - 1.0).abs() < 1e-3,
                    "{} {place}: {estimate:?}, {error}",
                    set.name
                );
            }
        }
    }

    /// Twenty pools of ten experts with forty answers to each of four clusters. Where the errors are right, 95 of 100 figures
    /// lie within 1.96 of them; figures of one pool hang together, so that of the 360 an effective 100 are independent: 90
    /// to 99 of 100.
    #[test]
    fn what_answers_were_drawn_from_is_found_again_within_its_errors() {
        let mut state = 11_u64;
        let mut even = move || {
            // Knuth's generator (MMIX).
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
        };
        let (experts, clusters, n) = (10, 4, 40);
        let (mut within, mut count) = (0, 0);
        for _ in 0..20 {
            let mut normal = |deviation: f64| {
                deviation * (-2.0 * even().ln()).sqrt() * (2.0 * std::f64::consts::PI * even()).cos()
            };
            let abilities: Vec<f64> = (0..experts).map(|_| normal(1.0)).collect();
            let difficulties: Vec<f64> = (0..clusters).map(|_| normal(1.0)).collect();
            let ln_slopes: Vec<f64> = (0..clusters).map(|_| normal(0.5)).collect();
            let mut cells = Vec::new();
            for (expert, ability) in abilities.iter().enumerate() {
                for (cluster, (difficulty, ln_slope)) in difficulties.iter().zip(&ln_slopes).enumerate() {
                    let logit = ln_slope.exp() * (ability - difficulty);
                    let right = (0..n).filter(|_| even() < logistic(logit)).count() as u32;
                    cells.push(Cell { expert, cluster, right, n });
                }
            }
            let truth = [abilities, difficulties, ln_slopes].concat();
            for (estimate, truth) in all(fit(experts, clusters, &cells)).iter().zip(truth) {
                within += usize::from((estimate.value - truth).abs() < 1.96 * estimate.error);
                count += 1;
            }
        }
        let share = f64::from(within as u32) / f64::from(count);
        assert!((0.90..0.99).contains(&share), "{within} of {count}");
    }

    #[test]
    fn nothing_known_is_an_average_expert_with_the_errors_of_the_priors() {
        let fit = fit(1, 1, &[]);
        assert!(
            fit.abilities[0].value.abs() < 1e-9 && (fit.abilities[0].error - 1.0).abs() < 1e-3,
            "{fit:?}"
        );
        assert!((fit.difficulties[0].error - 2.0).abs() < 1e-3);
        assert_eq!(fit.right(None, 0), 0.5);
    }

    #[test]
    fn one_who_is_always_right_is_able_and_not_infinitely_so() {
        let cell = |expert, right| Cell { expert, cluster: 0, right, n: 1000 };
        let fit = fit(2, 1, &[cell(0, 1000), cell(1, 0)]);
        let [able, unable] = [fit.abilities[0], fit.abilities[1]];
        assert!(able.value > 0.5 && able.value < 4.0 && unable.value < -0.5, "{fit:?}");
        assert!(able.error.is_finite() && able.error > 0.0);
    }
}

//! `lectern pool abilities`: how able each expert is in a domain, and how hard its questions are, fitted to judged answers.

use crate::output::{Exit, Output};
use engine::abilities::{Abilities, Ability, Cluster, Outcomes};
use engine::home::Home;
use engine::words::Failure;

pub fn run(output: &Output) -> Result<(), Exit> {
    let outcomes = Outcomes::open(&Home::find()?).map_err(Failure::from)?;
    output.show(&outcomes.abilities().map_err(Failure::from)?, in_words);
    Ok(())
}

fn in_words(all: &Abilities) -> String {
    if all.answers == 0 {
        return "no answer was judged yet: rate some, or run `lectern bench --file Q.jsonl --remember`\n"
            .into();
    }
    let mut text = format!("{} judged answers\n\nability by expert and domain; 0 is average\n", all.answers);
    all.experts.iter().for_each(|expert| text.push_str(&ability(expert, all.least)));
    text.push_str("\ndifficulty by domain and complexity\n");
    all.clusters.iter().for_each(|found| text.push_str(&cluster(found, all.least)));
    if let (Some(apart), Some(brier), Some(share)) =
        (all.calibration_error, all.brier, all.brier_of_the_share)
    {
        text.push_str(&format!(
            "\nforetold, each by a fit without it: off by {apart:.3} on average; Brier {brier:.3}, by the share alone {share:.3}\n"
        ));
        for bin in &all.reliability {
            text.push_str(&format!(
                "  {:.1} to {:.1}: foretold {:.2}, came {:.2}  (n={})\n",
                bin.from, bin.to, bin.foretold, bin.right, bin.n
            ));
        }
    }
    text
}

fn figure(value: Option<f64>, error: Option<f64>, n: u32, least: u32) -> String {
    match value.zip(error) {
        Some((value, error)) => format!("{value:+.2} ± {error:.2}"),
        None => format!("not measured yet (n={n}, of {least})"),
    }
}

fn ability(found: &Ability, least: u32) -> String {
    let Ability { expert, domain, right, n, ability, error } = found;
    format!("  {expert}  {domain}  {}  ({right} of {n} right)\n", figure(*ability, *error, *n, least))
}

fn cluster(found: &Cluster, least: u32) -> String {
    let Cluster { domain, from, to, right, n, difficulty, difficulty_error, .. } = found;
    let slope = found.discrimination.zip(found.discrimination_error);
    let slope =
        slope.map_or(String::new(), |(value, error)| format!(", discrimination {value:.2} ± {error:.2}"));
    format!(
        "  {domain}  {from:.0} to {to:.0}  {}{slope}  ({right} of {n} right)\n",
        figure(*difficulty, *difficulty_error, *n, least)
    )
}

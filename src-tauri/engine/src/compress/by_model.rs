//! By model: how much each unit helps a model to foretell the question, or, where nothing is asked, how much it tells the
//! model that it did not expect.
//!
//! Cost:   one pass over each unit and the question by the model itself: seconds for a large one
//! Source: the contrast of a question's log-likelihood with a text before it and without (LongLLMLingua,
//!         arXiv:2310.06839); self-information (Selective Context, arXiv:2310.06201)

use super::units::Unit;

/// Mean −ln of the probability of the tokens of the second text after the first, in nats.
pub type Surprise<'a, E> = dyn FnMut(&str, &str) -> Result<f32, E> + 'a;

/// A score for each unit. `None`: no unit helps, so this model has no say in what matters here. `asks`: the units that are the
/// question; they stay whatever they score.
pub(super) fn by_model<E>(
    text: &str,
    units: &[Unit],
    question: Option<&str>,
    asks: &[usize],
    surprise: &mut Surprise<'_, E>,
) -> Result<Option<Vec<f32>>, E> {
    let mut scores = vec![0.0f32; units.len()];
    let Some(question) = question else {
        let mut before = "";
        for (score, unit) in scores.iter_mut().zip(units) {
            let said = &text[unit.body()];
            *score = surprise(before, said)?;
            before = said;
        }
        return Ok(Some(scores));
    };
    let alone = surprise("", question)?;
    for (at, unit) in units.iter().enumerate().filter(|(at, _)| !asks.contains(at)) {
        scores[at] = alone - surprise(&format!("{}\n", &text[unit.body()]), question)?;
    }
    Ok(scores.iter().any(|score| *score > 0.0).then_some(scores))
}

#[cfg(test)]
mod tests {
    use super::super::units::units;
    use super::*;
    use std::convert::Infallible;

    /// Expects the words that stood before.
    fn parrot(before: &str, text: &str) -> Result<f32, Infallible> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let new = words.iter().filter(|word| !before.contains(**word)).count();
        Ok(new as f32 / words.len().max(1) as f32)
    }

    #[test]
    fn a_unit_is_worth_what_it_helps_to_foretell_the_question() {
        let text = "The silk of Lyon is old. Grapes grow in the south.";
        let units = units(text);
        let scores = by_model(text, &units, Some("How old is the silk?"), &[], &mut parrot).unwrap().unwrap();
        assert!(scores[0] > scores[1], "{scores:?}");
    }

    #[test]
    fn a_model_that_no_unit_helps_has_no_say() {
        let text = "The silk of Lyon. Grapes grow.";
        let deaf = |_: &str, _: &str| Ok::<f32, Infallible>(1.0);
        assert_eq!(by_model(text, &units(text), Some("When?"), &[], &mut { deaf }).unwrap(), None);
    }

    #[test]
    fn where_nothing_is_asked_what_was_not_expected_stays() {
        let text = "Grapes grow. Grapes grow. A storm came over the sea.";
        let scores = by_model(text, &units(text), None, &[], &mut parrot).unwrap().unwrap();
        assert!(scores[1] < scores[0] && scores[1] < scores[2], "{scores:?}");
    }
}

//! The parent's questions about a mixture's experts.

use std::sync::atomic::AtomicBool;

use super::HostError;
use super::parent::Host;
use super::protocol::{FromExpert, ToExpert};
use super::state::Turn;
use super::words::{Examined, Example, Look, Prompt};

impl Host {
    /// Looks at what the experts do with an example.
    pub fn examine(
        &mut self,
        example: &Example,
        look: &Look,
        stop: &AtomicBool,
    ) -> Result<Examined, HostError> {
        let id = self.new_id();
        let ask = ToExpert::Examine { id, example: example.clone(), look: look.clone() };
        self.converse(id, ask, stop, &mut |word| match word {
            FromExpert::Examined { id: of, examined } if of == id => Turn::Done(examined),
            other => Turn::Other(other),
        })
    }

    /// Mean −ln of the probability of the tokens of `text` after `before`, in nats; 0 of no tokens.
    pub fn surprise(&mut self, before: &str, text: &str, stop: &AtomicBool) -> Result<f32, HostError> {
        let example =
            Example { prompt: Prompt::Raw(before.to_owned()), answer: Some(text.to_owned()), own_tokens: 0 };
        let Examined::Surprise(each) = self.examine(&example, &Look::Surprise, stop)? else {
            return Err(HostError::Refused {
                code: "host.protocol".into(),
                message: "the expert answered another question".into(),
                fix: "Start it again. If it happens again, please report it.".into(),
            });
        };
        Ok((each.iter().sum::<f64>() / each.len().max(1) as f64) as f32)
    }

    /// Leaves experts out of everything that is computed from now on.
    pub(super) fn leave_out(&mut self, mask: Vec<Vec<bool>>, stop: &AtomicBool) -> Result<(), HostError> {
        let id = self.new_id();
        self.converse(id, ToExpert::LeaveOut { id, mask }, stop, &mut |word| match word {
            FromExpert::LeftOut { id: of } if of == id => Turn::Done(()),
            other => Turn::Other(other),
        })
    }

    /// AIMER of each expert, by the layers that have a mixture.
    pub fn aimer(&mut self, stop: &AtomicBool) -> Result<Vec<(usize, Vec<f64>)>, HostError> {
        let id = self.new_id();
        self.converse(id, ToExpert::Weigh { id }, stop, &mut |word| match word {
            FromExpert::Weighed { id: of, layers } if of == id => Turn::Done(layers),
            other => Turn::Other(other),
        })
    }
}

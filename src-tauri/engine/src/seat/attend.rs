//! What the owner of the seat does for those who have their turn: it passes on what they ask and what the expert says.

use super::owner::{HEARTBEAT, Owner};
use super::turn::{Says, Work};
use runtime::host::{Finish, Finished, HostError, Spoken};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::time::Instant;

/// Somebody who has his turn.
#[derive(Default)]
pub(super) struct Served {
    pub answering: Option<Answering>,
    /// He is gone, and his answer is on its way out.
    over: bool,
}

/// An answer that the expert gives to one of the turns.
pub(super) struct Answering {
    /// The expert's number for it.
    id: u64,
    slot: usize,
    stop: Arc<AtomicBool>,
    late: Arc<AtomicBool>,
    pub says: Sender<Says>,
    pub came_back: bool,
    turned_ms: f32,
}

impl Owner {
    fn answers(&self) -> impl Iterator<Item = &Answering> {
        self.turns.values().filter_map(|served| served.answering.as_ref())
    }

    /// What a turn asks for is begun. One whose expert has ended meanwhile hears that.
    pub(super) fn begin(&mut self, turn: u64, work: Work) {
        let taken: Vec<usize> = self.answers().map(|answering| answering.slot).collect();
        let (Some(here), Some(served)) = (self.occupant.as_mut(), self.turns.get_mut(&turn)) else {
            let how = "it had ended before it was asked";
            return work.refuse(HostError::Crashed { how: how.into(), last_words: String::new() });
        };
        match work {
            Work::Count { text, stop, reply } => {
                let counted = here.host.count_tokens(&text, &stop);
                if matches!(counted, Ok(None)) && !here.host.is_alive() {
                    self.vanish();
                }
                self.fall_if_ended(counted.as_ref().err());
                let _ = reply.send(counted);
            }
            Work::Generate { request, conversation, stop, late, says } => {
                let begun = Instant::now();
                let (slot, came_back) = here.turn_to(conversation.as_deref(), &taken, &self.states);
                let turned_ms = begun.elapsed().as_secs_f32() * 1000.0;
                let id = here.host.begin(slot, &request);
                served.answering = Some(Answering { id, slot, stop, late, says, came_back, turned_ms });
            }
        }
    }

    /// Hears what the expert says to those who have their turn, or what they ask.
    pub(super) fn attend(&mut self) {
        let answers = self.turns.values().filter_map(|served| served.answering.as_ref());
        let stops: Vec<u64> = answers
            .clone()
            .filter(|answering| answering.stop.load(Ordering::Relaxed))
            .map(|answering| answering.id)
            .collect();
        let Some(here) = self.occupant.as_mut().filter(|_| answers.clone().next().is_some()) else {
            return self.wait(HEARTBEAT);
        };
        match here.host.listen(&|id| stops.contains(&id)) {
            Ok(None) => {}
            Ok(Some((id, Spoken::Piece(piece)))) => {
                if let Some(answering) = self.answers().find(|answering| answering.id == id) {
                    // A stopped asker no longer listens; the stop that it set ends this soon.
                    let _ = answering.says.send(Says::Piece(piece));
                }
            }
            Ok(Some((id, Spoken::Ended(finished)))) => self.end(id, finished),
            Err(error) => self.fall_if_ended(Some(&error)),
        }
    }

    /// An answer has ended.
    fn end(&mut self, id: u64, mut finished: Result<Finished, HostError>) {
        let of =
            self.turns.iter().find(|(_, served)| served.answering.as_ref().is_some_and(|it| it.id == id));
        let Some(turn) = of.map(|(turn, _)| *turn) else { return };
        let Some(served) = self.turns.get_mut(&turn) else { return };
        let (Some(answering), over) = (served.answering.take(), served.over) else { return };
        let Answering { slot, late, says, came_back, turned_ms, .. } = answering;
        let Some(here) = &mut self.occupant else { return };
        let expert = here.guest.name.clone();
        if let Ok(finished) = &mut finished {
            finished.first_token_ms += turned_ms;
            if let Some(reading) = here.readings.get_mut(slot).and_then(Option::as_mut) {
                reading.tokens = finished.prompt_tokens + finished.tokens;
            }
            if finished.tokens > 1 {
                here.tokens_per_s = Some(finished.tokens_per_s);
            }
            let shared = u64::from(finished.together > 1);
            self.board.count(|traffic| traffic.together += shared);
        }
        if matches!(&finished, Ok(finished) if finished.lost_expert) {
            self.vanish();
        }
        match &finished {
            _ if late.load(Ordering::Relaxed) => self.failed(&expert),
            Ok(finished) if finished.finish != Finish::Stopped => self.succeeded(&expert),
            _ => {}
        }
        if over {
            self.over(turn);
        }
        let _ = says.send(Says::Ended { finished, came_back });
    }

    /// A turn has been dropped. Its answer, if one was not waited for, is stopped.
    pub(super) fn over(&mut self, turn: u64) {
        let Some(served) = self.turns.get_mut(&turn) else { return };
        if let Some(answering) = &served.answering {
            answering.stop.store(true, Ordering::Relaxed);
            served.over = true;
            return;
        }
        self.turns.remove(&turn);
        self.free_if_nobody();
        self.show();
    }
}

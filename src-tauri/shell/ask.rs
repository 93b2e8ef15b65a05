//! Ask: one question from the page, its answer as a stream of events.
//!
//! In:     the question, and the channel on which the page listens
//! Out:    every event of the engine in order, with the answer so far as a markdown tree now and then; then the answer
//! Fails:  with the engine's failure, both as the last event and as the command's own error

use crate::apart::apart;
use crate::house::House;
use crate::markdown::{self, Block};
use engine::events::AnswerEvent;
use engine::words::{Answer, Failure, Question};
use serde::Serialize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tauri::ipc::Channel;
use tauri::{AppHandle, State};
use ts_rs::TS;

/// Two frames of a 60 Hz screen: nobody reads faster.
const DRAW_EVERY: Duration = Duration::from_millis(30);
/// Drawing takes at most a tenth of the time, however long the answer has become.
const SHARE_OF_TIME: u32 = 10;

/// One event, with what the page draws.
#[derive(Clone, Debug, Serialize, TS)]
pub struct Shown {
    pub event: AnswerEvent,
    /// The whole answer so far. `null` when it is not drawn anew with this event.
    pub blocks: Option<Vec<Block>>,
}

#[tauri::command]
pub async fn ask(app: AppHandle, question: Question, events: Channel<Shown>) -> Result<Answer, Failure> {
    let broke_off = crate::failure::failure(
        "window.answer_panicked", "The answer broke off inside Lectern. This is a bug.",
        "Ask again; your conversations are safe. If it happens again, please report it.",
    );
    apart(app, broke_off, move |house| answer(house, question, &events)).await
}

/// Ends that answer with what it has; `false` when it was over already.
#[tauri::command]
pub fn stop(house: State<'_, House>, id: String) -> bool {
    house.stop(&id)
}

fn answer(house: &House, question: Question, events: &Channel<Shown>) -> Result<Answer, Failure> {
    let open = house.inside()?;
    let stop = Arc::new(AtomicBool::new(false));
    let mut running = None;
    let mut drawing = Drawing::default();
    let outcome = open.engine.ask(question, Arc::clone(&stop), &mut |event| {
        if let AnswerEvent::Begun { id, .. } = &event {
            house.begin(id, &stop);
            running = Some(id.clone());
        }
        let blocks = drawing.blocks(&event);
        // Nobody listens any more: the expert has better things to do.
        if events.send(Shown { event, blocks }).is_err() {
            stop.store(true, Ordering::SeqCst);
        }
    });
    if let Some(id) = running {
        house.end(&id);
    }
    outcome
}

/// The answer so far, and when it was drawn last.
#[derive(Default)]
struct Drawing {
    text: String,
    next: Option<Instant>,
}

impl Drawing {
    fn blocks(&mut self, event: &AnswerEvent) -> Option<Vec<Block>> {
        match event {
            AnswerEvent::Text { piece } => {
                self.text.push_str(piece);
                let now = Instant::now();
                if self.next.is_some_and(|next| now < next) {
                    return None;
                }
                let blocks = markdown::blocks(&self.text);
                self.next = Some(now + DRAW_EVERY.max(now.elapsed() * SHARE_OF_TIME));
                Some(blocks)
            }
            // Several texts on the way to one: each begins anew, and is drawn whole when it is complete.
            AnswerEvent::Called(_) | AnswerEvent::PassedOver(_) | AnswerEvent::Asked { .. } => {
                self.text.clear();
                self.next = None;
                None
            }
            AnswerEvent::Drafted(draft) => Some(markdown::blocks(&draft.answer)),
            // The stored answer is what counts, also where it is not the pieces put together.
            AnswerEvent::Done { answer } => Some(markdown::blocks(&answer.answer)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_drawn_at_once_then_seldom_and_whole_at_the_end() {
        let mut drawing = Drawing::default();
        let piece = |text: &str| AnswerEvent::Text { piece: text.to_owned() };
        assert!(drawing.blocks(&piece("384")).is_some(), "the first word must show at once");
        drawing.next = Some(Instant::now() + Duration::from_secs(3600));
        assert!(drawing.blocks(&piece(" + 97")).is_none(), "the screen was drawn a moment ago");
        drawing.next = None;
        let blocks = drawing.blocks(&piece(" = 481")).expect("it is time again");
        assert_eq!(blocks, markdown::blocks("384 + 97 = 481"), "nothing that came meanwhile is lost");

        let answer = Answer { answer: "**481**".into(), ..Answer::default() };
        let done = drawing.blocks(&AnswerEvent::Done { answer: Box::new(answer) });
        assert_eq!(done, Some(markdown::blocks("**481**")));
    }
}

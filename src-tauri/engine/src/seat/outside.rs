//! An expert outside Lectern has its turn: the seat is emptied and stays so, and a thread of its own does for the turn what
//! the owner of the seat does for others, over the line to the server.

use super::owner::Word;
use super::turn::{Desk, Says, Work};
use super::{Cleared, LOOK, Lectern, Loan, SeatError, Turn, board};
use crate::events::Seat;
use crate::hub::{Line, OutsideError};
use crate::words::Seated;
use runtime::host::HostError;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Instant;

impl Lectern {
    /// Waits for the seat as others do, has it emptied, and gives a turn whose expert is at the end of `line`. Nobody is
    /// resident until the turn is dropped.
    pub fn take_outside(
        &self,
        name: &str,
        title: &str,
        line: Line,
        stop: &Arc<AtomicBool>,
        on: &mut dyn FnMut(Seat),
    ) -> Result<Turn, SeatError> {
        let begun = Instant::now();
        let waiting = board::Waiting::begin(&self.board, name, title)?;
        if let busy @ (Seat::Taken { busy: true, .. } | Seat::Lent { .. }) = self.board.seat() {
            on(busy);
        }
        let patience = self.board.rules().waiting();
        let over = || {
            if stop.load(Ordering::Relaxed) {
                return Some(SeatError::Stopped);
            }
            let seconds = patience.as_secs() as u32;
            let title = title.to_owned();
            (begun.elapsed() > patience).then_some(SeatError::WaitedTooLong { title, seconds })
        };
        let what = format!("{title} ({})", line.endpoint().in_words());
        let (loan, Cleared { who, freed_bytes, leave_ms }) = self.borrow(&what, &over)?;
        on(Seat::Lent { what });
        let elapsed_ms = begun.elapsed().as_secs_f32() * 1000.0;
        self.board.count(|traffic| {
            traffic.turns += 1;
            traffic.waited_ms += f64::from(elapsed_ms);
        });
        let endpoint = line.endpoint();
        let seated = Seated {
            expert: name.to_owned(),
            left: who,
            freed_bytes,
            budget_bytes: self.board.budget_bytes(),
            outside: Some(endpoint.in_words()),
            leave_ms,
            elapsed_ms,
            ..Seated::default()
        };
        let (context, limit) = (endpoint.context, self.board.rules().answering_s);
        let (words, asked) = channel();
        let attends = std::thread::Builder::new().name("outside".into());
        attends.spawn(move || attend(&Arc::new(line), &asked, loan)).map_err(|_| SeatError::Closed)?;
        Ok(Turn::new(seated, title.to_owned(), context, limit, Desk::new(0, words), waiting))
    }
}

/// Does what the turn asks until it is over; then the seat is free again.
fn attend(line: &Arc<Line>, asked: &Receiver<Word>, _loan: Loan) {
    while let Ok(Word::Work { work, .. }) = asked.recv() {
        match work {
            Work::Count { text, reply, .. } => {
                let _ = reply.send(Ok(Some(line.about_tokens(&text))));
            }
            Work::Generate { request, stop, says, .. } => {
                let (pieces, heard) = channel();
                let asks = Arc::clone(line);
                // Its own thread: one that waits for a name or a connection cannot be called back, and is left alone.
                std::thread::spawn(move || {
                    let answer = asks.ask(&request, &mut |piece| {
                        let _ = pieces.send(Ok(piece.to_owned()));
                    });
                    let _ = pieces.send(Err(answer));
                });
                let mut text = String::new();
                let finished = loop {
                    match heard.recv_timeout(LOOK) {
                        Ok(Ok(piece)) => {
                            text.push_str(&piece);
                            let _ = says.send(Says::Piece(piece));
                        }
                        Ok(Err(answer)) => break answer.map_err(refused),
                        Err(RecvTimeoutError::Disconnected) => {
                            break Err(HostError::Garbled { what: "its thread ended".into() });
                        }
                        Err(RecvTimeoutError::Timeout) => {}
                    }
                    if stop.load(Ordering::Relaxed) {
                        break Ok(line.cut(text));
                    }
                };
                let _ = says.send(Says::Ended { finished, came_back: false });
            }
        }
    }
}

/// As for any expert that cannot be used: another one may answer.
fn refused(error: OutsideError) -> HostError {
    let (code, fix) = (error.code().into(), error.fix().into());
    HostError::BadModel { code, message: error.to_string(), fix }
}

//! The expert in the seat: its process, and what it has read in each of its slots.

use super::Guest;
use crate::events::Seat;
use crate::states::{Place, States};
use crate::words::Placement;
use runtime::host::Host;

pub(super) struct Occupant {
    pub guest: Guest,
    pub host: Host,
    /// Of its last answer.
    pub tokens_per_s: Option<f32>,
    /// What it has read, by slot.
    pub readings: Vec<Option<Reading>>,
    /// Texts that there is memory for.
    pub room: usize,
}

/// The conversation that an expert has read.
pub(super) struct Reading {
    place: Place,
    pub tokens: u32,
}

impl Occupant {
    pub fn seat(&self, busy: bool) -> Seat {
        Seat::Taken {
            expert: self.guest.name.clone(),
            title: self.guest.title.clone(),
            memory_bytes: self.host.memory(),
            pid: self.host.pid(),
            busy,
            tokens_per_s: self.tokens_per_s,
        }
    }

    /// The slot for a conversation, of those that are not `taken`: where it was read last, else the first.
    fn slot(&self, place: Option<&Place>, taken: &[usize]) -> usize {
        let known = self.readings.iter().position(|reading| {
            let there = reading.as_ref().map(|reading| &reading.place);
            place.is_some() && there == place
        });
        known.filter(|slot| !taken.contains(slot)).unwrap_or_else(|| {
            let mut free = (0..).filter(|slot| !taken.contains(slot));
            free.next().unwrap_or_default()
        })
    }

    /// Has the expert go on with a conversation in a slot that nobody has: what was read there of another one is saved,
    /// what it had read of this one comes back. The slot, and whether something came back.
    pub fn turn_to(&mut self, conversation: Option<&str>, taken: &[usize], states: &States) -> (usize, bool) {
        let place = conversation.and_then(|conversation| states.place(&self.guest.file, conversation));
        let slot = self.slot(place.as_ref(), taken);
        if self.readings.len() <= slot {
            self.readings.resize_with(slot + 1, || None);
        }
        let here = self.readings[slot].as_ref().map(|reading| &reading.place);
        if place.is_some() && here == place.as_ref() {
            return (slot, false);
        }
        self.save(slot, states);
        let Some(place) = place else { return (slot, false) };
        let came_back = match states.find(&place).map(|path| self.host.restore_state(slot, path)) {
            Some(Ok(tokens)) => tokens > 0,
            Some(Err(_)) => {
                states.drop_at(&place);
                false
            }
            None => false,
        };
        self.readings[slot] = Some(Reading { place, tokens: 0 });
        (slot, came_back)
    }

    /// Saves what the expert has read in a slot. What cannot be saved is read again another time.
    pub fn save(&mut self, slot: usize, states: &States) {
        let Some(reading) = self.readings[slot].take() else { return };
        let bytes = u64::from(reading.tokens) * self.host.facts().cache_bytes_per_token;
        if bytes > 0 && self.host.is_idle() {
            states.keep(&reading.place, bytes, |path| self.host.save_state(slot, path).map(drop));
        }
    }
}

pub(super) fn placement(host: &Host) -> Placement {
    let runtime::host::Placement { device, layers, on_device, why } = host.facts().placement.clone();
    Placement { device, layers, on_device, why }
}

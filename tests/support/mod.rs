//! What the journeys through the real window stand on: a screen that nobody sees, a driver, and the page as a person
//! meets it.

pub mod app;
pub mod driver;
pub mod screen;
// The journeys meet a hub that does not fail.
#[allow(dead_code)]
pub mod hub;
#[allow(dead_code)]
pub mod toy;
// The window needs loopback, on which it is driven.
#[allow(dead_code)]
pub mod silence;

//! What the journeys through the real window stand on: a screen that nobody sees, a driver, and the page as a person
//! meets it.

pub mod app;
pub mod driver;
pub mod screen;

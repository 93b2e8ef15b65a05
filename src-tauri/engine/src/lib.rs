//! Engine: answers a question. No Tauri, no globals; the network for [`hub`] alone.
//!
//! The map, in the order that a question meets the rooms; [`ask`] strings them together and nothing else does:
//!
//! | room | does |
//! |---|---|
//! | [`read`] | domain, complexity and plain features of the question |
//! | [`retrieve`] | past answers that bear on it |
//! | [`route`] | which expert answers, with every term of every score |
//! | [`seat`] | the one place in memory: the last expert leaves, the next one loads, in a process of its own |
//! | [`compress`] | makes the recalled context fit the seated expert |
//! | [`reason`] | how the expert is asked, once or by a strategy; the answer streams |
//! | [`aggregate`] | of several experts' answers, the one |
//! | [`learn`] | keeps the answer for later questions |
//! | [`report`] | counts what ran, what it changed and what it cost |
//!
//! Stores, which rooms may use: [`archive`] (conversations and past answers), [`pool`] (the experts), [`packs`] (what a domain needs),
//! [`states`] (what experts have read), [`measured`] (what benchmarks found), [`lessons`] (who was right for which question),
//! [`abilities`] (who is able to what, fitted), [`playbook`] (what experts are told beside a question), [`prompts`] (in what words
//! experts are asked), [`hub`] (models from elsewhere), [`home`] (where files are),
//! [`settings`] and what the environment [`overrides`] of them. What an answer comes to: [`extract`]. What rooms hand each other: [`words`]; what comes out while it happens: [`events`]. The door to all of it: [`Engine`].

mod engine;

pub mod ask;
pub mod events;
pub mod extract;
pub mod words;

pub mod aggregate;
pub mod compress;
pub mod learn;
pub mod read;
pub mod reason;
pub mod report;
pub mod retrieve;
pub mod route;
pub mod seat;

pub mod abilities;
pub mod archive;
pub mod documents;
pub mod home;
pub mod hub;
pub mod lessons;
pub mod measured;
pub mod overrides;
pub mod packs;
pub mod playbook;
pub mod pool;
pub mod prompts;
pub mod settings;
pub mod states;

pub use engine::{Engine, Options};

//! The page's types, generated: `ui/src/api/bindings.ts` is exactly what [`text`] gives, and a test compares. After a
//! change to a type that crosses the bridge: `cargo xtask bindings`.

use std::any::TypeId;
use std::collections::{BTreeMap, HashSet};
use ts_rs::{Config, TS, TypeVisitor};

const HEAD: &str = "// Generated from the Rust types by `cargo xtask bindings`. Do not edit.\n";

/// What commands take and give; everything that these are made of follows by itself.
pub fn text() -> String {
    // Bytes and times as JavaScript has them: JSON knows no other number, and 2^53 bytes are 9 petabytes.
    let config = Config::new().with_large_int("number");
    let mut types = Types { config: &config, seen: HashSet::new(), declared: BTreeMap::new() };
    types.visit::<engine::words::Question>();
    types.visit::<engine::words::Failure>();
    types.visit::<engine::words::Plan>();
    types.visit::<engine::events::News>();
    types.visit::<engine::archive::Conversation>();
    types.visit::<engine::archive::Hits>();
    types.visit::<engine::documents::Added>();
    types.visit::<engine::documents::Found>();
    types.visit::<crate::documents::ReadingFiles>();
    types.visit::<engine::pool::Expert>();
    types.visit::<engine::pool::Edit>();
    types.visit::<engine::hub::Wanted>();
    types.visit::<engine::hub::AddedOutside>();
    types.visit::<engine::hub::Served>();
    types.visit::<engine::hub::TokenFrom>();
    types.visit::<engine::lessons::Lesson>();
    types.visit::<engine::abilities::Abilities>();
    types.visit::<engine::ask::Reflected>();
    types.visit::<engine::playbook::Added>();
    types.visit::<engine::playbook::Rewording>();
    types.visit::<crate::playbook::WholePlaybook>();
    types.visit::<crate::packs::AllPacks>();
    types.visit::<engine::settings::Settings>();
    types.visit::<crate::settings::Environment>();
    types.visit::<crate::settings::RolledBack>();
    types.visit::<engine::pool::FileState>();
    types.visit::<engine::report::ComponentStatus>();
    types.visit::<engine::report::dashboard::Dashboard>();
    types.visit::<engine::report::modes::ModeCost>();
    types.visit::<engine::report::compare::Comparison>();
    types.visit::<crate::reports::Opened>();
    types.visit::<crate::compare::Comparable>();
    types.visit::<engine::hub::Download>();
    types.visit::<engine::hub::Model>();
    types.visit::<engine::hub::OnDisk>();
    types.visit::<engine::hub::WithoutFile>();
    types.visit::<engine::hub::Discarded>();
    types.visit::<engine::hub::Pick>();
    types.visit::<engine::hub::Prospect>();
    types.visit::<engine::hub::Request>();
    types.visit::<engine::hub::Folder>();
    types.visit::<crate::hub::HubPlace>();
    types.visit::<crate::moving::Moving>();
    types.visit::<crate::drops::Drop>();
    types.visit::<crate::ask::Shown>();
    types.visit::<crate::archive::Turn>();
    types.visit::<crate::archive::Meaning>();
    types.visit::<crate::links::Link>();
    types.visit::<engine::archive::Logged>();
    types.visit::<engine::report::pruning::PoolReport>();
    types.visit::<engine::report::pruning::Entry>();
    types.visit::<crate::pruning::Replaying>();
    types.visit::<crate::pruning::Replayed>();
    types.visit::<crate::prompts::Searchable>();
    types.visit::<crate::prompts::PromptHistory>();
    types.visit::<crate::prompts::ShownPrompt>();
    types.visit::<engine::report::optimise::Far>();
    types.visit::<engine::report::optimise::Found>();
    types.visit::<engine::report::pipeline::Wish>();
    types.visit::<engine::report::pipeline::Going>();
    types.visit::<engine::report::pipeline::Pipeline>();
    types.visit::<crate::lab::Mixture>();
    types.visit::<crate::lab::TopicCount>();
    types.visit::<crate::lab::Calibrating>();
    types.visit::<crate::lab::Working>();
    types.visit::<crate::lab::SmallerFile>();
    types.visit::<lab::prune::Plan>();
    types.visit::<lab::prune::Curve>();
    types.visit::<lab::prune::Check>();
    let declarations: Vec<String> = types.declared.into_values().collect();
    format!("{HEAD}\n{}\n", declarations.join("\n\n"))
}

struct Types<'a> {
    config: &'a Config,
    seen: HashSet<TypeId>,
    /// By name, so that a new type moves no other line.
    declared: BTreeMap<String, String>,
}

impl TypeVisitor for Types<'_> {
    fn visit<T: TS + 'static + ?Sized>(&mut self) {
        // A type without a place of its own (a number, a list of something) is written where it is used.
        if T::output_path().is_none() || !self.seen.insert(TypeId::of::<T>()) {
            return;
        }
        let docs = T::docs().unwrap_or_default();
        let declaration = format!("{docs}export {}", T::decl(self.config));
        let before = self.declared.insert(T::ident(self.config), declaration);
        assert!(
            before.is_none(),
            "two types are called {}: `#[ts(rename)]` one of them",
            T::ident(self.config)
        );
        T::visit_dependencies(self);
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    #[test]
    fn the_committed_bindings_are_the_types() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("ui/src/api/bindings.ts");
        let now = super::text();
        if std::env::var_os("LECTERN_WRITE_BINDINGS").is_some() {
            std::fs::write(&file, &now).expect("ui/src/api is in the source tree and can be written");
        }
        let committed = std::fs::read_to_string(&file).unwrap_or_default().replace("\r\n", "\n");
        let differs = committed.lines().zip(now.lines()).find(|(old, new)| old != new);
        assert!(
            committed == now,
            "a type changed that the page uses: run `cargo xtask bindings` (first: {differs:?})"
        );
    }
}

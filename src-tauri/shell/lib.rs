//! The window: the only code that knows Tauri. It translates between the page and the engine and decides nothing.
//!
//! One file per room that the page can touch, each a few commands: [`ask`], [`seat`], [`archive`], [`documents`], [`pool`],
//! [`outside`], [`packs`], [`lessons`], [`playbook`], [`hub`], [`reports`], [`compare`], [`prompts`], [`pruning`], [`pipeline`], [`lab`], [`settings`],
//! [`links`]. Behind them one [`house::House`]: the engine, open or failed, the answers that
//! are running, and the [`library`], whose models may be [`moving`]. [`drops`] hears of files dragged over the window; [`markdown`] turns an answer into
//! the tree that the page draws; [`bindings`] writes the page's types.

pub mod apart;
pub mod archive;
pub mod ask;
pub mod bindings;
pub mod compare;
pub mod documents;
pub mod drops;
pub mod failure;
pub mod house;
pub mod hub;
pub mod lab;
pub mod lessons;
pub mod library;
pub mod links;
pub mod markdown;
pub mod moving;
pub mod opening;
pub mod outside;
pub mod packs;
pub mod pipeline;
pub mod playbook;
pub mod pool;
pub mod prompts;
pub mod pruning;
pub mod reports;
pub mod saving;
pub mod seat;
pub mod settings;

use house::House;
use tauri::plugin::TauriPlugin;
use tauri::{Manager, RunEvent, Runtime, Url, WindowEvent};

/// Opens the window and returns when it is closed.
pub fn run() {
    let app = tauri::Builder::default()
        .plugin(tauri_plugin_dialog::init())
        .plugin(only_our_own_page())
        .manage(House::open())
        .on_window_event(|window, event| {
            if let WindowEvent::DragDrop(event) = event {
                window.state::<House>().drops.hear(event);
            }
        })
        .invoke_handler(tauri::generate_handler![
            ask::ask,
            ask::stop,
            seat::route,
            seat::watch,
            seat::unseat,
            archive::conversations,
            archive::conversation,
            archive::delete_conversation,
            archive::rename_conversation,
            archive::forget,
            archive::rate,
            archive::search,
            archive::meaning,
            archive::fetch_encoder,
            archive::drop_encoder,
            documents::documents,
            documents::add_documents,
            documents::stop_reading,
            documents::refresh_documents,
            documents::remove_documents,
            documents::search_documents,
            documents::document_passages,
            pool::experts,
            pool::add_expert,
            pool::choose_file,
            pool::edit_expert,
            pool::remove_expert,
            pool::remove_build,
            pool::restore_build,
            pool::remove_unused,
            pool::restore_unused,
            pool::restore_expert,
            pool::take_back_expert,
            pool::free_removed,
            pool::pool_file,
            pool::import_pool,
            pool::export_pool,
            outside::add_endpoint,
            outside::key_from,
            outside::set_key,
            outside::remove_key,
            outside::served,
            packs::packs,
            packs::pack_at,
            packs::add_pack,
            packs::remove_pack,
            lessons::lessons,
            lessons::unlearn,
            playbook::playbook,
            playbook::add_bullet,
            playbook::edit_bullet,
            playbook::merge_bullets,
            playbook::retire_bullet,
            playbook::undo_bullet,
            playbook::reflect,
            playbook::abilities,
            hub::hub,
            hub::prospect,
            hub::picks,
            hub::find_models,
            hub::find_model,
            hub::stop_search,
            hub::folders,
            hub::watch_folders,
            moving::move_models,
            moving::go_on_moving,
            moving::stop_moving,
            moving::watch_move,
            hub::watch_downloads,
            hub::download,
            hub::pause_download,
            hub::resume_download,
            hub::cancel_download,
            hub::add_downloaded,
            hub::on_disk,
            hub::models_at,
            hub::set_token,
            hub::remove_token,
            hub::test_token,
            hub::requests,
            drops::watch_drops,
            settings::settings,
            settings::save_settings,
            settings::has_device_program,
            settings::environment,
            settings::obey_environment,
            settings::roll_back,
            settings::roll_forward,
            reports::status,
            reports::dashboard,
            reports::answers_behind,
            reports::export_metrics,
            reports::modes,
            compare::comparable,
            compare::compare,
            compare::stop_comparison,
            prompts::searchable,
            prompts::search_prompt,
            prompts::stop_search_prompt,
            prompts::prompt_history,
            prompts::prompts_of,
            prompts::use_prompt,
            prompts::restore_prompt,
            prompts::forget_search,
            pipeline::go_through_pool,
            pipeline::stop_going_through,
            pruning::pool_report,
            pruning::pool_answers,
            pruning::plan_pruning,
            pruning::replay_pruning,
            pruning::stop_replay,
            pruning::retire_experts,
            pruning::pool_history,
            pruning::export_pruning,
            lab::mixtures,
            lab::mixture_at,
            lab::question_topics,
            lab::scan_mixture,
            lab::plan_mixture,
            lab::curve_mixture,
            lab::check_mixture,
            lab::mask_mixture,
            lab::unmask_mixture,
            lab::write_mixture,
            lab::stop_mixture,
            links::host_of,
            links::open_link,
        ])
        .build(tauri::generate_context!());
    match app {
        Ok(app) => app.run(|app, event| {
            if let RunEvent::Exit = event {
                app.state::<House>().leave();
            }
        }),
        Err(error) => {
            // No window, so the terminal is the only place to say it.
            eprintln!(
                "Lectern cannot open a window: {error}. In a terminal, `lectern ask` answers without one."
            );
            std::process::exit(1);
        }
    }
}

/// The content policy says what the page may load; this says where it may go: nowhere.
fn only_our_own_page<R: Runtime>() -> TauriPlugin<R> {
    tauri::plugin::Builder::new("only-our-own-page").on_navigation(|_, url| is_our_own(url)).build()
}

fn is_our_own(url: &Url) -> bool {
    match (url.scheme(), url.host_str()) {
        // Where Tauri serves the embedded page: by scheme on Linux and macOS, by host on Windows.
        ("tauri", Some("localhost")) | ("http" | "https", Some("tauri.localhost")) => true,
        // The front end's development server, in builds that are made for it alone.
        ("http", Some("localhost")) => cfg!(not(feature = "custom-protocol")) && url.port() == Some(1420),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_stays_on_its_own_page() {
        for (address, stays) in [
            ("tauri://localhost/index.html", true),
            ("http://tauri.localhost/", true),
            ("https://example.com/", false),
            ("http://localhost:1420/", false),
            ("http://localhost:8080/", false),
            ("https://tauri.localhost.evil.test/", false),
            ("file:///etc/passwd", false),
            ("data:text/html,x", false),
            ("about:blank", false),
        ] {
            assert_eq!(is_our_own(&Url::parse(address).unwrap()), stays, "{address}");
        }
    }
}

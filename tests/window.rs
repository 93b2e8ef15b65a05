//! Journeys through the real window: the built app on a screen that nobody sees, driven by clicks and keys.
//!
//! Linux alone has a driver for the system's own WebView that needs nothing else; elsewhere this file says so.
#![allow(clippy::unwrap_used, reason = "a step of a journey that cannot be taken is the test's failure")]

#[cfg(target_os = "linux")]
mod support;

#[cfg(not(target_os = "linux"))]
#[test]
fn the_window_is_driven_on_linux_alone() {
    eprintln!("not run here: the journeys through the window need WebKitWebDriver, which is on Linux alone");
}

#[cfg(target_os = "linux")]
mod journeys {
    use crate::support::app::App;
    use crate::support::hub::FakeHub;
    use crate::support::silence::{Tried, is_possible};
    use crate::support::toy::Toy;
    use serde_json::json;
    use std::path::Path;
    use std::process::Command;

    /// The rooms in the order in which a question meets them, as the window names its steps.
    const STEPS: [&str; 6] = ["read", "retrieve", "route", "seat", "generate", "learn"];
    const ESCAPE: &str = "\u{E00C}";
    const BACKSPACE: &str = "\u{E003}";

    #[test]
    fn the_first_run_says_what_this_is_and_takes_a_question() {
        let app = App::open();
        app.see("composer");
        app.see("example");
        assert!(
            app.page().contains("stays on this machine"),
            "the first screen says that it is private:\n{}",
            app.page()
        );
        assert_eq!(app.count("answer"), 0);
        assert_eq!(app.count("conversation-item"), 0);
        assert_eq!(app.hosts(), Vec::<u32>::new(), "no expert is loaded before anybody asked");
        app.picture("first-run");
        app.click("example");
        let outcome = app.outcome("the answer to the first example");
        assert_eq!(outcome, "done", "an example that the first screen offers is answered:\n{}", app.page());
    }

    #[test]
    fn a_sum_is_answered_by_the_arithmetic_expert_and_the_path_is_drawn() {
        let app = App::open();
        let answer = app.ask("What is 384 + 97?");
        assert!(answer.contains("481"), "384 + 97 = 481, and the window shows:\n{answer}");
        for step in STEPS {
            assert_eq!(app.step(step), "done", "the step {step} is drawn");
        }
        app.reads("lectern-expert", "the arithmetic expert", |text| {
            text.to_lowercase().contains("arithmetic")
        });
        assert_eq!(app.hosts().len(), 1, "one expert, in one process of its own");
        app.wait("the conversation in the list", || (app.count("conversation-item") == 1).then_some(()));
        app.picture("answer");
        app.click("path-step-route");
        app.see("trace");
        app.picture("trace");
    }

    #[test]
    fn a_question_of_another_domain_swaps_the_expert_and_only_one_stays() {
        let app = App::open();
        app.ask("What is 384 + 97?");
        let first = app.hosts();
        app.ask("Convert 3 kilometres to metres.");
        app.reads("lectern-expert", "the units expert", |text| text.to_lowercase().contains("unit"));
        let second = app.hosts();
        assert_eq!((first.len(), second.len()), (1, 1), "one expert at a time");
        assert_ne!(first, second, "the first expert's process is gone");
        app.picture("swap");
    }

    #[test]
    fn a_like_question_shows_the_first_answer_as_a_source_which_can_be_forgotten() {
        let app = App::open();
        app.ask("What is 384 + 97?");
        let known = || {
            app.invoke("search", json!({ "text": "384 + 97", "limit": 10 }))["hits"].as_array().unwrap().len()
        };
        assert_eq!(known(), 1, "the answer is in the archive");
        app.ask("What is 384 plus 97?");
        assert_eq!(known(), 2);
        let source = app.read("source");
        assert!(source.contains("384 + 97"), "the source says what was asked then: {source}");
        app.picture("sources");
        app.click("source");
        app.click("forget-source");
        app.click("forget-source-confirm");
        app.wait("the source to be gone from the window", || (app.count("source") == 0).then_some(()));
        app.wait("the source to be gone from the archive", || (known() == 1).then_some(()));
    }

    #[test]
    fn a_stopped_answer_says_so_and_the_next_question_works() {
        let app = App::open();
        app.ask("What is 384 + 97?");
        // Halted by the system, the expert cannot finish before the button is pressed, however fast the machine.
        signal(app.hosts()[0], "STOP");
        app.begin("What is 12 + 31?");
        app.click("stop");
        assert_eq!(app.outcome("the end of the stopped answer"), "stopped");
        app.see("stopped");
        app.picture("stopped");
        let answer = app.ask("What is 12 + 30?");
        assert!(answer.contains("42"), "after a stop the next question is answered:\n{answer}");
        assert_eq!(app.hosts().len(), 1);
    }

    #[test]
    fn an_expert_killed_between_two_questions_comes_back_for_the_next_one() {
        let app = App::open();
        app.ask("What is 384 + 97?");
        let host = app.hosts()[0];
        signal(host, "KILL");
        let answer = app.ask("What is 15 + 27?");
        assert!(answer.contains("42"), "the expert comes back for the next question:\n{answer}");
        let hosts = app.hosts();
        assert!(
            hosts.len() == 1 && hosts != vec![host],
            "another process answers now: {hosts:?} after {host}"
        );
    }

    fn signal(process: u32, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &process.to_string()]).status().unwrap();
        assert!(sent.success(), "SIG{name} could not be sent to {process}");
    }

    #[test]
    fn an_answer_can_be_asked_again_and_by_an_expert_chosen_by_hand() {
        let app = App::open();
        app.ask("What is 384 + 97?");
        app.click("regenerate");
        app.wait("the new answer", || {
            (app.outcomes() == ["done"] && app.read("answer").contains("481")).then_some(())
        });

        app.driver.type_text(&app.see("composer"), "How many letters has the word lectern?");
        // The list is in the order of the scores, which come a moment after the last key.
        app.reads("choose-expert", "who would answer", |text| text.contains("0."));
        app.click("choose-expert");
        app.wait("the list of experts", || (app.count("expert-option") >= 5).then_some(()));
        app.picture("choose-expert");
        app.click("expert-option");
        app.click("send");
        app.wait("the second answer", || {
            let outcomes = app.outcomes();
            (outcomes.len() == 2 && ["done", "refused"].contains(&outcomes[1].as_str())).then_some(())
        });
        assert!(
            app.page().contains("by hand"),
            "the answer says that its expert was chosen by hand:\n{}",
            app.page()
        );
    }

    #[test]
    fn an_expert_of_ones_own_answers_and_leaves_the_pool_again() {
        let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/models/stories260K.gguf");
        if !model.exists() {
            eprintln!("not run here: {} is absent", model.display());
            return;
        }
        let app = App::open();
        // The system's dialog that picks a file is no part of the page; what follows it is.
        let added =
            app.invoke("add_expert", json!({ "path": model, "name": "stories", "domains": ["general"] }));
        assert_eq!(added["manifest"]["name"], "stories");
        app.reload();
        app.driver.type_text(&app.see("composer"), "Once upon a time");
        // The list is in the order of the scores, which come a moment after the last key.
        app.reads("choose-expert", "who would answer", |text| text.contains("0."));
        app.click("choose-expert");
        let option = "[data-testid='expert-option'][data-value='stories']";
        let option = app.wait("the new expert in the list", || app.driver.find(option));
        app.driver.click(&option);
        app.click("send");
        assert_eq!(app.outcome("the answer of the new expert"), "done");
        assert!(!app.read("answer").is_empty());

        app.invoke("remove_expert", json!({ "name": "stories" }));
        assert!(model.exists(), "a file that is not ours is never deleted");
        let left = app.invoke("experts", json!({}));
        assert!(left.as_array().unwrap().iter().all(|expert| expert["manifest"]["name"] != "stories"));
    }

    #[test]
    fn a_model_is_found_on_the_hub_downloaded_asked_and_removed() {
        const REPO: &str = "somebody/speller-GGUF";
        let hub = FakeHub::start();
        let folder = tempfile::tempdir().unwrap();
        let model = folder.path().join("toy.gguf");
        Toy { says: &["certainly"], ..Toy::default() }.write(&model);
        let bytes = std::fs::read(model).unwrap();
        let about = json!({
            "id": REPO, "gated": false, "downloads": 1234, "tags": ["license:apache-2.0"],
            "gguf": { "total": 689_664, "architecture": "llama", "context_length": 512 },
            "siblings": [{ "rfilename": "speller-F16.gguf", "size": bytes.len() }],
        });
        hub.put(REPO, "speller-F16.gguf", bytes);
        hub.describe(REPO, &about.to_string());
        let app = App::open_beside(&[("HF_ENDPOINT", &hub.endpoint())], |_| {});
        app.click("nav-experts");
        app.click("tab-find");
        app.wait("recommendations", || (app.count("pick") >= 3).then_some(()));
        assert!(hub.heard().is_empty(), "nothing is asked before the user asks");
        app.picture("find");
        app.driver.type_text(&app.see("search-hub"), "speller");
        app.click("search-hub-now");
        app.reads("result", "the repository that matches", |text| text.contains("speller"));
        app.picture("found");
        app.click("download-now");
        app.see("ask-it");
        app.picture("downloaded");
        app.click("tab-disk");
        app.wait("the expert on the disk", || (app.count("disk-expert") >= 1).then_some(()));
        app.picture("on-disk");
        app.click("ask-it");
        let answer = app.ask("Are you there?");
        assert!(answer.contains("certainly"), "the expert from the hub answers: {answer}");
        app.picture("asked-from-hub");
        app.click("nav-experts");
        app.click("tab-disk");
        app.click("remove-from-disk");
        app.click("remove-from-disk-confirm");
        app.see("undo-remove");
        assert!(!app.sees("ask-it"), "who was removed cannot be asked");
        assert_eq!(
            app.invoke("experts", json!({})).as_array().unwrap().len(),
            5,
            "the starters alone are left"
        );
        app.picture("removed");
    }

    #[test]
    fn a_watched_folder_offers_its_models_and_those_that_were_fetched_move_to_another() {
        const REPO: &str = "somebody/speller-GGUF";
        let (hub, folder) = (FakeHub::start(), tempfile::tempdir().unwrap());
        let at = |name: &str| folder.path().join(name);
        let model = |name: &str, says: &'static [&'static str]| {
            Toy { says, ..Toy::default() }.write(&at(name));
            std::fs::read(at(name)).unwrap()
        };
        hub.put(REPO, "speller-F16.gguf", model("made.gguf", &["certainly"]));
        std::fs::create_dir_all(at("shelf")).unwrap();
        // The settings say where models lie, not the environment.
        let app = App::open_beside(&[("HF_ENDPOINT", &hub.endpoint()), ("HF_HOME", "")], |_| {});
        let first = app.read("first-expert");
        assert!(first.contains("GB of memory"), "the first screen offers what fits this machine: {first}");
        assert!(hub.heard().is_empty(), "and nobody was asked for it");
        app.picture("first-expert");
        app.driver.resize(900, 600);
        app.picture("first-expert-small");
        app.driver.resize(1400, 900);

        let mut settings = app.invoke("settings", json!({}));
        settings["hub"]["folders"] = json!([at("shelf")]);
        app.invoke("save_settings", json!({ "settings": settings }));
        app.invoke("download", json!({ "repo": REPO, "file": "speller-F16.gguf" }));
        app.click("nav-experts");
        let card = |name: &str| format!("[data-testid='expert-card'][data-expert='{name}']");
        app.wait("the expert from the hub", || app.driver.find(&card("speller")));
        model("shelf/Reader-1B-Q4_0.gguf", &["one"]);
        app.wait("what came into the folder", || app.driver.find(&card("reader-1b")));
        model("shelf/Reader-1B-Q8_0.gguf", &["two"]);
        app.wait("its second file", || (app.count("build") == 2).then_some(()));
        app.driver
            .execute("document.querySelector(arguments[0]).scrollIntoView()", json!([card("reader-1b")]));
        app.picture("offered");
        app.driver.execute("document.documentElement.dataset.theme = 'dark'", json!([]));
        app.picture("offered-dark");
        std::fs::remove_file(at("shelf/Reader-1B-Q8_0.gguf")).unwrap();
        std::fs::remove_file(at("shelf/Reader-1B-Q4_0.gguf")).unwrap();
        app.wait("it to go with its files", || app.driver.find(&card("reader-1b")).is_none().then_some(()));

        app.click("tab-disk");
        app.see("folder");
        app.invoke("move_models", json!({ "folder": at("new") }));
        app.wait("the models in their new folder", || {
            app.driver.find("[data-testid='moving'][data-state='done']")
        });
        app.reads("disk-lead", "the files", |text| text.contains("model files"));
        app.picture("moved");
        let experts = app.invoke("experts", json!({}));
        let moved = experts.as_array().unwrap().iter().find(|expert| expert["manifest"]["name"] == "speller");
        assert!(moved.unwrap()["file"].as_str().unwrap().starts_with(at("new").to_str().unwrap()));
        app.click("nav-settings");
        app.click("theme-dark");
        app.see("move-models");
        app.driver
            .execute("document.getElementById('at-once').scrollIntoView({ block: 'nearest' })", json!([]));
        app.picture("settings-moved-dark");
        app.click("nav-experts");
        app.click("tab-disk");
        app.picture("on-disk-dark");
    }

    #[test]
    fn the_window_tries_to_reach_nobody_until_somebody_asks() {
        const INSIDE: &str = "LECTERN_TEST_IN_A_NAMESPACE";
        const ITS_NAME: &str = "journeys::the_window_tries_to_reach_nobody_until_somebody_asks";
        if std::env::var_os(INSIDE).is_none() {
            if !is_possible() {
                return;
            }
            // The whole journey once more where there is loopback, on which the window is driven, and nothing else.
            let script = "ip link set lo up && exec \"$0\" --exact \"$1\" --nocapture";
            let program = std::env::current_exe().unwrap();
            let inside = Command::new("unshare")
                .args(["--user", "--map-root-user", "--net", "--", "sh", "-c", script])
                .args([program.as_os_str(), ITS_NAME.as_ref()])
                .env(INSIDE, "1")
                .status();
            return assert!(inside.unwrap().success(), "the journey in the namespace failed");
        }
        // Nobody's address, where nobody answers (RFC 5737).
        let app = App::open_beside(&[("HF_ENDPOINT", "http://192.0.2.1:9")], |_| {});
        app.see("first-expert");
        app.ask("What is 384 + 97?");
        for page in ["nav-experts", "tab-find", "tab-disk", "nav-reports", "nav-settings"] {
            app.click(page);
        }
        app.see("move-models");
        assert_eq!(Tried::here(), Tried::default(), "somebody was to be reached, and nobody had asked");
        app.click("nav-experts");
        app.click("tab-find");
        app.driver.type_text(&app.see("search-hub"), "anything");
        app.click("search-hub-now");
        app.wait("the control: a search is heard", || (Tried::here().no_route > 0).then_some(()));
    }

    #[test]
    fn every_page_opens_and_the_experts_are_listed() {
        let app = App::open();
        app.ask("What is 384 + 97?");
        app.click("nav-experts");
        app.wait("five experts", || (app.count("expert-card") >= 5).then_some(()));
        app.picture("experts");
        app.click("nav-reports");
        app.see("status-table");
        app.picture("status");
        app.click("nav-settings");
        let background = || {
            let colour = "return getComputedStyle(document.body).backgroundColor";
            app.driver.execute(colour, json!([])).as_str().unwrap_or_default().to_owned()
        };
        app.click("theme-light");
        let light = background();
        app.picture("settings-light");
        app.click("theme-dark");
        app.wait("the window to be dark", || (background() != light).then_some(()));
        app.picture("settings-dark");
    }

    #[test]
    fn an_expert_is_retired_after_a_second_word_and_taken_back() {
        let app = App::open();
        app.ask("What is 384 + 97?");
        app.click("nav-reports");
        app.click("nav-pruning");
        app.wait("five experts", || (app.count("pruning-expert") >= 5).then_some(()));
        app.click("figure-performance");
        app.wait("the answer behind the figure", || (app.count("behind-answer") == 1).then_some(()));
        app.driver.type_text(&app.see("behind"), ESCAPE);
        app.wait("the dialog to close", || (!app.sees("behind")).then_some(()));

        app.wait("who would go", || (app.count("goes") > 0).then_some(()));
        app.click("measure-loss");
        app.reads("outcome-same", "what one question says", |text| text.contains("of 1"));
        assert!(app.read("outcome-loss").contains("not measured yet"), "one question tells no loss");
        app.picture("pruning");
        let retired = || {
            let experts = app.invoke("experts", json!({}));
            experts.as_array().unwrap().iter().filter(|expert| expert["retired"].is_number()).count()
        };
        app.click("retire");
        app.see("retire-sure");
        assert_eq!(retired(), 0, "nobody goes before the second word");
        app.click("retire-confirm");
        app.see("retired-now");
        assert!(retired() > 0);
        app.click("undo-retire");
        app.wait("all to be routed to again", || (retired() == 0).then_some(()));
        app.wait("both in the history", || (app.count("history-entry") >= 2).then_some(()));
    }

    #[test]
    fn what_was_measured_is_drawn_opened_and_compared() {
        let app = App::open();
        for number in [3, 4, 5, 6, 7] {
            app.ask(&format!("What is {number}00 + 97?"));
        }
        app.click("nav-reports");
        app.click("nav-latency");
        app.reads("figure-p50", "a time of five answers", |text| {
            text.contains("n = 5") && !text.contains("not measured")
        });
        assert!(app.read("figure-p99").contains("not measured yet"), "five answers have no 99th percentile");
        app.wait("the charts", || (app.count("chart") >= 2).then_some(()));
        app.picture("latency");
        app.click("figure-p50");
        app.wait("the answers behind the figure", || (app.count("answer-behind") == 5).then_some(()));
        app.driver.type_text(&app.see("answers"), ESCAPE);
        app.click("nav-routing");
        app.see("routing-experts");
        app.picture("routing");

        app.click("nav-compare");
        app.reads("compare-questions", "five past questions", |text| text.contains("(5)"));
        app.click("start-compare");
        app.reads("finding-total_ms", "that five are too few", |text| text.contains("20 tell something"));
        app.reads("agreement", "that both say the same", |text| text.contains("5 of 5"));
        app.reads("right-unknown", "that nobody knows what is right", |text| text.contains("not known"));
        app.picture("compare");
        assert_eq!(app.count("conversation-item"), 1, "comparing leaves no conversation");
        app.click("open-sides");
        app.wait("each question asked both ways", || (app.count("both") == 5).then_some(()));
    }

    #[test]
    fn a_model_goes_without_experts_inside_it_and_takes_them_back() {
        let app = App::open();
        for sum in 1..=6 {
            app.ask(&format!("What is {} + {}?", 210 + 17 * sum, 40 + 9 * sum));
        }
        app.click("nav-reports");
        app.click("nav-mixture");
        app.reads("mixture-model", "the shipped mixture", |text| text.contains("Generalist"));
        app.click("mixture-scan");
        app.wait("its profile", || (app.count("heat-cell") >= 32).then_some(()));
        app.click("score-count");
        app.driver.type_text(&app.see("keep"), "\u{E010}");
        app.reads("keep-said", "all but one to stay", |text| text.contains("7 of 8"));
        app.click("mixture-check");
        app.see("mixture-verdict");
        app.picture("mixture");
        let masked = || {
            let experts = app.invoke("experts", json!({}));
            let all = experts.as_array().unwrap().iter();
            all.filter(|expert| expert["manifest"]["implementations"][0]["mask"].is_object()).count()
        };
        app.click("mixture-mask");
        app.see("mixture-masked-now");
        assert_eq!(masked(), 1);
        app.click("mixture-write");
        app.reads("mixture-written", "the smaller file", |text| text.contains("bit for bit"));
        app.click("mixture-unmask");
        app.wait("all its experts to be used again", || (masked() == 0).then_some(()));
        assert_eq!(app.hosts(), Vec::<u32>::new(), "the model that was worked on is gone");
    }

    #[test]
    fn documents_are_listed_looked_up_cited_and_removed() {
        let app = App::open();
        let files = tempfile::tempdir().unwrap();
        let note = files.path().join("allotment.md");
        std::fs::write(
            &note, "# Allotment\n\nThe pump of plot 14 is serviced by Wilhelmina Okonkwo every March.\n",
        )
        .unwrap();
        std::fs::write(files.path().join("empty.txt"), "").unwrap();
        app.click("nav-documents");
        app.see("no-documents");
        // The system's own dialog cannot be driven: its paths are handed over here.
        let added =
            app.invoke("add_documents", json!({ "paths": [files.path()], "progress": "__CHANNEL__:0" }));
        assert_eq!(added["added"].as_array().unwrap().len(), 1, "{added}");
        assert_eq!(added["failed"][0]["failure"]["code"], "documents.empty", "{added}");
        app.click("nav-settings");
        app.click("nav-documents");
        app.wait("the document", || (app.count("document") == 1).then_some(()));
        app.driver.type_text(&app.see("search-documents"), "services the pump");
        app.wait("the passage", || (app.count("found-passage") == 1).then_some(()));
        app.picture("documents");
        app.driver.click(&app.driver.find("[data-testid=found-passage] button").unwrap());
        app.reads("document-read", "what was read", |text| text.contains("Wilhelmina Okonkwo"));
        app.driver.type_text(&app.see("document-read"), ESCAPE);
        app.click("new-conversation");
        app.ask("Who services the pump of plot 14?");
        app.see("source");
        app.click("nav-documents");
        app.driver.type_text(&app.see("search-documents"), &BACKSPACE.repeat(40));
        app.click("remove-document");
        app.click("remove-document-confirm");
        app.see("no-documents");
        assert!(note.is_file(), "the file stays");
    }

    #[test]
    fn a_small_window_needs_no_scrolling_sideways() {
        let app = App::open();
        app.ask("What is 384 + 97?");
        for (width, height) in [(900, 600), (720, 480)] {
            app.driver.resize(width, height);
            app.wait("the window's new size", || {
                (app.driver.execute("return innerWidth", json!([])) == json!(width)).then_some(())
            });
            let beyond = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
            assert_eq!(app.driver.execute(beyond, json!([])), json!(0), "at {width} x {height}");
            app.picture(&format!("small-{width}"));
        }
    }

    #[test]
    fn keys_alone_ask_and_leave_a_dialog() {
        let app = App::open();
        app.driver.type_text(&app.see("composer"), "What is 384 + 97?\u{E007}");
        assert_eq!(app.outcome("the answer to a question sent by Enter"), "done");
        app.ask("What is 384 plus 97?");
        app.click("source");
        let dialog = app.see("source-dialog");
        app.driver.type_text(&dialog, ESCAPE);
        app.wait("the dialog to close", || (!app.sees("source-dialog")).then_some(()));
    }

    #[test]
    fn conversations_are_found_by_their_words() {
        let app = App::open();
        app.ask("What is 384 + 97?");
        app.wait("the conversation in the list", || (app.count("conversation-item") == 1).then_some(()));
        let search = app.see("search-conversations");
        app.driver.type_text(&search, "zebra");
        app.wait("no conversation about a zebra", || (app.count("conversation-item") == 0).then_some(()));
        app.driver.type_text(&search, &(BACKSPACE.repeat("zebra".len()) + "384"));
        app.wait("the conversation about 384", || (app.count("conversation-item") == 1).then_some(()));
    }

    #[test]
    fn the_page_can_reach_no_remote_host() {
        let app = App::open();
        app.see("composer");
        let fetched = app.driver.execute_async(
            "const done = arguments[arguments.length - 1];
             const blocked = [];
             document.addEventListener('securitypolicyviolation', (event) => blocked.push(event.effectiveDirective));
             const picture = new Promise((settle) => {
               const image = new Image();
               image.onload = () => settle('loaded');
               image.onerror = () => settle('refused');
               image.src = 'https://example.com/picture.png';
             });
             const request = fetch('https://example.com/').then(() => 'loaded', () => 'refused');
             Promise.all([request, picture]).then((outcomes) => setTimeout(() => done({ outcomes, blocked }), 0));",
            json!([]),
        );
        assert_eq!(fetched["outcomes"], json!(["refused", "refused"]));
        // Without a network both fail anyway: that it was the policy is what counts.
        let blocked: Vec<&str> =
            fetched["blocked"].as_array().unwrap().iter().filter_map(|kind| kind.as_str()).collect();
        assert!(
            blocked.contains(&"connect-src") && blocked.contains(&"img-src"),
            "the policy refused {blocked:?} alone"
        );

        let address = || app.driver.execute("return location.href", json!([]));
        let before = address();
        app.driver.execute("location.href = 'https://example.com/'", json!([]));
        // A navigation that is refused leaves the page where it is, and alive.
        app.see("composer");
        assert_eq!(address(), before, "the window left its own page");

        let inline = "const script = document.createElement('script');
             script.textContent = 'window.reached = true'; document.body.append(script); return window.reached === true";
        assert_eq!(app.driver.execute(inline, json!([])), json!(false), "an inline script ran");
        assert_eq!(app.driver.execute("return typeof window.__TAURI__", json!([])), json!("undefined"));
    }

    #[test]
    fn a_home_that_cannot_be_opened_is_said_in_the_window_and_can_be_tried_again() {
        let app = App::open_with(|home| std::fs::write(home, "a file where the folder should be").unwrap());
        let failure = app.read("failure");
        assert!(failure.contains("lectern"), "the failure names the folder:\n{failure}");
        app.picture("failure");
        std::fs::remove_file(&app.home).unwrap();
        // In one go, because a part that works again takes its button away.
        let again = "const again = document.querySelector(\"[data-testid='failure'] button\");
             again?.click(); return again === null";
        app.wait("every part of the window to work after trying again", || {
            (app.driver.execute(again, json!([])) == json!(true)).then_some(())
        });
        assert!(app.home.is_dir(), "the house is open now");
        app.see("composer");
    }
}

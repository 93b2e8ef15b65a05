//! Route: who answers and why, on real pools; every score can be recomputed from what is shown.

#[allow(dead_code)]
#[path = "support/toy.rs"]
mod toy;
#[allow(dead_code)]
#[path = "support/toys.rs"]
mod toys;

use engine::words::{Plan, Question};
use serde_json::Value;
use std::process::Command;
use toy::Toy;
use toys::Toys;

fn two() -> Toys {
    Toys::with(&[("alpha", Toy::default()), ("beta", Toy::default())])
}

/// The score from the terms as they are printed, by the printed formula.
fn recomputed(candidate: &Value) -> f64 {
    let term = |name: &str| candidate["terms"][name].as_f64().expect("each term is a number");
    (0.6 * term("gate") + 0.4 * term("self")) * term("load") - term("swap")
}

fn every_score_can_be_recomputed(plan: &Plan) {
    // Through text, as anybody outside gets it.
    let printed: Value =
        serde_json::from_str(&serde_json::to_string(plan).expect("a plan is plain data")).expect("JSON");
    for candidate in printed["experts"].as_array().expect("a list") {
        let (shown, again) = (candidate["score"].as_f64().expect("a number"), recomputed(candidate));
        assert!((shown - again).abs() < 5e-7, "{candidate}: {again}");
    }
}

#[test]
fn a_question_goes_to_the_expert_of_its_domain_and_its_score_can_be_recomputed() {
    let toys = two();
    for (text, expert) in [("alpha: anything", "alpha"), ("beta: anything", "beta")] {
        let plan = toys.engine.route(text, None).expect("a plan");
        assert_eq!(plan.chosen, expert, "{}", plan.reason);
        every_score_can_be_recomputed(&plan);
    }
}

#[test]
fn the_seated_expert_costs_no_swap_and_a_measured_load_costs_its_time() {
    let toys = two();
    let swap = |text: &str, expert: &str| {
        let plan = toys.engine.route(text, None).expect("a plan");
        every_score_can_be_recomputed(&plan);
        plan.experts.iter().find(|candidate| candidate.name == expert).expect("it is listed").terms.swap
    };
    assert_eq!(swap("alpha: a", "alpha"), 0.05, "nothing was measured yet");
    let load_ms = toys.ask("alpha: a").expect("an answer").trace.seat.load_ms;
    assert_eq!(swap("alpha: a", "alpha"), 0.0, "it sits there");
    toys.ask("beta: a").expect("an answer");
    let expected = (load_ms / 1000.0 * 0.05).min(0.10);
    assert!((swap("alpha: a", "alpha") - expected).abs() < 1e-4, "0.05 a measured second");
}

#[test]
fn a_choice_by_hand_answers_and_is_traced() {
    let toys = two();
    let question = Question { expert: Some("beta".into()), ..Question::new("alpha: anything") };
    let answer = toys.listen(question, &mut |_| {}).expect("an answer");
    assert_eq!(answer.expert, "beta");
    let route = &answer.trace.route;
    assert!(route.by_hand && route.experts[0].name == "alpha", "what the router thought is still shown");
    every_score_can_be_recomputed(route);
}

#[test]
fn an_expert_whose_file_is_gone_is_not_asked() {
    let toys = two();
    std::fs::remove_file(toys.model("alpha")).expect("the toy is there");
    let plan = toys.engine.route("alpha: anything", None).expect("a plan");
    assert_eq!(plan.experts.iter().filter(|candidate| candidate.name == "alpha").count(), 0);
    let failure = toys.engine.route("x", Some("alpha")).expect_err("its file is gone");
    assert_eq!(failure.code, "expert_unavailable");
}

#[test]
fn routing_a_draft_loads_nothing() {
    let toys = two();
    toys.engine.route("alpha: anything", None).expect("a plan");
    assert_eq!(toys.engine.seat().0, engine::events::Seat::Empty);
}

#[test]
fn the_starters_are_chosen_for_what_they_are_made_for() {
    if engine::pool::gate().is_none() || engine::pool::shipped().len() < 5 {
        eprintln!("skipped: this build does not carry all five starters and the gate (cargo xtask train)");
        return;
    }
    let home = tempfile::tempdir().expect("a temporary folder");
    let asked = [
        ("What is 384 + 97?", "arithmetic"),
        ("How many meters are 5 kilometers?", "units"),
        ("Reverse the word lantern", "words"),
        ("Write a Python function that checks if a number is even", "code"),
        ("Who wrote the Iliad?", "generalist"),
    ];
    for (text, expert) in asked {
        let output = Command::new(env!("CARGO_BIN_EXE_lectern"))
            .env("LECTERN_HOME", home.path())
            .args(["route", text, "--json"])
            .output()
            .expect("the command line starts");
        let plan: Value = serde_json::from_slice(&output.stdout).expect("one JSON document");
        let best = plan["experts"].as_array().expect("a list").iter().find(|e| e["name"] == expert);
        assert!(
            best.is_some_and(|best| (best["score"].as_f64().unwrap_or(-1.0) - recomputed(best)).abs() < 5e-7)
        );
        assert_eq!(plan["chosen"], expert, "{text}: {}", plan["reason"]);
        for field in ["domain", "complexity", "abstained", "elapsed_ms"] {
            assert!(!plan[field].is_null(), "{field} is told");
        }
    }
}

/// A score from its terms, by their names.
type Formula<'f> = &'f dyn Fn(&dyn Fn(&str) -> f64) -> f64;

#[test]
fn the_scores_of_other_arms_come_out_of_their_terms_to_the_digit() {
    if engine::pool::gate().is_none() || engine::pool::shipped().len() < 5 {
        eprintln!("skipped: this build does not carry all five starters and the gate (cargo xtask train)");
        return;
    }
    let home = tempfile::tempdir().expect("a temporary folder");
    let ranked = |arm: &str| -> Value {
        let output = Command::new(env!("CARGO_BIN_EXE_lectern"))
            .env("LECTERN_HOME", home.path())
            .args(["route", "What is 384 + 97?", "--arm", arm, "--json"])
            .output()
            .expect("the command line starts");
        serde_json::from_slice(&output.stdout).expect("one JSON document")
    };
    let of = |arm: &str, formula: Formula| {
        let found = ranked(arm);
        assert_eq!(found["arm"], arm);
        assert!(found["formula"].as_str().is_some_and(|formula| !formula.is_empty()));
        let experts = found["experts"].as_array().expect("a list");
        assert!(experts.len() >= 5);
        for expert in experts {
            let term = |name: &str| expert["terms"][name].as_f64().unwrap_or(f64::INFINITY);
            let score = expert["score"].as_f64().expect("a number");
            // Half of the sixth decimal, and the last bit of 32.
            assert!((score - formula(&term)).abs() < 5e-7 + 2e-7, "{arm}: {expert}");
        }
        found["chosen"].as_str().map(str::to_owned)
    };
    let heuristic = of("heuristic", &|term| {
        (1.0 + 0.3 * term("domain") + (0.5 - 0.1 * term("complexity_distance")).max(0.0))
            * (0.7 + 0.3 * term("success"))
            / term("priority")
    });
    assert_eq!(heuristic.as_deref(), Some("arithmetic"));
    of("rank", &|term| {
        0.5 * term("success")
            + 0.3 * (1.0 - term("load") / term("max_load"))
            + 0.2 * (1.0 / term("latency_s")).min(1.0)
    });
    of("keywords", &|term| term("keywords"));
    of("all", &|term| if term("self") >= term("threshold") { 1.0 } else { 0.0 });
}

#[test]
fn a_question_asked_again_of_another_expert_is_learned_from_until_it_is_taken_back() {
    let toys = two();
    let text = "alpha: how do I prune my roses in spring?";
    let before = toys.ask(text).expect("an answer");
    assert_eq!(before.expert, "alpha");
    assert_eq!(before.trace.route.taught, None);
    let again = Question {
        expert: Some("beta".into()),
        replaces: Some(before.id.clone()),
        conversation: Some(before.conversation),
        ..Question::new(text)
    };
    let again = toys.listen(again, &mut |_| {}).expect("an answer");

    let chosen = |text: &str| {
        let plan = toys.engine.route(text, None).expect("a plan");
        every_score_can_be_recomputed(&plan);
        plan
    };
    let plan = chosen(text);
    assert_eq!(plan.chosen, "beta", "{}", plan.reason);
    let taught = plan.taught.expect("it says what it was taught");
    let gate = |name: &str| plan.experts.iter().find(|e| e.name == name).expect("it is there").terms.gate;
    let left = 1.0 - taught.experts.iter().map(|expert| expert.right).sum::<f32>();
    for expert in &taught.experts {
        // Toys' gates are sure to a thousandth: alpha 1, beta 0.
        let untaught = f32::from(u8::from(expert.name == "alpha"));
        let expected = (left * untaught + expert.right) * (1.0 - expert.wrong);
        assert!((gate(&expert.name) - expected).abs() < 5e-3, "{expert:?}: {}", gate(&expert.name));
    }
    assert_eq!(chosen("alpha: what is 17 times 23?").chosen, "alpha", "nothing else is forgotten");
    assert_eq!(chosen("alpha: a letter to my landlord").chosen, "alpha");

    let lessons = toys.engine.lessons();
    let known: Vec<(String, bool)> =
        lessons.list().expect("a list").into_iter().map(|lesson| (lesson.expert, lesson.right)).collect();
    assert_eq!(known, [("alpha".into(), false), ("beta".into(), true)]);
    // Forgetting the answer forgets what was learned from it.
    toys.engine.archive().forget(&again.id).expect("it is there");
    assert_eq!(chosen(text).chosen, "alpha");
}

#[test]
fn a_thumb_down_turns_the_question_away_from_its_expert_until_it_is_taken_back() {
    let toys = two();
    let text = "alpha: how do I prune my roses in spring?";
    let answer = toys.ask(text).expect("an answer");
    let gate = || {
        let plan = toys.engine.route(text, None).expect("a plan");
        plan.experts.iter().find(|expert| expert.name == "alpha").expect("it is there").terms.gate
    };
    let before = gate();
    assert!(toys.engine.rate(&answer.id, -1).expect("it is rated"));
    assert!(gate() < before / 2.0, "{} after {before}", gate());
    assert!(toys.engine.rate(&answer.id, 0).expect("it is rated"));
    assert_eq!(gate(), before);
    assert!(!toys.engine.rate("nobody", -1).expect("nothing to rate"));
}

#[test]
fn the_command_line_teaches_lists_and_takes_back() {
    if engine::pool::gate().is_none() || engine::pool::shipped().len() < 5 {
        eprintln!("skipped: this build does not carry all five starters and the gate (cargo xtask train)");
        return;
    }
    let home = tempfile::tempdir().expect("a temporary folder");
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_lectern"))
            .env("LECTERN_HOME", home.path())
            .args(arguments)
            .arg("--json")
            .output()
            .expect("the command line starts");
        let said: Value = serde_json::from_slice(&output.stdout).expect("one JSON document");
        (said, output.status.code())
    };
    let question = "Count the syllables of the haiku about the frog and the old pond";
    let chosen = || run(&["route", question]).0["chosen"].clone();
    let before = chosen();
    let right = if before == "words" { "code" } else { "words" };
    assert_eq!(run(&["lessons", "add", question, "--expert", right]).0["added"], 1);
    assert_eq!(chosen(), right);
    assert_eq!(run(&["lessons", "list"]).0[0]["question"], question);
    let (said, code) = run(&["lessons", "add", question, "--expert", "nobody"]);
    assert_eq!((said["error"]["code"].as_str(), code), (Some("pool.not_found"), Some(1)), "{said}");
    assert_eq!(run(&["lessons", "remove", "--all"]).0["removed"], 1);
    assert_eq!(chosen(), before);
}

/// Three of CLINC150's topics; the gate was taught that they are nobody's.
const TOPICS: [(&str, &[&str]); 3] = [
    (
        "banking",
        &[
            "transfer", "transactions", "balance", "freeze_account", "pay_bill", "bill_balance", "bill_due",
            "interest_rate", "routing", "min_payment", "order_checks", "pin_change", "report_fraud",
            "account_blocked", "spending_history",
        ],
    ),
    (
        "kitchen",
        &[
            "recipe", "restaurant_reviews", "calories", "nutrition_info", "restaurant_suggestion",
            "ingredients_list", "ingredient_substitution", "cook_time", "food_last", "meal_suggestion",
            "restaurant_reservation", "confirm_reservation", "how_busy", "cancel_reservation",
            "accept_reservations",
        ],
    ),
    (
        "travel",
        &[
            "plug_type", "travel_notification", "translate", "flight_status", "international_visa",
            "timezone", "exchange_rate", "travel_suggestion", "travel_alert", "vaccines", "lost_luggage",
            "book_flight", "book_hotel", "carry_on", "car_rental",
        ],
    ),
];

#[test]
fn three_hundred_lessons_teach_a_new_kind_of_question_and_nothing_is_forgotten() {
    let data = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/routing");
    let Ok(clinc) = std::fs::read_to_string(data.join("clinc150.json")) else {
        eprintln!("skipped: no CLINC150 here");
        return;
    };
    let clinc: Value = serde_json::from_str(&clinc).expect("JSON");
    let mut asked: Vec<(&str, &str)> = ["train", "val", "test"]
        .iter()
        .flat_map(|part| clinc[part].as_array().expect("a list"))
        .filter_map(|pair| Some((pair[0].as_str()?, pair[1].as_str()?)))
        .collect();
    // In an order that no intent has a part in.
    asked.sort_by_key(|(text, _)| {
        text.bytes().fold(0u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    });
    let mbpp = std::fs::read_to_string(data.join("mbpp.jsonl")).expect("beside it");
    let known: Vec<String> = mbpp
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok()?["text"].as_str().map(str::to_owned))
        .chain((100..500).map(|n| format!("What is {n} + {}?", n * 7 % 900)))
        .chain((2..400).map(|n| format!("How many centimetres are {n}.5 metres?")))
        .collect();

    let toys = Toys::with(&[("topic", Toy::default())]);
    let home = tempfile::tempdir().expect("a temporary folder");
    let options = engine::Options { gate: None, ..toys::options(&[], None) };
    let engine = engine::Engine::open(engine::home::Home::at(home.path()), options).expect("an engine");
    engine.pool().add(&toys.model("topic"), "topic", &["a new kind".into()]).expect("it can be run");
    let route = |text: &str| engine.route(text, None).expect("a plan").chosen;
    let before: Vec<String> = known.iter().map(|text| route(text)).collect();

    for (topic, intents) in TOPICS {
        let (of_it, others): (Vec<_>, Vec<_>) =
            asked.iter().partition(|(_, intent)| intents.contains(intent));
        let share = |texts: &[&(&str, &str)]| {
            texts.iter().filter(|(text, _)| route(text) == "topic").count() as f64 / texts.len() as f64
        };
        let (taught, held_out) = of_it.split_at(300);
        let (held_out, others) = (&held_out[..500], &others[..600]);
        let right_before = share(held_out);
        let (source, turn) = (engine::lessons::TaughtBy::Told, None);
        let lessons = taught.iter().map(|(question, _)| engine::lessons::New {
            question,
            expert: "topic",
            right: true,
            source,
            turn,
        });
        engine.lessons().add(&lessons.collect::<Vec<_>>()).expect("they are kept");
        let right = share(held_out);
        let drawn = share(others);
        let changed = known.iter().zip(&before).filter(|(text, before)| route(text) != **before).count();
        let changed = changed as f64 / known.len() as f64;
        eprintln!(
            "{topic}: {right_before:.3} -> {right:.3}; others drawn along {drawn:.3}; changed {changed:.4}"
        );
        assert!(right > right_before + 0.5, "{topic} is learned: {right_before} -> {right}");
        assert!(drawn < 0.12, "{topic}: {drawn} of other everyday questions");
        assert!(changed < 0.01, "{topic}: {changed} of what it knew");
        engine.lessons().remove(None).expect("they are taken back");
    }
}

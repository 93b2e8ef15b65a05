//! Model pruning and the pool: several sizes tried at once, rounding as the rival, a mask that comes off again, and the
//! new file as a build of its expert.
#![allow(clippy::unwrap_used)]

#[path = "support/mixture.rs"]
#[allow(dead_code, reason = "shared with the tests of the commands")]
mod mixture;
#[path = "reference/recipe.rs"]
mod recipe;
#[path = "support/speller.rs"]
#[allow(dead_code, reason = "shared with tests of other models")]
mod speller;

use mixture::{Bench, lists, text, toy};
use serde_json::{Value, json};

/// Nothing is recalled: each expert is asked the same.
const MODE: &str = "--mode=basic";

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is a number"))
}

impl Bench {
    fn answer(&self, expert: &str) -> String {
        let answer = self.json(&["ask", "the story", "--expert", expert, MODE]);
        answer["answer"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }
}

#[test]
fn a_curve_says_of_every_size_what_the_check_says() {
    let bench = toy(48);
    bench.scan();
    let curve = ["prune", "curve", text(&bench.model), "scan.json", "--held-out", "held.jsonl"];
    let drawn = bench.json(&[&curve[..], &["--guard", "q.jsonl"]].concat());
    let points = drawn["points"].as_array().unwrap();
    let sizes: Vec<f64> = points.iter().map(|point| number(&point["bytes"])).collect();
    assert!(sizes.is_sorted() && points.len() >= 6, "{sizes:?}");
    // Six are used in the layer that uses the most: from there on nothing is lost, and less is lost with more.
    let lossless = points.iter().filter(|point| number(&point["held_out"]["loss"]["mean"]) == 0.0);
    assert!(lossless.clone().all(|point| number(&point["kept"]) >= 10.0), "{drawn}");
    let front: Vec<f64> = points
        .iter()
        .filter(|point| point["pareto"] == true)
        .map(|point| number(&point["held_out"]["loss"]["mean"]))
        .collect();
    assert!(front.windows(2).all(|pair| pair[1] < pair[0]) && front.last() == Some(&0.0), "{front:?}");
    let half = points.iter().find(|point| point["how"]["keep"] == 0.5 && point["how"]["per_layer"] == false);
    let half = half.unwrap();
    bench.plan(&["--keep", "0.5"]);
    let check = bench.check(&["--guard", "q.jsonl"]);
    assert_eq!((&half["held_out"], &half["guard"]), (&check["held_out"], &check["guard"]));
    assert_eq!(half["bytes"], check["bytes_after"]);
    let written = bench.json(&bench.write_arguments(&["--unchecked"]));
    let off = number(&written["bytes_after"]) - number(&half["bytes"]);
    assert!(off.abs() < 200.0, "the size was foretold, but for what the file says of its check: {off}");
}

#[test]
fn rounding_to_the_same_size_is_measured_as_the_rival() {
    let bench = toy(64);
    bench.scan();
    bench.plan(&["--keep", "0.5"]);
    let check = bench.check(&["--guard", "q.jsonl", "--rival"]);
    let rival = &check["rival"];
    // 32-bit floats halved: eight bits and a half are the largest type below.
    assert_eq!(rival["storage"], "Q8_0", "{check}");
    assert!(number(&rival["bytes"]) <= number(&check["bytes_after"]), "{check}");
    let (loss, agreement) =
        (&rival["held_out"]["loss"]["mean"], &rival["held_out"]["top1_agreement"]["mean"]);
    // Eight bits a weight move every probability a little, and no choice of a token by much.
    assert!(number(loss).abs() < 0.02 && number(&rival["held_out"]["kl_mean"]["mean"]) > 0.0, "{rival}");
    assert!(number(agreement) > 0.9 && rival["guard"]["questions"] == 4, "{rival}");
    assert_eq!(rival["held_out"]["perplexity_before"], check["held_out"]["perplexity_before"]);
    assert!(number(&check["before"]["tokens_per_s"]) > 0.0, "{check}");
    // Nobody asked: nothing is said.
    assert_eq!(bench.check(&[])["rival"], Value::Null);
}

#[test]
fn a_mask_gives_the_text_of_the_written_file_and_comes_off_again() {
    let bench = toy(48);
    bench.json(&["experts", "add", text(&bench.model), "--name", "toy"]);
    let whole = bench.answer("toy");
    bench.scan();
    bench.plan(&["--keep", "0.5"]);
    bench.keep(&json!([[0, 1, 2, 4], [0, 2, 3, 7]]));
    assert_eq!(bench.error(&["prune", "mask", "toy", "plan.json"])["code"], "prune.blocked");
    let masked = bench.json(&["prune", "mask", "toy", "plan.json", "--unchecked"]);
    assert_eq!(masked["manifest"]["implementations"][0]["mask"]["layers"][0]["kept"], json!([0, 1, 2, 4]));
    let without = bench.answer("toy");
    assert_ne!(without, whole, "those who went were asked");
    // The file that is cut says the same, and becomes a build of the expert.
    bench.json(&bench.write_arguments(&["--unchecked", "--expert", "toy"]));
    bench.json(&["prune", "unmask", "toy"]);
    assert_eq!(bench.answer("toy"), whole);
    let shown = bench.json(&["experts", "use", "toy", text(&bench.at("new.gguf"))]);
    let builds = shown["manifest"]["implementations"].as_array().unwrap();
    assert_eq!(builds[1]["pruned"], "4 of 8 experts in each layer, by reap, check: not checked", "{shown}");
    assert_eq!(bench.answer("toy"), without);
    // A mask is of one file.
    let refused = bench.error(&["prune", "mask", "toy", "plan.json", "--unchecked"]);
    assert_eq!(refused["code"], "prune.other_model", "{refused}");
}

#[test]
fn a_starter_can_be_masked_and_its_cut_becomes_an_expert_of_its_own() {
    let bench = toy(48);
    let shown = bench.json(&["experts", "show", "generalist"]);
    let file = shown["file"].as_str().unwrap().to_owned();
    bench.lines("q.jsonl", &["What is 17 * 23?", "How many metres are 3 km?", "Reverse the word cat."]);
    bench.json(&["prune", "scan", &file, "--calibrate", "q.jsonl", "--out", "scan.json"]);
    bench.plan(&["--keep", "0.75", "--score", "aimer"]);
    bench.json(&["prune", "mask", "generalist", "plan.json", "--unchecked"]);
    let ask = |expert: &str| {
        let answer = bench.json(&["ask", "What is 6 * 7?", "--expert", expert, MODE]);
        answer["answer"].as_str().unwrap().to_owned()
    };
    let without = ask("generalist");
    let write =
        ["prune", "write", &file, "plan.json", "--out", "g.gguf", "--unchecked", "--expert", "generalist"];
    let written = bench.json(&write);
    assert_eq!(written["same_logits"], true);
    assert!(
        number(&written["after"]["tokens_per_s"]) > 0.0 && number(&written["before"]["memory_bytes"]) > 0.0
    );
    assert_eq!(ask("generalist-pruned"), without);
    bench.json(&["prune", "unmask", "generalist"]);
    let experts = bench.json(&["experts", "show", "generalist"]);
    assert_eq!(experts["manifest"]["implementations"][0]["mask"], Value::Null);
    // A file that comes from another model is no build of it.
    let foreign =
        ["prune", "write", text(&bench.model), "plan.json", "--out", "n.gguf", "--expert", "nobody"];
    bench.json(&["prune", "scan", text(&bench.model), "--out", "scan.json"]);
    bench.plan(&["--keep", "0.75", "--score", "aimer"]);
    assert_eq!(bench.error(&[&foreign[..], &["--unchecked"]].concat())["code"], "pool.not_found");
    assert!(!bench.at("n.gguf").exists(), "said before anything is written");
    assert_eq!(lists(&bench.plan(&["--keep", "0.75", "--score", "aimer"]), "protected"), [[0u32; 0]; 2]);
}

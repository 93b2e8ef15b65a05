//! Model pruning from the command line: what the scan finds, what the plan keeps, what the check foretells, and what the
//! new file says.
#![allow(clippy::unwrap_used)]

#[path = "support/mixture.rs"]
mod mixture;
#[path = "reference/recipe.rs"]
mod recipe;
#[path = "support/speller.rs"]
mod speller;

use std::path::Path;
use std::process::{Child, Command, Stdio};

use mixture::{Bench, IDLE, LECTERN, lists, sha256, text, toy};
use runtime::gguf::{Header, Value as Key};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

#[test]
fn experts_that_nobody_asks_are_found_cut_and_not_missed() {
    let bench = toy(48);
    let scan = bench.scan();
    assert_eq!(lists(&scan, "idle"), IDLE);
    assert_eq!(scan["calibration"]["enough"], true, "{}", scan["calibration"]);
    for score in ["count", "gate", "norm_mean", "norm_sum", "norm_squared", "reap", "easy_ep", "aimer"] {
        assert!(scan["layers"][0]["experts"][0][score].as_f64().unwrap() > 0.0, "{score}");
    }
    let plan = bench.plan(&["--keep", "0.75"]);
    let kept = lists(&plan, "kept");
    assert_eq!(kept[0], [0, 2, 3, 5, 6, 7]);
    assert!([1, 4, 5, 6].iter().all(|busy| kept[1].contains(busy)) && kept[1].len() == 6, "{kept:?}");
    assert_eq!(plan["coverage"]["count"], 1.0);

    let refused = bench.error(&bench.write_arguments(&[]));
    assert_eq!(refused["code"], "prune.blocked", "{refused}");
    let check = bench.check(&["--limit", "0"]);
    assert_eq!(check["outcome"], "passed", "{check}");
    let delta = &check["held_out"];
    assert_eq!((&delta["loss"]["mean"], &delta["loss"]["high"]), (&json!(0.0), &json!(0.0)));
    assert_eq!((&delta["kl_mean"]["mean"], &delta["kl_p99"]), (&json!(0.0), &json!(0.0)));
    assert_eq!((&delta["top1_agreement"]["mean"], &delta["questions"]), (&json!(1.0), &json!(3)));
    assert_eq!(delta["perplexity_before"], delta["perplexity_after"]);

    let (before, old) = (sha256(&bench.model), std::fs::read(&bench.model).unwrap());
    let written = bench.json(&bench.write_arguments(&[]));
    assert_eq!(sha256(&bench.model), before, "the source is not touched");
    assert_eq!((&written["same_logits"], &written["experts"]), (&json!(true), &json!(6)));
    let new = bench.at("new.gguf");
    assert_eq!(written["bytes_after"], std::fs::metadata(&new).unwrap().len());
    assert_eq!(bench.says(&new), bench.says(&bench.model), "word for word");
    assert_eq!(bench.parts(), [""; 0]);

    let (was, is) = (Header::read(&bench.model).unwrap(), Header::read(&new).unwrap());
    assert_eq!((is.alignment(), is.get("llama.expert_count")), (64, Some(Key::U32(6))));
    assert_eq!(is.text("lectern.prune.score").unwrap(), Some("reap"));
    assert_eq!(is.text("lectern.prune.check").unwrap(), Some("passed"));
    assert_eq!(is.get("tokenizer.ggml.tokens"), was.get("tokenizer.ggml.tokens"));
    let blocks = written["kept"].as_array().unwrap();
    assert_eq!(blocks.len(), 2 * 4 * 6);
    for block in blocks {
        let (tensor, expert) = (block["tensor"].as_str().unwrap(), block["expert"].as_u64().unwrap());
        let tensor = was.tensor(tensor).unwrap();
        let each = tensor.bytes / 8;
        let bytes = &old[(tensor.offset + expert * each) as usize..][..each as usize];
        assert_eq!(block["sha256"], format!("{:x}", Sha256::digest(bytes)), "{block}");
    }
}

#[test]
fn a_cut_that_hurts_is_foretold_and_blocked() {
    let bench = toy(48);
    bench.scan();
    bench.plan(&["--keep", "0.5"]);
    bench.keep(&json!([[0, 1, 2, 4], [0, 2, 3, 7]]));
    bench.lines("guard.jsonl", &["the story", "abc"]);
    let check = bench.check(&["--guard", "guard.jsonl", "--limit", "0.01"]);
    assert_eq!(check["outcome"], "blocked", "{check}");
    assert!(check["held_out"]["loss"]["mean"].as_f64().unwrap() > 0.01, "{check}");
    assert!(check["guard"]["kl_mean"]["low"].as_f64().unwrap() > 0.0, "{check}");
    let refused = bench.error(&bench.write_arguments(&[]));
    assert!(refused["message"].as_str().unwrap().contains("nats worse"), "{refused}");
    assert!(!bench.at("new.gguf").exists());
    // Who wants it all the same gets what was said, and the file says so.
    let written = bench.json(&bench.write_arguments(&["--unchecked"]));
    assert_eq!(written["same_logits"], true);
    let header = Header::read(&bench.at("new.gguf")).unwrap();
    assert_eq!(header.text("lectern.prune.check").unwrap(), Some("blocked"));
}

#[test]
fn a_plan_for_layers_that_differ_becomes_a_file_of_one_number() {
    let bench = toy(48);
    bench.scan();
    // 10 of 16: after the floor of two, the experts with a part in their layer's score.
    let plan = bench.plan(&["--keep", "0.625", "--per-layer"]);
    assert_eq!(lists(&plan, "kept"), [vec![0, 2, 3, 5, 6, 7], vec![1, 4, 5, 6]]);
    assert_eq!(bench.check(&["--limit", "0"])["outcome"], "passed");
    let written = bench.json(&bench.write_arguments(&[]));
    assert_eq!((&written["experts"], &written["filled"]), (&json!(6), &json!({ "1": 2 })));
    assert_eq!(written["same_logits"], true);
    assert_eq!(bench.says(&bench.at("new.gguf")), bench.says(&bench.model));
}

#[test]
fn a_plan_that_is_changed_after_its_check_is_not_written() {
    let bench = toy(48);
    bench.scan();
    bench.plan(&["--keep", "0.75"]);
    assert_eq!(bench.check(&[])["outcome"], "passed");
    bench.keep(&json!([[0, 1, 2, 3, 4, 5], [0, 1, 2, 3, 4, 5]]));
    let refused = bench.error(&bench.write_arguments(&[]));
    assert!(refused["message"].as_str().unwrap().contains("changed after it was checked"), "{refused}");
    // Nor is one for another file, nor one over the model itself.
    let other = toy(64);
    let write = ["prune", "write", text(&other.model), "plan.json", "--out", "new.gguf", "--unchecked"];
    assert_eq!(bench.error(&write)["code"], "prune.other_model");
    let over =
        ["prune", "write", text(&bench.model), "plan.json", "--out", text(&bench.model), "--unchecked"];
    let before = sha256(&bench.model);
    assert_eq!(bench.run(&over).status.code(), Some(2));
    #[cfg(unix)]
    {
        // Nor by another name for it.
        std::os::unix::fs::symlink(&bench.model, bench.at("new.gguf")).unwrap();
        assert_eq!(bench.run(&bench.write_arguments(&["--unchecked"])).status.code(), Some(2));
    }
    assert_eq!(sha256(&bench.model), before);
    // Nor one that takes nothing away, nor into a folder that is not there.
    let write =
        ["prune", "write", text(&bench.model), "plan.json", "--unchecked", "--out", "absent/new.gguf"];
    let refused = bench.error(&write);
    assert!(refused["message"].as_str().unwrap().contains("absent/new.gguf"), "{refused}");
    bench.plan(&["--keep", "1"]);
    assert_eq!(bench.error(&write)["code"], "prune.nothing");
}

#[test]
fn weights_topics_and_given_answers_count() {
    let bench = toy(48);
    let line =
        |question: &str, weight: f64| json!({ "question": question, "answer": "true", "weight": weight });
    std::fs::write(bench.at("q.jsonl"), format!("{}\n{}", line("abc", 1.0), line("the story", 1.0))).unwrap();
    let plain = bench.scan();
    std::fs::write(bench.at("q.jsonl"), format!("{}\n{}", line("abc", 3.0), line("the story", 3.0))).unwrap();
    let heavy = bench.scan();
    assert_eq!(plain["calibration"]["own_answers"], 0);
    assert_eq!(plain["calibration"]["enough"], false, "a few words are not enough: {}", plain["calibration"]);
    let of = |scan: &Value, key: &str| scan["layers"][1]["experts"][5][key].as_f64().unwrap();
    assert!(of(&plain, "count") > 0.0);
    assert_eq!(
        (of(&heavy, "count"), of(&heavy, "tokens")),
        (3.0 * of(&plain, "count"), of(&plain, "tokens"))
    );
    assert!((of(&heavy, "reap") - of(&plain, "reap")).abs() < 1e-9, "a mean does not grow with the weight");

    bench.plan(&["--keep", "0.75", "--score", "aimer"]);
    let held = [("abc", "a"), ("12", "b"), ("true", "a")];
    let held = held.map(|(question, topic)| json!({ "question": question, "topic": topic }).to_string());
    std::fs::write(bench.at("held.jsonl"), held.join("\n")).unwrap();
    let topics = bench.check(&[])["topics"].clone();
    let topics: Vec<(&Value, &Value)> =
        topics.as_array().unwrap().iter().map(|topic| (&topic["topic"], &topic["questions"])).collect();
    assert_eq!(topics, [(&json!("a"), &json!(2)), (&json!("b"), &json!(1))]);
    // A line that cannot be read is named; a score that nothing was asked for is refused.
    std::fs::write(bench.at("q.jsonl"), "{\"question\": \"a\"}\n{\"question\": 7}").unwrap();
    let scan = ["prune", "scan", text(&bench.model), "--calibrate", "q.jsonl"];
    assert!(bench.error(&scan)["message"].as_str().unwrap().contains("line 2"));
    bench.json(&["prune", "scan", text(&bench.model), "--out", "scan.json"]);
    bench.plan(&["--keep", "0.75", "--score", "aimer"]);
    assert_eq!(bench.run(&["prune", "plan", "scan.json", "--keep", "0.75"]).status.code(), Some(2));
}

#[test]
fn too_few_tokens_are_no_ground_for_a_score() {
    let bench = toy(48);
    bench.lines("q.jsonl", &["abc"]);
    let scan = ["prune", "scan", text(&bench.model), "--calibrate", "q.jsonl", "--own-tokens", "2"];
    let scan = bench.json(&[&scan[..], &["--out", "scan.json"]].concat());
    assert_eq!(scan["calibration"]["enough"], false, "{}", scan["calibration"]);
    assert_eq!(bench.plan(&["--keep", "0.75"])["enough"], false);
    assert_eq!(bench.plan(&["--keep", "0.75", "--score", "aimer"])["enough"], true);
    let words = Command::new(LECTERN)
        .args(["prune", "plan", "scan.json", "--keep", "0.75"])
        .current_dir(bench.folder.path())
        .output()
        .unwrap();
    let words = String::from_utf8(words.stdout).unwrap();
    assert!(words.contains("not enough tokens") && words.contains("--score aimer"), "{words}");
}

#[test]
fn a_document_that_does_not_fit_is_refused_by_its_field() {
    let bench = toy(48);
    bench.scan();
    let plan = bench.plan(&["--keep", "0.75"]);
    let refused = |document: &str, text: &str, field: &str| {
        std::fs::write(bench.at(document), text).unwrap();
        let arguments = match document {
            "plan.json" => bench.write_arguments(&[]),
            _ => vec!["prune", "plan", "scan.json", "--keep", "0.75"],
        };
        let error = bench.error(&arguments);
        assert_eq!(error["code"], "prune.document", "{error}");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(document) && message.contains(field), "{message} says nothing of {field}");
    };
    let with = |pointer: &str, value: Value| {
        let mut plan = plan.clone();
        *plan.pointer_mut(pointer).unwrap() = value;
        plan.to_string()
    };
    refused("plan.json", "", "EOF");
    refused("plan.json", "{}", "model");
    refused("plan.json", &with("/how/score", json!("luck")), "how.score");
    refused("plan.json", &with("/layers", json!([])), "layers");
    refused("plan.json", &with("/layers/1/kept/2", json!(-1)), "layers[1].kept[2]");
    refused("plan.json", &with("/layers/1/kept", json!([0, 1, 8])), "layers[1].kept");
    refused("plan.json", &with("/layers/1/kept", json!([1, 0, 2])), "layers[1].kept");
    refused("plan.json", &with("/layers/0/kept", json!([3])), "2 are used");
    refused("plan.json", &with("/layers/0/experts", json!(1_000_000)), "layers[0].experts");
    refused("plan.json", &with("/layers/1/layer", json!(1u64 << 40)), "layers[1].layer");
    let mut scan: Value = serde_json::from_slice(&std::fs::read(bench.at("scan.json")).unwrap()).unwrap();
    scan["halves"][1] = json!([]);
    refused("scan.json", &scan.to_string(), "halves[1]");
    scan["layers"][1]["experts"][0]["expert"] = json!(7);
    refused("scan.json", &scan.to_string(), "layers[1].experts");
}

#[test]
fn a_model_that_is_no_mixture_is_refused() {
    let bench = toy(48);
    let dense = bench.at("dense.gguf");
    speller::writer().write_to(&dense).unwrap();
    assert_eq!(bench.error(&["prune", "scan", text(&dense)])["code"], "prune.no_mixture");
    std::fs::write(&dense, b"GGUF").unwrap();
    assert_eq!(bench.error(&["prune", "scan", text(&dense)])["code"], "model.truncated");
}

// ---- Large files.

/// Makes the experts wider by changing what the header says; the file gets a hole for their weights.
#[cfg(target_os = "linux")]
fn inflate(path: &Path, feed: u64) {
    let mut bytes = std::fs::read(path).unwrap();
    let header = Header::read(path).unwrap();
    let mut put = |after: &str, skip: usize, value: &[u8]| {
        // As a text stands in the file: its length, then it.
        let name = [&(after.len() as u64).to_le_bytes(), after.as_bytes()].concat();
        let at =
            bytes.windows(name.len()).position(|window| *window == name[..]).unwrap() + name.len() + skip;
        bytes[at..at + value.len()].copy_from_slice(value);
    };
    put("llama.feed_forward_length", 4, &(feed as u32).to_le_bytes());
    let mut offset = 0u64;
    for tensor in header.tensors().iter() {
        let mut dims = tensor.dims.clone();
        if let Some(part) = tensor.name.split('.').nth(2).filter(|part| part.ends_with("_exps")) {
            dims[usize::from(part != "ffn_down_exps")] = feed;
        }
        // Behind the name: the number of dimensions, they, the type, and where it lies.
        for (at, dim) in dims.iter().enumerate() {
            put(&tensor.name, 4 + 8 * at, &dim.to_le_bytes());
        }
        put(&tensor.name, 4 + 8 * dims.len() + 4, &offset.to_le_bytes());
        offset = (offset + 4 * dims.iter().product::<u64>()).next_multiple_of(64);
    }
    std::fs::write(path, &bytes).unwrap();
    let file = std::fs::File::options().write(true).open(path).unwrap();
    file.set_len(header.data_start() + offset).unwrap();
}

/// The most resident memory that a process and its children have had, in bytes, watched until it ends.
#[cfg(target_os = "linux")]
fn peak(mut child: Child) -> (u64, std::process::ExitStatus) {
    let field = |pid: &str, name: &str| -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        status.lines().find_map(|line| line.strip_prefix(name))?.trim().trim_end_matches(" kB").parse().ok()
    };
    let pid = child.id().to_string();
    let mut most = 0;
    loop {
        let children =
            std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        // The children of its other threads too.
        let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
        let others: String =
            tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok()).collect();
        for pid in [children.as_str(), others.as_str(), pid.as_str()].join(" ").split_whitespace() {
            most = most.max(field(pid, "VmHWM:").unwrap_or(0) * 1024);
        }
        if let Some(status) = child.try_wait().unwrap() {
            return (most, status);
        }
    }
}

#[test]
#[cfg(target_os = "linux")]
fn cutting_a_large_file_takes_little_memory() {
    let bench = toy(48);
    bench.json(&["prune", "scan", text(&bench.model), "--out", "scan.json"]);
    // 2 layers x 8 experts x 3 matrices of 32 x 262,144 floats: 1.6 GB, of which a quarter stays.
    inflate(&bench.model, 1 << 18);
    let size = std::fs::metadata(&bench.model).unwrap().len();
    assert!(size > 1 << 30, "{size}");
    // The plan is of the small file: it is given the new one's name.
    bench.plan(&["--keep", "0.25", "--score", "aimer"]);
    let mut plan: Value = serde_json::from_slice(&std::fs::read(bench.at("plan.json")).unwrap()).unwrap();
    let start = Header::read(&bench.model).unwrap().data_start() as usize;
    let mut head = vec![0; start];
    std::io::Read::read_exact(&mut std::fs::File::open(&bench.model).unwrap(), &mut head).unwrap();
    plan["model"]["header_sha256"] = format!("{:x}", Sha256::digest(&head)).into();
    plan["model"]["bytes"] = size.into();
    std::fs::write(bench.at("plan.json"), plan.to_string()).unwrap();
    let mut write = bench.command(&bench.write_arguments(&["--unchecked", "--no-comparison"]));
    let child = write.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let (peak, status) = peak(child);
    assert!(status.success());
    let new = std::fs::metadata(bench.at("new.gguf")).unwrap().len();
    assert!(new > size / 4 && new < size / 3, "{new} of {size}");
    assert!(peak > 1 << 20, "something was measured: {peak}");
    assert!(peak < 64 << 20, "{} MB for {} MB written", peak >> 20, new >> 20);
}

#[test]
#[cfg(target_os = "linux")]
fn a_kill_at_any_time_leaves_no_half_file() {
    use std::io::Read;
    let kills: u64 = std::env::var("LECTERN_PRUNE_KILLS").map_or(50, |kills| kills.parse().unwrap());
    let bench = toy(8_000);
    bench.scan();
    bench.plan(&["--keep", "0.75"]);
    let (before, size) = (sha256(&bench.model), std::fs::metadata(&bench.model).unwrap().len());
    bench.json(&bench.write_arguments(&["--unchecked"]));
    let whole = sha256(&bench.at("new.gguf"));
    std::fs::remove_file(bench.at("new.gguf")).unwrap();
    let mut reached = Vec::new();
    for kill in 0..kills {
        let mut write = bench.command(&bench.write_arguments(&["--unchecked", "--no-comparison"]));
        let mut child = write.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let part = bench.at(&format!("new.gguf.{}.part", child.id()));
        // From the first byte to the last.
        let wanted = size * 3 / 4 * kill / kills;
        while child.try_wait().unwrap().is_none()
            && !std::fs::metadata(&part).is_ok_and(|about| about.len() >= wanted)
        {}
        let _ = child.kill();
        let mut said = String::new();
        // The pipe's end is held by the process alone: when it is closed, the process is gone.
        child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
        child.wait().unwrap();
        let there = bench.at("new.gguf").exists();
        assert!(!there || sha256(&bench.at("new.gguf")) == whole, "killed at {wanted} bytes");
        reached.push(std::fs::metadata(&part).map_or(0, |about| about.len()));
        let _ = std::fs::remove_file(bench.at("new.gguf"));
        // Its own process ends with it, and lets go of what it wrote.
        while std::fs::File::open(&part).is_ok_and(|part| part.try_lock().is_err()) {}
        let rest = bench.parts();
        assert!(rest.len() < 2, "the next one sweeps up what a killed one has left: {rest:?}");
    }
    assert_eq!(sha256(&bench.model), before, "the source is not touched");
    let half_way = reached.iter().filter(|&&bytes| bytes > 0 && bytes < size / 2).count() as u64;
    assert!(half_way > kills / 10, "{half_way} of {kills} were half way: {reached:?}");
    bench.json(&bench.write_arguments(&["--unchecked", "--no-comparison"]));
    assert!(sha256(&bench.at("new.gguf")) == whole && bench.parts().is_empty());
}

// ---- The published model with experts that were never trained.

#[test]
fn the_junk_experts_of_the_story_teller_are_found_and_not_missed() {
    let model =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/models/stories260K-moe8x2.gguf");
    if !model.exists() {
        eprintln!("skipped: {} is not here", model.display());
        return;
    }
    let bench = Bench { model, ..toy(48) };
    bench
        .lines("q.jsonl", &["Once upon a time", "Lily had a ball", "The dog ran to the park", "Tom was sad"]);
    bench.lines("held.jsonl", &["There was a big tree", "Mom said", "One day a cat", "The sun was hot"]);
    let scan = bench.scan();
    let idle = lists(&scan, "idle");
    assert!(idle.iter().all(|idle| idle.len() == 4), "{idle:?}");
    let plan = bench.plan(&["--keep", "0.5"]);
    assert_eq!(lists(&plan, "removed"), idle, "those who go are those who were never asked");
    let check = bench.check(&["--limit", "0"]);
    assert_eq!(check["outcome"], "passed", "{check}");
    let written = bench.json(&bench.write_arguments(&[]));
    assert_eq!(written["same_logits"], true);
    let story = |model: &Path| {
        let generate = ["model", "generate", text(model), "Once upon a time", "--raw", "--max-tokens", "250"];
        bench.json(&generate)["text"].clone()
    };
    assert_eq!(story(&bench.at("new.gguf")), story(&bench.model));
    // Those that are asked are missed.
    bench.plan(&["--keep", "0.5"]);
    bench.keep(&json!(idle));
    let check = bench.check(&[]);
    assert_eq!(check["outcome"], "blocked", "{check}");
}

//! The expert's process: golden text through the command line, stop, crash, hang, memory, and what bad files do to it.
#![allow(clippy::unwrap_used)]
#![cfg(unix)]

#[path = "reference/recipe.rs"]
mod recipe;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use runtime::host::{
    Finish, Host, HostError, Message, PageCache, Purpose, Request, Role, Spawn, resident_bytes,
};

const LECTERN: &str = env!("CARGO_BIN_EXE_lectern");

fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(name);
    if !path.exists() {
        eprintln!("skipped: {} is not there", path.display());
        return None;
    }
    Some(path)
}

/// A random model that goes on for ever: nothing of its text means anything, and its end token is out of reach.
fn endless() -> (tempfile::TempDir, PathBuf) {
    let mut writer = recipe::reference().models[0].endless();
    writer.set("llama.context_length", 1u32 << 20);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("endless.gguf");
    writer.write_to(&path).unwrap();
    (folder, path)
}

fn start(model: &Path) -> Host {
    Host::start(Spawn { threads: Some(1), ..Spawn::new(LECTERN, model) }, &mut |_| {}).expect("it starts")
}

fn signal(name: &str, pid: u32) {
    assert!(Command::new("kill").arg(format!("-{name}")).arg(pid.to_string()).status().unwrap().success());
}

/// Stops the process and waits until the system has stopped every thread of it: a thread that waits for a core takes the
/// signal when it gets one.
fn freeze(pid: u32) {
    signal("STOP", pid);
    #[cfg(target_os = "linux")]
    let stopped = |stat: String| stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T'));
    #[cfg(target_os = "linux")]
    while !std::fs::read_dir(format!("/proc/{pid}/task"))
        .unwrap()
        .all(|task| std::fs::read_to_string(task.unwrap().path().join("stat")).is_ok_and(stopped))
    {
        std::thread::yield_now();
    }
}

fn lectern(arguments: &[&str]) -> Output {
    Command::new(LECTERN).arg("model").args(arguments).stdin(Stdio::null()).output().unwrap()
}

fn json(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout).expect("one JSON document on standard output")
}

fn published_text() -> Option<String> {
    let golden = std::fs::read_to_string(shared("models/stories260K-golden.md")?).unwrap();
    let begin = golden.find("Once upon a time").unwrap();
    Some(golden[begin..begin + golden[begin..].find("\n```").unwrap()].to_owned())
}

#[test]
fn the_command_line_tells_the_published_story() {
    let (Some(model), Some(expected)) = (shared("models/stories260K.gguf"), published_text()) else { return };
    let output = lectern(&["generate", model.to_str().unwrap(), "", "--raw", "--temperature", "0"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim_end_matches('\n'), expected);
    assert!(String::from_utf8(output.stderr).unwrap().contains("more than the 128"), "it is said on stderr");
    let found = json(&lectern(&["generate", model.to_str().unwrap(), "", "--raw", "--json"]));
    assert_eq!(found["text"], expected);
    assert_eq!(found["ids"].as_array().unwrap().len(), 256);
    for figure in ["prompt_tokens_per_s", "tokens_per_s", "first_token_ms", "load_ms", "peak_rss_bytes"] {
        assert!(found[figure].as_f64().unwrap() > 0.0, "{figure} is measured: {found}");
    }
}

#[test]
fn logits_go_into_a_numpy_file() {
    let recipe = &recipe::reference().models[0];
    let folder = tempfile::tempdir().unwrap();
    let (model, out) = (folder.path().join("model.gguf"), folder.path().join("x.npy"));
    recipe.writer().write_to(&model).unwrap();
    let tokens: Vec<String> = recipe.ids().iter().map(u32::to_string).collect();
    let (model, out) = (model.to_str().unwrap(), out.to_str().unwrap());
    let found = lectern(&["logits", model, "--tokens", &tokens.join(","), "--all", "--out", out, "--json"]);
    let found = json(&found);
    assert_eq!((&found["positions"], &found["vocabulary"]), (&24.into(), &40.into()));
    let bytes = std::fs::read(out).unwrap();
    assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00");
    let head = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    assert!(head.is_multiple_of(64) && bytes[head - 1] == b'\n');
    assert!(String::from_utf8_lossy(&bytes[10..head]).contains("'shape': (24, 40)"));
    let row = |position: usize| {
        let row = &bytes[head + position * 160..][..160];
        row.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect::<Vec<_>>()
    };
    for (position, expected) in recipe.positions.iter().zip(&recipe.logits) {
        for (found, expected) in row(*position).iter().zip(expected) {
            assert!((f64::from(*found) - expected).abs() < 5e-5, "position {position}: {found} {expected}");
        }
    }
    let best = expected_best(recipe.logits.last().unwrap());
    assert_eq!(found["top"][0]["id"], best);
}

fn expected_best(row: &[f64]) -> usize {
    (0..row.len()).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap()
}

#[test]
fn tokens_of_a_file_without_weights() {
    let Some(model) = shared("tokenizers/ggml-vocab-gpt-2.gguf") else { return };
    let found = json(&lectern(&["tokenize", model.to_str().unwrap(), "Hello world", "--json"]));
    assert_eq!(found["ids"], serde_json::json!([15496, 995]));
    assert_eq!(found["pieces"], serde_json::json!(["Hello", "Ġworld"]));
}

#[test]
fn bad_files_end_in_words_and_status_1() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let good = recipe::reference().models[0].writer().to_bytes();
    let mut vocabulary = recipe::reference().models[0].writer();
    vocabulary.set("tokenizer.ggml.bos_token_id", 4_000u32);
    let cases = [
        (file("empty.gguf", b""), "model.empty"),
        (file("text.gguf", b"once upon a time"), "model.not_gguf"),
        (file("cut.gguf", &good[..good.len() / 2]), "model.truncated"),
        (file("ids.gguf", &vocabulary.to_bytes()), "model.malformed"),
        (folder.path().to_str().unwrap().to_owned(), "model.not_a_file"),
        (folder.path().join("absent.gguf").to_str().unwrap().to_owned(), "model.absent"),
    ];
    for (path, code) in &cases {
        for command in [
            &["generate", path, "a", "--raw"][..],
            &["tokenize", path, "a"],
            &["logits", path, "--tokens", "1"],
        ] {
            let output = lectern(&[command, &["--json"]].concat());
            assert_eq!(output.status.code(), Some(1), "{command:?}");
            let error = &json(&output)["error"];
            assert_eq!(error["code"], *code, "{command:?}: {error}");
            assert!(error["message"].as_str().unwrap().contains(path.as_str()), "{error} names the file");
            assert!(!error["fix"].as_str().unwrap().is_empty());
        }
    }
}

#[test]
fn a_stop_is_obeyed_within_200_ms_and_the_expert_stays() {
    let (_folder, model) = endless();
    let mut host = start(&model);
    let stop = AtomicBool::new(false);
    let mut set_at = None;
    let done = host
        .generate(&Request::raw("a", 1_000_000), &stop, &mut |_| {
            set_at.get_or_insert_with(Instant::now);
            stop.store(true, Ordering::Relaxed);
        })
        .unwrap();
    assert!(set_at.unwrap().elapsed() < Duration::from_millis(200), "{:?}", set_at.unwrap().elapsed());
    assert_eq!((done.finish, done.lost_expert), (Finish::Stopped, false));
    assert!(!done.text.is_empty() && done.tokens > 0);
    let next = host.generate(&Request::raw("a", 5), &AtomicBool::new(false), &mut |_| {}).unwrap();
    assert_eq!((next.tokens, next.finish), (5, Finish::Length));
}

#[test]
fn a_stop_while_the_prompt_is_read_is_obeyed() {
    let (_folder, model) = endless();
    let mut host = start(&model);
    // Attention over tens of thousands of tokens takes many seconds; the flag is set before it begins.
    let text = "a b c ".repeat(20_000);
    let stop = AtomicBool::new(true);
    let began = Instant::now();
    let done = host.generate(&Request::raw(text, 5), &stop, &mut |_| {}).unwrap();
    assert!(began.elapsed() < Duration::from_millis(200), "{:?}", began.elapsed());
    assert_eq!((done.finish, done.tokens), (Finish::Stopped, 0));
}

#[test]
fn an_expert_that_does_not_obey_is_ended() {
    let (_folder, model) = endless();
    let mut host = start(&model);
    let pid = host.pid();
    let stop = AtomicBool::new(false);
    let mut set_at = None;
    let done = host
        .generate(&Request::raw("a", 1_000_000), &stop, &mut |_| {
            if set_at.is_none() {
                freeze(pid);
                stop.store(true, Ordering::Relaxed);
                set_at = Some(Instant::now());
            }
        })
        .unwrap();
    // 150 ms, and what a very busy system takes to end a process.
    assert!(set_at.unwrap().elapsed() < Duration::from_secs(4), "{:?}", set_at.unwrap().elapsed());
    assert_eq!((done.finish, done.lost_expert), (Finish::Stopped, true));
    assert!(!done.text.is_empty(), "what there was is kept");
    assert_eq!(resident_bytes(pid), None, "the process is gone");
    let error = host.count_tokens("a", &AtomicBool::new(false)).unwrap_err();
    assert!(matches!(error, HostError::Crashed { .. }), "{error}");
    assert!(!host.is_alive());
}

#[test]
fn a_stop_while_tokens_are_counted_ends_a_process_that_is_frozen() {
    let (_folder, model) = endless();
    let mut host = start(&model);
    let pid = host.pid();
    freeze(pid);
    let began = Instant::now();
    let counted = host.count_tokens("a", &AtomicBool::new(true)).unwrap();
    assert_eq!(counted, None);
    // 150 ms, and what a very busy system takes to end a process.
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    assert_eq!(resident_bytes(pid), None, "the process is gone");
}

#[test]
fn a_killed_expert_is_reported_at_once() {
    let (_folder, model) = endless();
    let mut host = start(&model);
    let pid = host.pid();
    let mut killed_at = None;
    let error = host
        .generate(&Request::raw("a", 1_000_000), &AtomicBool::new(false), &mut |_| {
            if killed_at.is_none() {
                signal("KILL", pid);
                killed_at = Some(Instant::now());
            }
        })
        .unwrap_err();
    assert!(killed_at.unwrap().elapsed() < Duration::from_millis(500), "{:?}", killed_at.unwrap().elapsed());
    assert!(matches!(&error, HostError::Crashed { how, .. } if how.contains("SIGKILL")), "{error}");
    assert_eq!(error.code(), "expert.crashed");
}

#[test]
fn leaving_gives_the_memory_back() {
    let (_folder, model) = endless();
    let host = start(&model);
    let (pid, memory) = (host.pid(), host.memory());
    assert!(memory > 1 << 20, "{memory}");
    let left = host.leave();
    assert!(left.freed_bytes >= memory / 2, "{left:?} of {memory}");
    assert_eq!(resident_bytes(pid), None, "the process is gone");
}

#[test]
fn dropping_a_host_ends_its_process() {
    let (_folder, model) = endless();
    let pid = start(&model).pid();
    assert_eq!(resident_bytes(pid), None);
}

#[cfg(target_os = "linux")]
#[test]
fn an_expert_does_not_outlive_a_killed_parent() {
    let (_folder, model) = endless();
    // One that is frozen cannot notice that its pipe is closed: the system has to end it.
    for frozen in [false, true] {
        let mut parent = Command::new(LECTERN)
            .args(["model", "generate", model.to_str().unwrap(), "a", "--raw", "--max-tokens", "100000000"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // The first text shows that the expert is at work.
        use std::io::Read;
        parent.stdout.as_mut().unwrap().read_exact(&mut [0; 4]).unwrap();
        let tasks = std::fs::read_dir(format!("/proc/{}/task", parent.id())).unwrap();
        let children: Vec<u32> = tasks
            .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("children")).ok())
            .flat_map(|list| list.split_whitespace().map(|pid| pid.parse().unwrap()).collect::<Vec<_>>())
            .collect();
        assert_eq!(children.len(), 1, "one expert, one process");
        if frozen {
            signal("STOP", children[0]);
        }
        parent.kill().unwrap();
        parent.wait().unwrap();
        let since = Instant::now();
        while resident_bytes(children[0]).is_some() {
            assert!(since.elapsed() < Duration::from_secs(5), "the expert is still there; frozen: {frozen}");
            std::thread::yield_now();
        }
    }
}

#[test]
fn an_expert_that_stands_still_is_found_hung() {
    let (_folder, model) = endless();
    let mut host = start(&model);
    host.set_patience(Duration::from_secs(1));
    let pid = host.pid();
    let mut frozen_at = None;
    let error = host
        .generate(&Request::raw("a", 1_000_000), &AtomicBool::new(false), &mut |_| {
            if frozen_at.is_none() {
                freeze(pid);
                frozen_at = Some(Instant::now());
            }
        })
        .unwrap_err();
    assert!(matches!(error, HostError::Hung { seconds: 1.. }), "{error}");
    assert!(error.to_string().contains("did nothing for"), "{error}");
    let waited = frozen_at.unwrap().elapsed();
    assert!(waited < Duration::from_secs(5), "{waited:?}");
    assert_eq!(resident_bytes(pid), None, "the process is gone");
}

#[test]
fn an_expert_that_is_slow_is_not_hung() {
    let (_folder, model) = endless();
    let mut host = start(&model);
    let patience = Duration::from_secs(1);
    host.set_patience(patience);
    // It has nothing to say until it has read all of them.
    let mut tokens = vec![3u32; 1 << 10];
    loop {
        let began = Instant::now();
        let mut rows = 0;
        host.logits(&tokens, false, &mut |_| rows += 1).unwrap();
        assert_eq!(rows, 1);
        if began.elapsed() > 2 * patience {
            return;
        }
        tokens = tokens.repeat(2);
    }
}

#[test]
fn a_stop_at_any_moment_is_obeyed_within_250_ms() {
    let (_folder, model) = endless();
    let long = Request::raw("a b c ".repeat(20_000), 1_000_000);
    let short = Request::raw("a", 1_000_000);
    for (what, request) in [("while it reads the prompt", &long), ("while it writes", &short)] {
        let mut host = start(&model);
        let (mut times, mut lost) = (Vec::new(), 0);
        for try_number in 0..50 {
            let stop = AtomicBool::new(false);
            let set_at = std::sync::Mutex::new(Instant::now());
            let done = std::thread::scope(|scope| {
                scope.spawn(|| {
                    // Another moment each time.
                    std::thread::sleep(Duration::from_millis(7 * try_number % 101));
                    *set_at.lock().unwrap() = Instant::now();
                    stop.store(true, Ordering::Relaxed);
                });
                host.generate(request, &stop, &mut |_| {}).unwrap()
            });
            times.push(set_at.lock().unwrap().elapsed().as_secs_f32() * 1000.0);
            assert_eq!(done.finish, Finish::Stopped, "{what}");
            if done.lost_expert {
                lost += 1;
                host = start(&model);
            }
        }
        // The expert takes the next request all the same.
        let next = host.generate(&Request::raw("a", 2), &AtomicBool::new(false), &mut |_| {}).unwrap();
        assert_eq!(next.tokens, 2, "{what}");
        times.sort_by(f32::total_cmp);
        let (median, last, tries) = (times[times.len() / 2], times[times.len() - 1], times.len());
        eprintln!("stop {what}: median {median:.1} ms, longest of {tries} {last:.1} ms, {lost} ended");
        // The longest says more about what else runs on the machine than about the stop.
        assert!(median < 250.0, "{what}: {median} ms");
    }
}

#[test]
fn a_killed_expert_does_not_answer_even_before_the_system_has_taken_it_down() {
    let (_folder, model) = endless();
    for _ in 0..20 {
        let mut host = start(&model);
        assert!(host.answers());
        signal("KILL", host.pid());
        assert!(!host.answers());
    }
}

#[test]
fn a_swap_is_timed_cold_and_warm() {
    let (_folder, model) = endless();
    let never = AtomicBool::new(false);
    let mut host = start(&model);
    for cache in [PageCache::Cold, PageCache::Warm] {
        if cfg!(not(target_os = "linux")) && cache == PageCache::Cold {
            continue;
        }
        let spawn = Spawn { threads: Some(1), ..Spawn::new(LECTERN, &model) };
        let (left, swap);
        (left, (host, swap)) =
            (host.pid(), runtime::host::swap(host, spawn, &Request::raw("a", 9), cache, &never).unwrap());
        assert_eq!(resident_bytes(left), None, "who left is gone");
        assert!(host.is_alive());
        eprintln!("{cache:?}: {swap:?}");
        assert!(
            swap.ready_ms > 0.0 && swap.first_token_ms > swap.ready_ms && swap.leave_ms > 0.0,
            "{swap:?}"
        );
        assert!(swap.freed_bytes >= swap.memory_bytes / 2 && swap.memory_bytes > 1 << 20, "{swap:?}");
        if let Some(cached) = swap.cached.filter(|_| cache == PageCache::Warm) {
            assert!(cached > 0.99, "{swap:?}");
        }
    }
    let gone = Spawn::new(LECTERN, "/no/such/model");
    let error = runtime::host::swap(host, gone, &Request::raw("a", 1), PageCache::Warm, &never);
    let error = error.err().expect("it is not there");
    assert!(error.to_string().contains("/no/such/model"), "{error}");
}

/// What a hundred swaps leave behind in the parent: nothing.
#[cfg(target_os = "linux")]
#[test]
fn swaps_leave_nothing_behind() {
    const ALONE: &str = "LECTERN_TEST_ALONE";
    if std::env::var_os(ALONE).is_none() {
        // The other tests of this process open files and start threads, too: in one of its own it is still.
        let name = "swaps_leave_nothing_behind";
        let me = std::env::current_exe().unwrap();
        let run = Command::new(me).args([name, "--exact", "--nocapture"]).env(ALONE, "1").output().unwrap();
        let said = String::from_utf8_lossy(&run.stdout);
        assert!(
            run.status.success() && said.contains("1 passed"),
            "{said}{}",
            String::from_utf8_lossy(&run.stderr)
        );
        return;
    }
    let (_folder, model) = endless();
    let count = |what: &str| std::fs::read_dir(format!("/proc/self/{what}")).unwrap().count();
    let one = || {
        let host = start(&model);
        let (pid, memory) = (host.pid(), host.memory());
        let left = host.leave();
        assert_eq!(resident_bytes(pid), None, "the process is gone");
        assert!(left.freed_bytes >= memory / 2, "{left:?}");
    };
    // The first ones warm up what stays, such as the allocator's own store.
    (0..20).for_each(|_| one());
    let (files, threads, memory) = (count("fd"), count("task"), resident_bytes(std::process::id()).unwrap());
    (0..100).for_each(|_| one());
    let after = resident_bytes(std::process::id()).unwrap();
    assert_eq!((count("fd"), count("task")), (files, threads), "open files and threads");
    assert!(after < memory + (1 << 20), "{memory} bytes before a hundred swaps, {after} after");
}

#[cfg(target_os = "linux")]
#[test]
fn the_process_has_given_up_what_it_does_not_need() {
    let (_folder, model) = endless();
    let host = start(&model);
    let parts = host.facts().sandbox.join("; ");
    for part in ["no core dumps", "no writing to files", "own memory", "ends with its parent"] {
        assert!(parts.contains(part), "{parts}");
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", host.pid())).unwrap();
    let field = |name: &str| {
        status.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned())
    };
    assert_eq!(field("NoNewPrivs:").as_deref(), Some("1"));
    if cfg!(any(target_arch = "x86_64", target_arch = "aarch64")) {
        assert_eq!(field("Seccomp:").as_deref(), Some("2"), "{parts}");
        assert!(parts.contains("seccomp"), "{parts}");
    }
    let environment = std::fs::read(format!("/proc/{}/environ", host.pid())).unwrap_or_default();
    let other = |named: &&[u8]| !named.is_empty() && !named.starts_with(b"LECTERN_KERNELS=");
    let found: Vec<_> = environment.split(|byte| *byte == 0).filter(other).collect();
    assert!(found.is_empty(), "nothing of the parent's environment but how to compute: {found:?}");
}

#[test]
fn a_template_that_eats_memory_takes_down_no_more_than_the_limit() {
    let mut writer = recipe::reference().models[0].writer();
    let bomb = "{% set ns = namespace(s='aaaaaaaaaaaaaaaa') %}{% for i in range(40) %}{% set ns.s = ns.s ~ ns.s %}\
                {% endfor %}{{ messages[0].content }}{{ ns.s }}";
    writer.set("tokenizer.chat_template", bomb);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bomb.gguf");
    writer.write_to(&path).unwrap();
    let mut most = 0;
    let limit = 256 << 20;
    let spawn = Spawn { memory_limit: Some(limit), threads: Some(1), ..Spawn::new(LECTERN, &path) };
    let error = Host::start(spawn, &mut |resident| most = most.max(resident)).err().expect("it is refused");
    assert_eq!(error, HostError::OutOfMemory { limit_bytes: Some(limit) });
    assert!(most <= limit, "{most}");
}

#[test]
fn a_program_that_is_no_host_is_found_out() {
    let (_folder, model) = endless();
    let error = Host::start(Spawn::new("/bin/echo", &model), &mut |_| {}).err().expect("echo is no host");
    assert!(matches!(error, HostError::Garbled { .. } | HostError::Crashed { .. }), "{error:?}");
    let error = Host::start(Spawn::new("/no/such/program", &model), &mut |_| {}).err().unwrap();
    assert!(matches!(&error, HostError::Spawn { why } if why.contains("/no/such/program")), "{error:?}");
}

#[test]
fn a_tokenizer_alone_refuses_to_generate_and_stays() {
    let (_folder, model) = endless();
    let spawn = Spawn { purpose: Purpose::Tokenize, ..Spawn::new(LECTERN, &model) };
    let mut host = Host::start(spawn, &mut |_| {}).unwrap();
    let request = Request::chat(vec![Message::new(Role::User, "a")], 1);
    let error = host.generate(&request, &AtomicBool::new(false), &mut |_| {}).unwrap_err();
    assert!(error.expert_survives(), "{error}");
    assert_eq!(host.count_tokens("ab", &AtomicBool::new(false)).unwrap(), Some(3), "▁, a, b");
}

#[test]
fn the_expert_computes_with_the_kernels_that_are_named() {
    let (_folder, model) = endless();
    let bench = |kernels: &str| {
        let mut command = Command::new(LECTERN);
        command.args(["model", "bench", "--json", "--prompt", "4", "--generate", "4", "--repeat", "1"]);
        command.args(["--texts", "1", "--swaps", "0"]).arg(&model);
        command.env("LECTERN_KERNELS", kernels).stdin(Stdio::null()).output().unwrap()
    };
    let names = |kernels: &str| json(&bench(kernels))["kernels"].as_str().unwrap().to_owned();
    assert_eq!(names("plain"), "plain");
    let best = names("");
    assert_ne!(best, "", "the best of this machine");
    assert_eq!(names(&best), best);
    let refused = bench("avx3");
    assert_ne!(refused.status.code(), Some(0));
    let why = String::from_utf8_lossy(&refused.stderr) + String::from_utf8_lossy(&refused.stdout);
    assert!(why.contains("LECTERN_KERNELS=avx3") && why.contains(&best), "{why}");
}

#[test]
fn a_benchmark_tells_what_it_promises() {
    let (_folder, model) = endless();
    let (_other_folder, other) = endless();
    let output = lectern(&[
        "bench",
        model.to_str().unwrap(),
        "--prompt",
        "8",
        "--generate",
        "8",
        "--repeat",
        "2",
        "--texts",
        "1,3",
        "--swaps",
        "2",
        "--other",
        other.to_str().unwrap(),
        "--json",
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let found = json(&output);
    let header = runtime::gguf::Header::read(&model).unwrap();
    let tensors: u64 = header.tensors().iter().map(|tensor| tensor.bytes).sum();
    let (vocabulary, embedding) = (40, header.tensor("token_embd.weight").unwrap().bytes);
    assert_eq!(found["weight_bytes_per_token"], tensors - embedding + embedding / vocabulary);
    assert_eq!(found["memory_share"], serde_json::Value::Null, "such a model lies in the caches");
    assert!(found["memory_bytes_per_s"]["median"].as_f64().unwrap() > 1e8, "{found}");
    let together = found["together"].as_array().unwrap();
    assert_eq!(together.iter().map(|of| &of["texts"]).collect::<Vec<_>>(), [1, 3]);
    assert!(together.iter().all(|of| of["tokens_per_s"]["least"].as_f64().unwrap() > 0.0), "{found}");
    let swap = &found["swap"];
    assert_eq!(swap["n"], 2);
    for times in [&swap["cold"], &swap["page_cache"]] {
        if cfg!(target_os = "linux") || times.is_object() {
            let p99 = |what: &str| times[what]["p99"].as_f64().unwrap();
            assert!(p99("ready_ms") > 0.0 && p99("first_token_ms") > p99("ready_ms"), "{found}");
            assert!(p99("total_ms") >= p99("first_token_ms"), "{found}");
        }
    }
    assert!(swap["warm_first_token_ms"]["p50"].as_f64().unwrap() > 0.0, "{found}");
}

//! A mixture of eight experts of which some are never chosen, and the command line that prunes it. Needs `mod recipe` and
//! `mod speller` beside it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use runtime::gguf::Dtype;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub const LECTERN: &str = env!("CARGO_BIN_EXE_lectern");
pub const WIDTH: usize = 32;

/// Experts that no token is sent to: their router's rows are 0, and of the others every row has its negative among them,
/// so that as many as are used are above 0.
pub const IDLE: [&[u32]; 2] = [&[1, 4], &[0, 2, 3, 7]];

pub struct Bench {
    pub folder: tempfile::TempDir,
    pub model: PathBuf,
}

/// Eight experts, two used. `feed`: width of an expert.
pub fn toy(feed: u64) -> Bench {
    let mut recipe = crate::recipe::reference().models[1].clone();
    (recipe.experts, recipe.experts_used, recipe.feed) = (8, 2, feed);
    let mut writer = crate::speller::of(recipe.clone());
    writer.set("general.alignment", 64u32);
    for (layer, idle) in IDLE.iter().enumerate() {
        let name = format!("blk.{layer}.ffn_gate_inp.weight");
        let mut router = recipe.matrix(&name, &[WIDTH as u64, 8]);
        let busy: Vec<usize> =
            (0..8).filter(|expert| !idle.contains(expert)).map(|expert| expert as usize).collect();
        for pair in busy.chunks_exact(2) {
            for column in 0..WIDTH {
                router[pair[1] * WIDTH + column] = -router[pair[0] * WIDTH + column];
            }
        }
        idle.iter().for_each(|&expert| router[expert as usize * WIDTH..][..WIDTH].fill(0.0));
        let bytes = router.iter().flat_map(|value| value.to_le_bytes()).collect();
        writer.replace(&name, &[WIDTH as u64, 8], Dtype::F32, bytes);
    }
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("toy.gguf");
    writer.write_to(&model).unwrap();
    let bench = Bench { folder, model };
    bench.lines("q.jsonl", &["the story", "abc true 12", "What is it?", "Once upon a time"]);
    bench.lines("held.jsonl", &["a longer story", "true", "12 12 12"]);
    bench
}

pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

impl Bench {
    pub fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn lines(&self, name: &str, questions: &[&str]) {
        let lines: Vec<String> =
            questions.iter().map(|question| json!({ "question": question }).to_string()).collect();
        std::fs::write(self.at(name), lines.join("\n")).unwrap();
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(LECTERN);
        command.args(["--json", "--threads", "1"]).args(arguments).current_dir(self.folder.path());
        command.env("LECTERN_HOME", self.at("home")).stdin(Stdio::null());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    pub fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stdout));
        serde_json::from_slice(&output.stdout).expect("one JSON document")
    }

    pub fn error(&self, arguments: &[&str]) -> Value {
        let output = self.run(arguments);
        assert_eq!(
            output.status.code(),
            Some(1),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stdout)
        );
        serde_json::from_slice::<Value>(&output.stdout).expect("one JSON document")["error"].clone()
    }

    pub fn scan(&self) -> Value {
        let scan = ["prune", "scan", text(&self.model), "--calibrate", "q.jsonl", "--out", "scan.json"];
        self.json(&scan)
    }

    pub fn plan(&self, more: &[&str]) -> Value {
        self.json(&[&["prune", "plan", "scan.json", "--out", "plan.json"], more].concat())
    }

    pub fn check(&self, more: &[&str]) -> Value {
        let check = ["prune", "check", text(&self.model), "plan.json", "--held-out", "held.jsonl"];
        self.json(&[&check, more].concat())
    }

    pub fn write_arguments<'a>(&'a self, more: &[&'a str]) -> Vec<&'a str> {
        [&["prune", "write", text(&self.model), "plan.json", "--out", "new.gguf"], more].concat()
    }

    /// A plan by hand: what stays in each layer.
    pub fn keep(&self, kept: &Value) {
        let mut plan: Value = serde_json::from_slice(&std::fs::read(self.at("plan.json")).unwrap()).unwrap();
        for (layer, kept) in plan["layers"].as_array_mut().unwrap().iter_mut().zip(kept.as_array().unwrap()) {
            layer["kept"] = kept.clone();
        }
        std::fs::write(self.at("plan.json"), plan.to_string()).unwrap();
    }

    /// Files that are not whole.
    pub fn parts(&self) -> Vec<String> {
        let files = std::fs::read_dir(self.folder.path()).unwrap().flatten();
        let names = files.map(|file| file.file_name().to_string_lossy().into_owned());
        names.filter(|name| name.ends_with(".part")).collect()
    }

    pub fn says(&self, model: &Path) -> Value {
        let generate = ["model", "generate", text(model), "the story", "--raw", "--max-tokens", "40"];
        self.json(&generate)["ids"].clone()
    }
}

pub fn lists(json: &Value, key: &str) -> Vec<Vec<u32>> {
    let layers = json["layers"].as_array().unwrap();
    layers.iter().map(|layer| serde_json::from_value(layer[key].clone()).unwrap()).collect()
}

pub fn sha256(path: &Path) -> String {
    format!("{:x}", Sha256::digest(std::fs::read(path).unwrap()))
}

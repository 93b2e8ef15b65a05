//! `lectern-lab`: makes the starter experts again and measures them.

use clap::{Parser, Subcommand};
use lab::data::Split;
use lab::train::train;
use lab::{LabError, accuracy, gate, recipes, starters, vectors};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "lectern-lab", about = "Trains and measures the starter experts")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Where the files that ship are.
    #[arg(long, global = true, default_value = "src-tauri/starters")]
    starters: PathBuf,
}

#[derive(Subcommand)]
enum Command {
    /// Train a starter expert, or go on where its checkpoint stands; write its file and manifest.
    Train {
        /// arithmetic, units, words, code, generalist, gate (the classifier that reads questions), background (what it must
        /// not forget when the user teaches it), or vectors (the built-in ones that search ranks by).
        name: String,
        /// Where checkpoints are kept.
        #[arg(long, default_value = "lab-work")]
        work: PathBuf,
        /// Stop at this step and write what there is.
        #[arg(long)]
        until: Option<u64>,
        /// Held-out questions of the test in the manifest.
        #[arg(long, default_value_t = starters::TEST_QUESTIONS)]
        questions: u32,
        /// Folder of public texts for the gate and the vectors (lab/src/data/public.rs says which).
        #[arg(long)]
        public: Option<PathBuf>,
        /// Folder of the encoder that the vectors are distilled from (all-MiniLM-L6-v2 for those that ship).
        #[arg(long)]
        encoder: Option<PathBuf>,
    },
    /// Print training examples, to read what a starter is taught.
    Sample {
        name: String,
        #[arg(long, default_value_t = 20)]
        n: usize,
        #[arg(long, default_value_t = starters::TEST_SEED)]
        seed: u64,
    },
    /// Show where the model of a checkpoint first goes wrong on held-out questions.
    Look {
        name: String,
        #[arg(long, default_value = "lab-work")]
        work: PathBuf,
        #[arg(long, default_value_t = 100)]
        n: usize,
    },
    /// Ask starters freshly written held-out questions and print how many answers are right.
    Accuracy {
        /// All when none is named.
        names: Vec<String>,
        #[arg(long, default_value_t = starters::TEST_QUESTIONS)]
        n: u32,
        /// Another seed writes other questions.
        #[arg(long, default_value_t = starters::TEST_SEED)]
        seed: u64,
        /// Print this many wrong answers in full.
        #[arg(long, default_value_t = 0)]
        misses: usize,
    },
}

fn main() -> ExitCode {
    runtime::host::serve_if_asked();
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(Arguments { command, starters: folder }: Arguments) -> Result<(), LabError> {
    let executable = std::env::current_exe().map_err(|e| LabError::File("lectern-lab".into(), e))?;
    match command {
        Command::Train { name, public, .. } if name == "gate" => {
            if public.is_none() {
                eprintln!("without --public the gate learns from the lab's own requests alone");
            }
            let report = gate::train(&folder.join("gate.bin"), public.as_deref(), starters::GATE_SEED)?;
            eprintln!(
                "gate: {:.1} % of {} held-out questions read right, calibration error {:.3}, complexity off by {:.2}",
                100.0 * report.accuracy,
                report.n,
                report.calibration_error,
                report.complexity_error
            );
            for (label, right, of) in report.by_label {
                eprintln!("  {label}: {right} of {of}");
            }
            Ok(())
        }
        Command::Train { name, .. } if name == "background" => {
            let path = folder.join("background.txt");
            let lines = gate::background(starters::GATE_SEED)?;
            std::fs::write(&path, lines.join("\n") + "\n").map_err(|error| LabError::File(path, error))
        }
        Command::Train { name, public, encoder, .. } if name == "vectors" => {
            let encoder = encoder.ok_or(LabError::NoEncoder)?;
            let report = vectors::train(&folder.join("vectors.bin"), &encoder, public.as_deref())?;
            eprintln!(
                "vectors: {} pieces of {} numbers, {} bytes; {:.1} % of the variance; frequencies of {} pieces",
                report.pieces,
                report.width,
                report.bytes,
                100.0 * report.kept,
                report.counted
            );
            Ok(())
        }
        Command::Train { name, work, until, questions, public: _, encoder: _ } => {
            let place = starters::Place { work, out: folder, executable };
            starters::make(&name, &place, until, questions, &mut |line| eprintln!("{line}"))
        }
        Command::Sample { name, n, seed } => {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let corpus = lab::data::corpus(&name)?;
            for _ in 0..n {
                let example = corpus.sample(&mut rng, Split::Train);
                eprintln!(
                    "--- {} ({:.1})\n{}\n{}",
                    example.task, example.complexity, example.question, example.answer
                );
            }
            Ok(())
        }
        Command::Look { name, work, n } => {
            let recipe = recipes::recipe(&name)?;
            let trained = train(&recipe, &work, Some(0), &mut |line| eprintln!("{line}"))?;
            let tokenizer = &trained.tokenizer;
            let mut show = |row: &[u32], at: usize, wrote: u32| {
                let text = |ids: &[u32]| tokenizer.decode(ids).unwrap_or_default();
                eprintln!(
                    "--- {}\n>>> {:?} in place of {:?}",
                    text(&row[..at]),
                    text(&[wrote]),
                    text(&row[at..=at])
                );
            };
            lab::train::exactness(
                &trained.model,
                tokenizer,
                &recipe.corpora,
                n,
                starters::TEST_SEED,
                &mut show,
            )?;
            Ok(())
        }
        Command::Accuracy { names, n, seed, misses } => {
            let names = if names.is_empty() { recipes::NAMES.map(String::from).to_vec() } else { names };
            for name in names {
                let recipe = recipes::recipe(&name)?;
                let file = folder.join(format!("{name}.gguf"));
                let measured = accuracy::measure(&executable, &file, &recipe.corpora, n, seed)?;
                eprintln!("{name}: {}", starters::line(&measured));
                for miss in measured.misses.iter().take(misses) {
                    eprintln!(
                        "--- {}\nQ: {}\nexpected:\n{}\ngiven:\n{}",
                        miss.task, miss.question, miss.expected, miss.answer
                    );
                }
            }
            Ok(())
        }
    }
}

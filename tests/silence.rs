//! Nothing leaves the machine unasked: every command that is no question to the hub runs where the kernel counts what is
//! tried, and tries nothing. The control is a search, which does try.

// A helper that cannot go on fails its test.
#![allow(clippy::unwrap_used)]

#[cfg(not(target_os = "linux"))]
#[test]
fn silence_is_counted_on_linux_alone() {
    eprintln!("not run here: network namespaces are on Linux alone");
}

#[cfg(target_os = "linux")]
// Other journeys use the rest.
#[allow(dead_code)]
#[path = "support/silence.rs"]
mod silence;
#[cfg(target_os = "linux")]
#[allow(dead_code)]
#[path = "support/toy.rs"]
mod toy;

#[cfg(target_os = "linux")]
mod commands {
    use crate::silence::{Tried, is_possible, silent, tried};
    use crate::toy::Toy;
    use std::path::Path;
    use std::process::{Output, Stdio};

    /// An address that is nobody's, and where nobody answers (RFC 5737).
    const NOBODY: &str = "http://192.0.2.1:9";

    fn run(folder: &Path, arguments: &[&str], more: &[(&str, &str)]) -> Output {
        let mut command = silent(env!("CARGO_BIN_EXE_lectern"));
        command
            .args(arguments)
            .env("LECTERN_HOME", folder.join("home"))
            .env("HF_HOME", folder.join("models"));
        command.env("HF_ENDPOINT", NOBODY).env_remove("HF_HUB_OFFLINE").env_remove("HF_TOKEN");
        command.envs(more.iter().copied());
        command.stdin(Stdio::null()).output().unwrap()
    }

    #[test]
    fn no_command_tries_to_connect_but_those_that_ask_the_hub() {
        if !is_possible() {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        std::fs::create_dir_all(folder.path().join("shelf")).unwrap();
        let (model, own) = (at("shelf/watched.gguf"), at("own.gguf"));
        Toy::default().write(Path::new(&model));
        Toy { says: &["hello"], ..Toy::default() }.write(Path::new(&own));
        let (shelf, elsewhere) = (at("shelf"), at("elsewhere"));
        let commands: [&[&str]; 22] = [
            &["ask", "What is 384 + 97?"],
            &["route", "Convert 3 kilometres to metres."],
            &["experts", "add", &own, "--name", "own", "--domains", "general"],
            &["ask", "hi", "--expert", "own"],
            &["experts", "folders", "add", &shelf],
            &["experts", "list"],
            &["ask", "hi", "--expert", "watched"],
            &["experts", "show", "own"],
            &["experts", "catalogue"],
            &["experts", "downloads"],
            &["experts", "disk", "--hash"],
            &["experts", "token", "show"],
            &["experts", "use", "own"],
            &["experts", "edit", "own", "--title", "Own"],
            &["experts", "move"],
            &["experts", "folders", "remove", &shelf],
            &["experts", "remove", "own"],
            &["archive", "search", "384"],
            &["model", "inspect", &own],
            &["status"],
            &["experts", "network"],
            &["--help"],
        ];
        for command in commands {
            let output = run(folder.path(), command, &[]);
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{command:?} failed: {said}");
            assert_eq!(tried(&output), Tried::default(), "{command:?} tried to reach somebody");
        }
        let without = [("HF_HOME", "")];
        assert_eq!(tried(&run(folder.path(), &["experts", "move", &elsewhere], &without)), Tried::default());
        // Whoever asks the hub is heard, and only while he may.
        for asks in [&["experts", "search", "anything"][..], &["experts", "pull", "a/b:c.gguf"]] {
            let offline = run(folder.path(), asks, &[("HF_HUB_OFFLINE", "1")]);
            assert!(!offline.status.success());
            assert_eq!(tried(&offline), Tried::default(), "{asks:?} tried while it was offline");
        }
        let search = run(folder.path(), &["experts", "token", "test"], &[]);
        let heard = tried(&search);
        assert!(heard.no_route > 0, "the control: a question to the hub is heard: {heard:?}");
    }
}

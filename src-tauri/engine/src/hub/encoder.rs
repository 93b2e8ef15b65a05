//! Encoder: the files of one that search by meaning uses, each by the check sum that is known here. The weights come as
//! every model does, into the shared cache; the small files, of which the hub names no check sum, are asked for whole.

use super::cache::hex;
use super::client::Ask;
use super::names::FileName;
use super::stop::Stop;
use super::{Hub, HubError, Phase};
use crate::home::write_atomically;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// An encoder on the hub.
#[derive(Clone, Debug)]
pub struct EncoderOnHub {
    /// Also the name of its folder.
    pub name: String,
    pub repo: String,
    pub weights: KnownFile,
    pub small: Vec<KnownFile>,
}

/// A file with the sha256 of its bytes.
#[derive(Clone, Debug)]
pub struct KnownFile {
    pub file: String,
    pub sha256: String,
}

impl EncoderOnHub {
    /// all-MiniLM-L6-v2 (Apache-2.0), 91 MB: the one that was measured.
    pub fn usual() -> EncoderOnHub {
        let known = |file: &str, sha256: &str| KnownFile { file: file.into(), sha256: sha256.into() };
        EncoderOnHub {
            name: "all-MiniLM-L6-v2".into(),
            repo: "sentence-transformers/all-MiniLM-L6-v2".into(),
            weights: known(
                "model.safetensors", "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            ),
            small: vec![
                known("config.json", "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"),
                known("vocab.txt", "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"),
                known(
                    "sentence_bert_config.json",
                    "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7",
                ),
            ],
        }
    }

    pub fn weights(&self) -> Result<FileName, HubError> {
        FileName::new(&self.repo, "main", &self.weights.file)
    }
}

impl Hub {
    /// Fetches an encoder into a folder of its name under `encoders`, or finds it there. The weights are the same file as
    /// in the cache where both lie on one disk. Gives the folder, with every file in it.
    pub fn fetch_encoder(
        &self,
        wanted: &EncoderOnHub,
        encoders: &Path,
        stop: &Stop,
        on: &mut dyn FnMut(Phase),
    ) -> Result<PathBuf, HubError> {
        let folder = encoders.join(&wanted.name);
        std::fs::create_dir_all(&folder).map_err(HubError::files("make the folder", &folder))?;
        for known in &wanted.small {
            let path = folder.join(&known.file);
            if !std::fs::read(&path).is_ok_and(|bytes| sum_of(&bytes) == known.sha256) {
                let bytes = self.small(&FileName::new(&wanted.repo, "main", &known.file)?, known, stop)?;
                write_atomically(&path, &bytes).map_err(HubError::files("write", &path))?;
            }
        }
        let fetched = self.fetch(&wanted.weights()?, None, stop, on)?;
        agrees(&wanted.weights, &fetched.sha256)?;
        let (from, path) = (&fetched.path, folder.join(&wanted.weights.file));
        let blob = from.canonicalize().map_err(HubError::files("read", from))?;
        let linked = || {
            let temporary = path.with_extension(format!("{}.part", std::process::id()));
            let _ = std::fs::remove_file(&temporary);
            std::fs::hard_link(&blob, &temporary)
                .or_else(|_| std::fs::copy(&blob, &temporary).map(|_| ()))
                .and_then(|()| std::fs::rename(&temporary, &path))
        };
        linked().map_err(HubError::files("write", &path))?;
        Ok(folder)
    }

    /// A file that fits into memory.
    fn small(&self, name: &FileName, known: &KnownFile, stop: &Stop) -> Result<Vec<u8>, HubError> {
        let url = name.address(&self.place.endpoint);
        let what = format!("{}:{}", name.repo, name.file);
        let why = format!("fetch {what}");
        let bytes = self.patiently(stop, |client| {
            let reply = client.follow(&Ask::get(&url, &why), |_| false)?;
            if reply.status != 200 {
                return Err(client.refusal(&reply, &what));
            }
            reply.whole()
        })?;
        agrees(known, &sum_of(&bytes))?;
        Ok(bytes)
    }
}

fn sum_of(bytes: &[u8]) -> String {
    hex(Sha256::new().chain_update(bytes))
}

fn agrees(known: &KnownFile, found: &str) -> Result<(), HubError> {
    if known.sha256 == found {
        return Ok(());
    }
    let KnownFile { file, sha256 } = known.clone();
    Err(HubError::WrongBytes { file, expected: sha256, found: found.into() })
}

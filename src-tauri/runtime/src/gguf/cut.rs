//! Cut: a file that has some of another one's experts. Everything else of it is the same: keys, their order and types,
//! alignment, and every byte of the tensors.
//!
//! In:     the checked header of a mixture, the experts of each layer that stay
//! Out:    the new header, and where each byte of the new file lies in the old one
//! Fails:  [`GgufError`], before anything is written
//! Cost:   the header's own memory again, some bytes for each expert that stays, and one buffer while it is written

use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use sha2::{Digest, Sha256};

use super::value::Value;
use super::write::{put_text, put_value};
use super::{GgufError, Header, MAGIC, TensorInfo};

/// Bytes on their way from one file to the other.
const BUFFER: usize = 1 << 20;
/// How many bytes are written between two words of progress.
const WORD: u64 = 64 << 20;

/// A new file, laid out.
pub struct Layout {
    head: Vec<u8>,
    pieces: Vec<Piece>,
    bytes: u64,
}

/// A run of bytes of the old file, and how many zeros follow it in the new one.
struct Piece {
    offset: u64,
    bytes: u64,
    padding: u64,
    /// Of this tensor the numbers of this expert.
    expert: Option<(String, u32)>,
}

/// One expert's bytes of one tensor as they were copied.
pub struct Copied {
    pub tensor: String,
    pub expert: u32,
    pub bytes: u64,
    /// Hexadecimal.
    pub sha256: String,
}

/// Why a new file is not whole.
#[derive(Debug)]
pub enum CutError {
    Reading(io::Error),
    Writing(io::Error),
    Stopped,
}

/// The tensors that have the experts as their outermost dimension, by the part of their name behind the layer. A shared
/// expert's have other names.
fn is_by_expert(part: &str) -> bool {
    let part = part.rsplit_once('.').map_or(part, |(part, _)| part);
    part == "ffn_gate_inp" || part == "exp_probs_b" || part.ends_with("_exps")
}

/// The layer of `blk.7.…`, and the rest.
fn layer_of(name: &str) -> Option<(usize, &str)> {
    let (layer, part) = name.strip_prefix("blk.")?.split_once('.')?;
    Some((layer.parse().ok()?, part))
}

impl Layout {
    /// The file of `header` with the experts `kept` of each layer. One number of experts is in a file for all its
    /// layers. `keys` are set as well.
    pub fn new(
        header: &Header,
        kept: &BTreeMap<usize, Vec<u32>>,
        keys: &BTreeMap<String, Value>,
    ) -> Result<Layout, GgufError> {
        let architecture = header.text("general.architecture")?.unwrap_or_default();
        let count_key = format!("{architecture}.expert_count");
        let experts = header.u32(&count_key)?.unwrap_or(0);
        if experts == 0 {
            return Err(
                header.error(&count_key, "is absent or 0: the model is no mixture, nothing can be cut")
            );
        }
        let used = header.u32(&format!("{architecture}.expert_used_count"))?.unwrap_or(1);
        let count = kept.values().next().map_or(0, Vec::len);
        for (layer, kept) in kept {
            let ascends = kept.windows(2).all(|pair| pair[0] < pair[1]);
            if !ascends || kept.last().is_none_or(|&last| last >= experts) {
                let why = format!(
                    "the experts {kept:?} of layer {layer} are not ascending numbers below {experts}"
                );
                return Err(header.error(&count_key, why));
            }
            if kept.len() != count {
                let why = format!(
                    "a file has one number for all layers, but layer {layer} is to have {} experts and another one {count}",
                    kept.len()
                );
                return Err(header.error(&count_key, why));
            }
            if kept.len() < used as usize {
                let why = format!(
                    "layer {layer} would have {} experts, but {used} are used for each token",
                    kept.len()
                );
                return Err(header.error(&count_key, why));
            }
        }
        let pieces = Tensors { header, kept, experts: experts.into(), count: count as u64 }.all()?;
        let mut new_keys = keys.clone();
        let is = header.get(&count_key);
        let value = is.and_then(|is| like(&is, count as u64));
        new_keys.insert(
            count_key.clone(),
            value.ok_or_else(|| header.error(&count_key, "cannot be written as the type that it has"))?,
        );
        let (head, pieces) = lay_out(header, &new_keys, pieces)?;
        let bytes = pieces.iter().try_fold(head.len() as u64, |sum, piece| {
            sum.checked_add(piece.bytes)?.checked_add(piece.padding)
        });
        let bytes = bytes.ok_or_else(|| header.error("file", "its new size is too large"))?;
        Ok(Layout { head, pieces, bytes })
    }

    /// Bytes of the new file.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Writes the new file from the old one until `stop` is set. `progress` gets bytes written; gives what was copied of the
    /// experts.
    pub fn write(
        &self,
        source: &mut (impl Read + Seek),
        out: &mut impl Write,
        stop: &AtomicBool,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Vec<Copied>, CutError> {
        let (mut buffer, zeros) = (vec![0; BUFFER], vec![0; 1 << 16]);
        let mut copied = Vec::new();
        let (mut done, mut told) = (self.head.len() as u64, 0);
        out.write_all(&self.head).map_err(CutError::Writing)?;
        let mut at = None;
        for piece in &self.pieces {
            if at != Some(piece.offset) {
                source.seek(SeekFrom::Start(piece.offset)).map_err(CutError::Reading)?;
            }
            let mut sum = piece.expert.is_some().then(Sha256::new);
            let mut left = piece.bytes;
            while left > 0 {
                let part = &mut buffer[..left.min(BUFFER as u64) as usize];
                if stop.load(Ordering::Relaxed) {
                    return Err(CutError::Stopped);
                }
                source.read_exact(part).map_err(CutError::Reading)?;
                if let Some(sum) = &mut sum {
                    sum.update(&*part);
                }
                out.write_all(part).map_err(CutError::Writing)?;
                crate::host::step();
                left -= part.len() as u64;
                done += part.len() as u64;
                if done - told >= WORD {
                    told = done;
                    progress(done);
                }
            }
            at = Some(piece.offset + piece.bytes);
            let mut padding = piece.padding;
            while padding > 0 {
                let part = padding.min(zeros.len() as u64);
                out.write_all(&zeros[..part as usize]).map_err(CutError::Writing)?;
                padding -= part;
            }
            done += piece.padding;
            if let (Some(sum), Some((tensor, expert))) = (sum, &piece.expert) {
                let sha256 = format!("{:x}", sum.finalize());
                copied.push(Copied { tensor: tensor.clone(), expert: *expert, bytes: piece.bytes, sha256 });
            }
        }
        out.flush().map_err(CutError::Writing)?;
        Ok(copied)
    }
}

/// `number` as a value of the same type.
fn like(value: &Value, number: u64) -> Option<Value> {
    Some(match value {
        Value::U8(_) => Value::U8(number.try_into().ok()?),
        Value::I8(_) => Value::I8(number.try_into().ok()?),
        Value::U16(_) => Value::U16(number.try_into().ok()?),
        Value::I16(_) => Value::I16(number.try_into().ok()?),
        Value::U32(_) => Value::U32(number.try_into().ok()?),
        Value::I32(_) => Value::I32(number.try_into().ok()?),
        Value::U64(_) => Value::U64(number),
        Value::I64(_) => Value::I64(number.try_into().ok()?),
        _ => return None,
    })
}

/// A tensor of the new file: its dimensions, and its bytes in the old one.
struct New {
    tensor: TensorInfo,
    pieces: Vec<Piece>,
}

struct Tensors<'a> {
    header: &'a Header,
    kept: &'a BTreeMap<usize, Vec<u32>>,
    experts: u64,
    /// Of them stay.
    count: u64,
}

impl Tensors<'_> {
    fn all(&self) -> Result<Vec<New>, GgufError> {
        self.header.tensors().iter().map(|tensor| self.one(tensor)).collect()
    }

    fn one(&self, mut tensor: TensorInfo) -> Result<New, GgufError> {
        let (offset, bytes) = (tensor.offset, tensor.bytes);
        let Some((layer, _)) = layer_of(&tensor.name).filter(|(_, part)| is_by_expert(part)) else {
            return Ok(New { tensor, pieces: vec![Piece { offset, bytes, padding: 0, expert: None }] });
        };
        let wrong = |why: String| Err(self.header.error(&format!("tensor \"{}\"", tensor.name), why));
        let Some(kept) = self.kept.get(&layer) else {
            return wrong(format!("belongs to a mixture, but nothing is said of layer {layer}"));
        };
        // The header has been checked: the product of the dimensions fits, and so do the bytes.
        let whole = tensor.dims.len() > 1 || tensor.dtype.block_values() == 1;
        if tensor.dims.last() != Some(&self.experts) || !whole || !bytes.is_multiple_of(self.experts) {
            return wrong(format!("{:?} does not end with the {} experts", tensor.dims, self.experts));
        }
        let each = bytes / self.experts;
        let piece = |&expert: &u32| Piece {
            offset: offset + u64::from(expert) * each,
            bytes: each,
            padding: 0,
            expert: Some((tensor.name.clone(), expert)),
        };
        let pieces = kept.iter().map(piece).collect();
        if let Some(last) = tensor.dims.last_mut() {
            *last = self.count;
        }
        tensor.bytes = each * self.count;
        Ok(New { tensor, pieces })
    }
}

/// The new header, and all pieces in the order of the new file.
fn lay_out(
    header: &Header,
    keys: &BTreeMap<String, Value>,
    tensors: Vec<New>,
) -> Result<(Vec<u8>, Vec<Piece>), GgufError> {
    let alignment = header.alignment();
    let mut head = Vec::new();
    let mut count = 0u64;
    let mut left: BTreeMap<&str, &Value> = keys.iter().map(|(key, value)| (key.as_str(), value)).collect();
    let mut body = Vec::new();
    for (key, value) in header.metadata() {
        put_text(&mut body, key);
        put_value(&mut body, left.remove(key).unwrap_or(&value));
        count += 1;
    }
    for (key, value) in left {
        put_text(&mut body, key);
        put_value(&mut body, value);
        count += 1;
    }
    head.extend(MAGIC);
    head.extend(header.version().to_le_bytes());
    head.extend((tensors.len() as u64).to_le_bytes());
    head.extend(count.to_le_bytes());
    head.append(&mut body);
    let (mut offset, mut pieces) = (0u64, Vec::new());
    for new in tensors {
        put_text(&mut head, &new.tensor.name);
        head.extend((new.tensor.dims.len() as u32).to_le_bytes());
        for dim in &new.tensor.dims {
            head.extend(dim.to_le_bytes());
        }
        head.extend(new.tensor.dtype.number().to_le_bytes());
        head.extend(offset.to_le_bytes());
        let end =
            offset.checked_add(new.tensor.bytes).and_then(|end| end.checked_next_multiple_of(alignment));
        let end = end.ok_or_else(|| header.error(&new.tensor.name, "lies too far in the new file"))?;
        pieces.extend(new.pieces);
        if let Some(last) = pieces.last_mut() {
            last.padding = end - offset - new.tensor.bytes;
        }
        offset = end;
    }
    head.resize((head.len() as u64).next_multiple_of(alignment) as usize, 0);
    Ok((head, pieces))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gguf::Dtype;
    use crate::gguf::write::Writer;
    use std::path::Path;

    /// Experts whose bytes say which they are; widths that leave padding.
    fn mixture(alignment: u32) -> Writer {
        let mut writer = Writer::new();
        writer
            .set("general.architecture", "toy")
            .set("general.alignment", alignment)
            .set("toy.expert_count", Value::U16(4))
            .set("toy.expert_used_count", 2u32)
            .set("tokenizer.ggml.tokens", vec!["<s>", "ä", ""]);
        writer.tensor_f32("token_embd.weight", &[3, 3], &[0.5; 9]);
        for layer in 0..2u8 {
            let name = |part: &str| format!("blk.{layer}.{part}");
            let bytes = |of: u8, each: usize| {
                (0..4u8).flat_map(|expert| vec![100 * layer + 10 * of + expert; each]).collect()
            };
            writer.tensor(&name("ffn_gate_inp.weight"), &[3, 4], Dtype::F32, bytes(0, 12));
            writer.tensor(&name("ffn_gate_inp.bias"), &[4], Dtype::F32, bytes(1, 4));
            writer.tensor(&name("exp_probs_b.bias"), &[4], Dtype::F32, bytes(2, 4));
            writer.tensor(&name("ffn_up_exps.weight"), &[32, 3, 4], Dtype::Q4_0, bytes(3, 54));
            writer.tensor(&name("ffn_up_exps.bias"), &[3, 4], Dtype::F32, bytes(4, 12));
            writer.tensor(&name("ffn_up_shexp.weight"), &[3, 4], Dtype::F32, bytes(5, 12));
        }
        writer
    }

    fn header(bytes: &[u8]) -> Header {
        Header::parse(io::Cursor::new(bytes), bytes.len() as u64, Path::new("toy.gguf")).unwrap()
    }

    fn kept() -> BTreeMap<usize, Vec<u32>> {
        BTreeMap::from([(0, vec![0, 1, 3]), (1, vec![1, 2, 3])])
    }

    fn cut(old: &[u8]) -> (Vec<u8>, Vec<Copied>) {
        let keys = BTreeMap::from([("lectern.pruned.from".to_owned(), Value::from("toy"))]);
        let layout = Layout::new(&header(old), &kept(), &keys).unwrap();
        let mut new = Vec::new();
        let go = AtomicBool::new(false);
        let copied = layout.write(&mut io::Cursor::new(old), &mut new, &go, &mut |_| {}).unwrap();
        assert_eq!(new.len() as u64, layout.bytes());
        (new, copied)
    }

    #[test]
    fn what_stays_is_the_same_byte_for_byte_and_the_rest_is_gone() {
        let old = mixture(32).to_bytes();
        let (new, copied) = cut(&old);
        let (was, is) = (header(&old), header(&new));
        assert_eq!(is.get("toy.expert_count"), Some(Value::U16(3)), "the type stays");
        let others = |header: &Header| {
            let all =
                header.metadata().filter(|(key, _)| !key.contains("expert_count") && !key.contains("pruned"));
            all.map(|(key, value)| (key.to_owned(), value)).collect::<Vec<_>>()
        };
        assert_eq!(others(&is), others(&was));
        assert_eq!(is.text("lectern.pruned.from").unwrap(), Some("toy"));
        assert_eq!(is.alignment(), 32);
        let of = |bytes: &[u8], tensor: &TensorInfo| {
            bytes[tensor.offset as usize..][..tensor.bytes as usize].to_vec()
        };
        for (was, is) in was.tensors().iter().zip(is.tensors().iter()) {
            assert_eq!((&was.name, was.dtype), (&is.name, is.dtype));
            let all = of(&old, &was);
            let Some((layer, _)) = layer_of(&was.name).filter(|(_, part)| is_by_expert(part)) else {
                assert_eq!((&is.dims, of(&new, &is)), (&was.dims, all));
                continue;
            };
            assert_eq!(is.dims.last(), Some(&3));
            let each = all.len() / 4;
            let stays = kept()[&layer]
                .iter()
                .flat_map(|&expert| all[expert as usize * each..][..each].to_vec())
                .collect::<Vec<_>>();
            assert_eq!(of(&new, &is), stays, "{}", was.name);
        }
        assert_eq!(copied.len(), 2 * 5 * 3);
        let bias = copied.iter().find(|copied| copied.tensor == "blk.1.ffn_gate_inp.bias").unwrap();
        assert_eq!((bias.expert, bias.bytes), (1, 4));
        assert_eq!(bias.sha256, format!("{:x}", Sha256::digest([111u8; 4])));
    }

    #[test]
    fn a_cut_that_no_file_can_say_is_refused() {
        let old = mixture(32).to_bytes();
        let why = |kept: [Vec<u32>; 2]| {
            let kept = kept.into_iter().enumerate().collect();
            Layout::new(&header(&old), &kept, &BTreeMap::new()).err().unwrap().to_string()
        };
        assert!(why([vec![0, 1], vec![0, 1, 2]]).contains("one number for all layers"));
        assert!(why([vec![0], vec![1]]).contains("2 are used for each token"));
        assert!(why([vec![1, 0], vec![0, 1]]).contains("not ascending"));
        assert!(why([vec![0, 4], vec![0, 1]]).contains("below 4"));
        let half = BTreeMap::from([(0, vec![0, 1])]);
        let error = Layout::new(&header(&old), &half, &BTreeMap::new()).err().unwrap().to_string();
        assert!(error.contains("blk.1.ffn_gate_inp.weight") && error.contains("layer 1"), "{error}");
    }

    #[test]
    fn what_breaks_off_says_why() {
        let old = mixture(32).to_bytes();
        let layout = Layout::new(&header(&old), &kept(), &BTreeMap::new()).unwrap();
        let write = |source: &[u8], room: usize, stop: bool| {
            let (mut room, stop) = (vec![0; room], AtomicBool::new(stop));
            layout.write(&mut io::Cursor::new(source), &mut &mut room[..], &stop, &mut |_| {}).err()
        };
        let room = layout.bytes() as usize;
        assert!(write(&old, room, false).is_none());
        assert!(matches!(write(&old, room - 1, false), Some(CutError::Writing(_))));
        assert!(matches!(write(&old[..old.len() / 2], room, false), Some(CutError::Reading(_))));
        assert!(matches!(write(&old, room, true), Some(CutError::Stopped)));
    }

    #[test]
    fn a_tensor_without_the_experts_is_named() {
        let mut writer = mixture(32);
        writer.replace("blk.1.ffn_up_exps.weight", &[32, 4, 3], Dtype::Q4_0, vec![0; 216]);
        let old = writer.to_bytes();
        let error = Layout::new(&header(&old), &kept(), &BTreeMap::new()).err().unwrap().to_string();
        assert!(error.contains("blk.1.ffn_up_exps.weight") && error.contains("4 experts"), "{error}");
    }
}

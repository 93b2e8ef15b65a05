//! Forgotten words leave the files of the index.

use super::ArchiveError;
use super::index::{SearchIndex, failed};
use std::collections::HashSet;
use tantivy::directory::{Directory, META_LOCK};
use tantivy::{Index, IndexWriter};

/// A delete in tantivy is a mark; the words stay in the segment until it is written anew. Each segment with a
/// mark is.
pub(crate) fn rewrite_marked(writing: &Index, writer: &mut IndexWriter) -> Result<(), ArchiveError> {
    let merge = failed("merge the search index");
    let marked: Vec<_> = writing
        .searchable_segment_metas()
        .map_err(&merge)?
        .into_iter()
        .filter(|segment| segment.has_deletes())
        .map(|segment| segment.id())
        .collect();
    if !marked.is_empty() {
        writer.merge(&marked).wait().map_err(&merge)?;
    }
    writer.garbage_collect_files().wait().map_err(&merge)?;
    Ok(())
}

/// Removes every file of a segment that the index no longer has, whoever wrote it: also what a crash left
/// behind.
pub(crate) fn sweep(writing: &Index, index: &SearchIndex) -> Result<(), ArchiveError> {
    let files = |source| ArchiveError::Files {
        doing: "sweep the search index",
        path: index.folder().to_path_buf(),
        source,
    };
    // No reader opens files meanwhile.
    let _reading = writing
        .directory()
        .acquire_lock(&META_LOCK)
        .map_err(|error| failed("sweep the search index")(tantivy::TantivyError::LockFailure(error, None)))?;
    let living: HashSet<String> = writing
        .searchable_segment_ids()
        .map_err(failed("sweep the search index"))?
        .iter()
        .map(|segment| segment.uuid_string())
        .collect();
    for entry in std::fs::read_dir(index.folder()).map_err(files)?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        // <32 hex digits>.<what>; everything else (meta.json, locks) is not a segment's.
        let Some((segment, _)) = name.split_once('.').filter(|(segment, _)| segment.len() == 32) else {
            continue;
        };
        if living.contains(segment) {
            continue;
        }
        match std::fs::remove_file(entry.path()) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(ArchiveError::NotYetErased { what: "an open file of the index" });
            }
            _ => {}
        }
    }
    Ok(())
}

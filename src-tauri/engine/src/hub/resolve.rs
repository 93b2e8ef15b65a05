//! Resolve: what a file on the hub is, and where its bytes are now.
//!
//! In:     a repository, a revision, a file
//! Out:    commit, sha256, size, and an address that works for about an hour
//! Fails:  absent, gated, no sha256 (then it is no large file, and nothing could be checked)
//! Source: the hub's answer to HEAD `resolve/…`: `x-linked-etag` is the sha256; the `etag` of the host that it points to
//!         is another number

use super::HubError;
use super::client::{Ask, Client, Reply, authority};
use super::names::{FileName, is_commit, is_sha256, shown};
use url::Url;

/// A file that stands still: this commit, these bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    pub commit: String,
    pub sha256: String,
    pub size: u64,
    /// Signed, and good for a while.
    pub location: Url,
}

/// Larger than any model file; keeps sums of sizes in range.
const LARGEST: u64 = 1 << 43;

pub fn resolve(client: &Client, name: &FileName) -> Result<Located, HubError> {
    let url = name.address(&client.place().endpoint);
    let why = format!("find {}:{}", name.repo, name.file);
    let ask = Ask { head: true, ..Ask::get(&url, &why) };
    // A renamed repository points to its new name; a large file points to the host that has its bytes.
    let reply = client.follow(&ask, |reply| reply.header("x-linked-etag").is_some())?;
    let what = format!("{}:{}", name.repo, name.file);
    if reply.status != 200 && !(300..400).contains(&reply.status) {
        return Err(client.refusal(&reply, &what));
    }
    let garbled = |field, why: String| HubError::Garbled { host: authority(&reply.url), field, why };
    if reply.status == 200 && reply.is_page() {
        return Err(garbled("its answer", "is a web page".into()));
    }
    let commit = reply.header("x-repo-commit").unwrap_or_default().to_owned();
    if !is_commit(&commit) || is_commit(&name.revision) && commit != name.revision {
        return Err(garbled("x-repo-commit", format!("is {:?}", shown(&commit))));
    }
    let sha256 = checksum(&reply);
    if !is_sha256(&sha256) {
        let why = format!("is {:?}, which is no sha256: nothing could be checked", shown(&sha256));
        return Err(garbled("x-linked-etag", why));
    }
    let size = reply.number("x-linked-size").or_else(|| match reply.status {
        200 => reply.number("content-length"),
        _ => None,
    });
    let size = size.filter(|&size| size > 0 && size <= LARGEST);
    let size = size.ok_or_else(|| garbled("x-linked-size", "is no size of a file".into()))?;
    let location = reply.location()?.unwrap_or_else(|| reply.url.clone());
    Ok(Located { commit, sha256, size, location })
}

fn checksum(reply: &Reply) -> String {
    let etag = reply.header("x-linked-etag").or_else(|| reply.header("etag")).unwrap_or_default();
    etag.trim_start_matches("W/").trim_matches('"').to_owned()
}

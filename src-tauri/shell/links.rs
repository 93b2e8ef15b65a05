//! Links out of the window: the page shows the host, a person decides, the system's own browser opens it.
//!
//! In:     an address from an answer or from our own pages
//! Out:    the host to show, or the address opened
//! Fails:  window.link_not_permitted (not http, https or mailto), window.link_not_opened (no program for it)

use crate::failure::failure;
use engine::words::Failure;
use serde::Serialize;
use tauri::Url;
use ts_rs::TS;

/// An address and the part of it that says where it leads.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
pub struct Link {
    /// The host as it is resolved (so `аpple.com` in Cyrillic shows its `xn--` form), or a mail address.
    pub host: String,
    pub url: String,
}

/// The address, when it is one that a person may be sent to.
pub fn permitted(address: &str) -> Option<Url> {
    let url = Url::parse(address).ok()?;
    match url.scheme() {
        "http" | "https" => url.host_str().is_some().then_some(url),
        "mailto" => Some(url),
        _ => None,
    }
}

#[tauri::command]
pub fn host_of(url: String) -> Result<Link, Failure> {
    let url = permitted(&url).ok_or_else(|| not_permitted(&url))?;
    let host = url.host_str().unwrap_or(url.path()).to_owned();
    Ok(Link { host, url: url.into() })
}

#[tauri::command(async)]
pub fn open_link(url: String) -> Result<(), Failure> {
    let url = permitted(&url).ok_or_else(|| not_permitted(&url))?;
    open::that_detached(url.as_str()).map_err(|error| {
        failure(
            "window.link_not_opened", "No program on this computer took the link.",
            "Copy the link and open it by hand.",
        )
        .with(error.to_string())
    })
}

fn not_permitted(address: &str) -> Failure {
    failure(
        "window.link_not_permitted", "This is not a link to the web or to a mail address.",
        "Nothing was opened. Links of other kinds are never followed.",
    )
    .with(address.chars().take(200).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_that_is_shown_is_the_one_that_is_opened() {
        for (address, host) in [
            ("https://example.com/a", "example.com"),
            ("https://example.com@evil.test/", "evil.test"),
            ("HTTPS://EXAMPLE.COM:8080", "example.com"),
            ("https://аpple.com/", "xn--pple-43d.com"),
            ("mailto:someone@example.com", "someone@example.com"),
        ] {
            assert_eq!(host_of(address.to_owned()).unwrap().host, host, "{address}");
        }
    }

    #[test]
    fn nothing_but_web_and_mail_is_opened() {
        for address in
            ["file:///etc/passwd", "javascript:alert(1)", "smb://host/x", "-x", "example.com", "https://"]
        {
            assert_eq!(
                open_link(address.to_owned()).unwrap_err().code,
                "window.link_not_permitted",
                "{address}"
            );
        }
    }
}

//! Edit: what a user changes about an expert that he added. Its files, and what was measured, stay as they are.

use super::{Expert, Pool, PoolError};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What is to be another; `None`: as it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct Edit {
    pub title: Option<String>,
    pub domains: Option<Vec<String>>,
    /// Empty: none.
    pub system_prompt: Option<String>,
    /// 0 is greedy.
    pub temperature: Option<f32>,
    /// 0 is all.
    pub top_k: Option<u32>,
    /// 1 is all.
    pub top_p: Option<f32>,
    /// 0 is all.
    pub min_p: Option<f32>,
    /// 1 changes nothing.
    pub repeat_penalty: Option<f32>,
    /// Of one answer.
    pub max_tokens: Option<u32>,
    /// Whether the router may send questions to an expert outside Lectern.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub automatic: Option<bool>,
}

impl Pool {
    pub fn edit(&self, name: &str, edit: &Edit) -> Result<Expert, PoolError> {
        let expert = self.get(name)?;
        if expert.starter {
            return Err(PoolError::IsStarter(name.into()));
        }
        let Edit {
            title,
            domains,
            system_prompt,
            temperature,
            top_k,
            top_p,
            min_p,
            repeat_penalty,
            max_tokens,
            automatic,
        } = edit.clone();
        check("the title", title.as_ref(), |title| !title.trim().is_empty(), "is empty")?;
        check("the temperature", temperature.as_ref(), |t| (0.0..=5.0).contains(t), "is not from 0 to 5")?;
        check("top-p", top_p.as_ref(), |p| *p > 0.0 && *p <= 1.0, "is not above 0 and at most 1")?;
        check("min-p", min_p.as_ref(), |p| (0.0..=1.0).contains(p), "is not from 0 to 1")?;
        check(
            "the repeat penalty",
            repeat_penalty.as_ref(),
            |p| (0.1..=10.0).contains(p),
            "is not from 0.1 to 10",
        )?;
        check("the longest answer", max_tokens.as_ref(), |tokens| *tokens > 0, "has no token")?;

        let mut manifest = expert.manifest;
        let endpoints: Vec<_> =
            manifest.implementations.iter_mut().filter_map(|its| its.endpoint.as_mut()).collect();
        check(
            "automatic",
            automatic.as_ref(),
            |_| !endpoints.is_empty(),
            "is for experts outside Lectern alone",
        )?;
        endpoints.into_iter().for_each(|endpoint| set(&mut endpoint.automatic, automatic));
        set(&mut manifest.title, title.map(|title| title.trim().to_owned()));
        set(&mut manifest.domains, domains.map(|domains| plain(&domains)));
        set(
            &mut manifest.system_prompt,
            system_prompt.map(|prompt| Some(prompt).filter(|it| !it.trim().is_empty())),
        );
        set(&mut manifest.sampling.temperature, temperature);
        set(&mut manifest.sampling.top_k, top_k);
        set(&mut manifest.sampling.top_p, top_p);
        set(&mut manifest.sampling.min_p, min_p);
        set(&mut manifest.sampling.repeat_penalty, repeat_penalty);
        set(&mut manifest.max_tokens, max_tokens);
        self.write(&manifest)?;
        self.get(name)
    }
}

/// Domains as the classifier names them.
pub fn plain(domains: &[String]) -> Vec<String> {
    let plain = domains.iter().map(|domain| domain.trim().to_lowercase());
    plain.filter(|domain| !domain.is_empty()).collect()
}

pub(super) fn set<T>(field: &mut T, to: Option<T>) {
    if let Some(to) = to {
        *field = to;
    }
}

fn check<T>(
    field: &'static str,
    value: Option<&T>,
    is_right: impl Fn(&T) -> bool,
    why: &'static str,
) -> Result<(), PoolError> {
    match value {
        Some(value) if !is_right(value) => Err(PoolError::BadEdit { field, why }),
        _ => Ok(()),
    }
}

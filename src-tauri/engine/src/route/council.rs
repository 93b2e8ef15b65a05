//! Which experts sit on a council, how many, and in which order they take the lectern.

use super::Standing;
use crate::words::{Candidate, Plan};

/// Complexity above which five are asked.
const HARD: f32 = 7.0;
/// More than this is no council; clients that count wrong are told so by it.
pub const MOST: u32 = 64;

/// How many are asked when nobody says: 3, or 5 above complexity 7.
pub fn size(complexity: f32) -> u32 {
    if complexity > HARD { 5 } else { 3 }
}

/// The `k` best of the plan; one that was chosen by hand is always among them.
pub fn members(plan: &Plan, k: u32) -> Vec<Candidate> {
    let mut members: Vec<Candidate> = plan.experts.iter().take(k.clamp(1, MOST) as usize).cloned().collect();
    // The one that would answer alone has a seat: chosen by hand, or for want of another.
    if members.iter().all(|member| member.name != plan.chosen) {
        let chosen = plan.experts.iter().find(|candidate| candidate.name == plan.chosen);
        members.truncate(members.len().saturating_sub(chosen.iter().len()));
        members.splice(0..0, chosen.cloned());
    }
    members
}

/// The order that costs fewest swaps and least time before the first word: who is seated, then the quickest to load, those
/// never measured last; of equals the better score first.
pub fn order(mut members: Vec<Candidate>, standing: &Standing) -> Vec<Candidate> {
    let seated = |member: &Candidate| standing.seated.as_ref() == Some(&member.name);
    let load = |member: &Candidate| standing.load_ms.get(&member.name).copied().unwrap_or(f32::INFINITY);
    members.sort_by(|a, b| {
        seated(b).cmp(&seated(a)).then(load(a).total_cmp(&load(b))).then(b.score.total_cmp(&a.score))
    });
    members
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(chosen: &str) -> Plan {
        let experts = [("a", 0.9), ("b", 0.5), ("c", 0.4), ("d", 0.1)].map(|(name, score)| Candidate {
            name: name.into(),
            score,
            ..Candidate::default()
        });
        Plan { experts: experts.into(), chosen: chosen.into(), ..Plan::default() }
    }

    fn names(members: &[Candidate]) -> Vec<&str> {
        members.iter().map(|member| member.name.as_str()).collect()
    }

    #[test]
    fn the_best_sit_and_so_does_who_was_chosen() {
        assert_eq!(names(&members(&plan("a"), 2)), ["a", "b"]);
        assert_eq!(names(&members(&plan("d"), 2)), ["d", "a"]);
        assert_eq!(members(&plan("a"), 9).len(), 4, "no more than there are");
        assert_eq!((size(2.0), size(7.0), size(7.1)), (3, 3, 5));
    }

    #[test]
    fn who_is_seated_begins_and_the_quickest_to_load_follows() {
        let mut standing = Standing { seated: Some("c".into()), ..Standing::default() };
        standing.load_ms.insert("b".into(), 40.0);
        standing.load_ms.insert("a".into(), 900.0);
        assert_eq!(names(&order(members(&plan("a"), 4), &standing)), ["c", "b", "a", "d"]);
        let empty = Standing::default();
        assert_eq!(
            names(&order(members(&plan("a"), 3), &empty)),
            ["a", "b", "c"],
            "by score when nothing is known"
        );
    }
}

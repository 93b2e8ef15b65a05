//! Requests that a person could type, written by the lab: one file a domain, one request a line.

/// The domains of the packs, each with its requests.
pub const DOMAINS: [(&str, &str); 13] = [
    ("mathematics", include_str!("requests/mathematics.txt")),
    ("code", include_str!("requests/code.txt")),
    ("physics", include_str!("requests/physics.txt")),
    ("chemistry", include_str!("requests/chemistry.txt")),
    ("reasoning", include_str!("requests/reasoning.txt")),
    ("planning", include_str!("requests/planning.txt")),
    ("knowledge", include_str!("requests/knowledge.txt")),
    ("writing", include_str!("requests/writing.txt")),
    ("law", include_str!("requests/law.txt")),
    ("art valuation", include_str!("requests/art.txt")),
    ("insurance", include_str!("requests/insurance.txt")),
    ("market research", include_str!("requests/market.txt")),
    ("none", include_str!("requests/none.txt")),
];

/// One of so many is held out.
const HELD_OUT: usize = 8;

#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    pub text: String,
    pub domain: &'static str,
    /// Not to be trained on.
    pub held_out: bool,
}

/// All of them, domain after domain.
pub fn requests() -> Vec<Request> {
    let mut all = Vec::new();
    for (domain, lines) in DOMAINS {
        let lines = lines.lines().map(str::trim).filter(|line| !line.is_empty());
        all.extend(lines.enumerate().map(|(number, text)| Request {
            text: text.to_owned(),
            domain,
            held_out: number % HELD_OUT == HELD_OUT - 1,
        }));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_domain_has_requests_enough_and_no_two_are_the_same() {
        let all = requests();
        let mut texts: Vec<String> = all.iter().map(|request| request.text.to_lowercase()).collect();
        texts.sort_unstable();
        let before = texts.len();
        texts.dedup();
        assert_eq!(texts.len(), before, "one is there twice");
        for (domain, _) in DOMAINS {
            let count = all.iter().filter(|request| request.domain == domain).count();
            assert!(count >= 200, "{domain}: {count}");
        }
    }
}

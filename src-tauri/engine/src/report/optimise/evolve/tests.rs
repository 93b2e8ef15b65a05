//! A world whose best prompt is known: a question is right when the prompt says the word that it needs.

use super::*;

/// Words that a prompt may say, and how many of the questions need each: every question needs one of them.
const NEEDED: [&str; 4] = ["alpha", "beta", "gamma", "delta"];

struct Stand {
    questions: Vec<(String, String)>,
    asked: usize,
    stop_after: usize,
    told: usize,
    reflects: bool,
}

impl Stand {
    fn of(n: usize) -> Stand {
        let questions =
            (0..n).map(|at| (format!("question {at}"), NEEDED[at % NEEDED.len()].to_owned())).collect();
        Stand { questions, asked: 0, stop_after: usize::MAX, told: 0, reflects: false }
    }
}

fn says(prompt: &Prompt, word: &str) -> bool {
    prompt.system.as_deref().unwrap_or_default().contains(word) || prompt.layout.contains(word)
}

impl World for Stand {
    fn ask(&mut self, prompt: &Prompt, place: usize) -> Result<Option<Rollout>, Failure> {
        if self.asked == self.stop_after {
            return Ok(None);
        }
        self.asked += 1;
        let right = says(prompt, &self.questions[place].1);
        let prompt_tokens = prompt.beside(None).len() as u32;
        Ok(Some(Rollout { right, answer: if right { "yes".into() } else { "no".into() }, prompt_tokens }))
    }

    fn question(&self, place: usize) -> (&str, &str) {
        let (question, needs) = &self.questions[place];
        (question, needs)
    }

    /// One word more in the system's text or in the layout, and some that help nobody.
    fn edits(&mut self, parent: &Prompt, _: &[Missed], _: &[Shot], dice: &mut Dice) -> Vec<Proposal> {
        let mut all: Vec<Proposal> = NEEDED
            .iter()
            .chain(&["useless", "idle"])
            .flat_map(|word| {
                let system = format!("{} {word}", parent.system.clone().unwrap_or_default());
                [
                    Proposal {
                        prompt: Prompt { system: Some(system), ..parent.clone() },
                        change: (*word).into(),
                    },
                    Proposal {
                        prompt: Prompt { layout: format!("{word} {}", parent.layout), ..parent.clone() },
                        change: format!("{word} before"),
                    },
                ]
            })
            .collect();
        dice.shuffle(&mut all);
        all
    }

    fn reflect(&mut self, parent: &Prompt, missed: &[Missed]) -> Result<Option<Reflected>, Failure> {
        if !self.reflects {
            return Ok(None);
        }
        // It reads what was missing from what went wrong.
        let needed: HashSet<&str> = missed.iter().map(|missed| missed.expected.as_str()).collect();
        let mut words: Vec<&str> = needed.into_iter().collect();
        words.sort_unstable();
        let system = format!("{} {}", parent.system.clone().unwrap_or_default(), words.join(" "));
        let proposal = Proposal {
            prompt: Prompt { system: Some(system), ..parent.clone() },
            change: "reflected".into(),
        };
        Ok(Some(Reflected { expert: "writer".into(), proposal: Some(proposal) }))
    }

    fn told(&mut self, spent: usize, _: Option<&[Tried]>) -> Result<(), Failure> {
        assert!(spent >= self.told, "what is spent never shrinks");
        self.told = spent;
        Ok(())
    }
}

fn search(world: &mut Stand, budget: usize, seed: u64) -> Evolved {
    let feedback: Vec<usize> = (0..16).collect();
    let front: Vec<usize> = (16..40).collect();
    evolve(world, Prompt::default(), &feedback, &front, budget, &mut Dice::new(seed)).unwrap()
}

fn right(tried: &Tried) -> usize {
    tried.front.map_or(0, |front| front.right)
}

#[test]
fn the_best_prompt_is_found_within_the_budget() {
    for seed in 1..=10 {
        let mut world = Stand::of(40);
        let found = search(&mut world, 700, seed);
        let best = &found.tried[found.best];
        assert_eq!(right(best), 24, "seed {seed}: {} of 24 after {} tried", right(best), found.tried.len());
        assert!(NEEDED.iter().all(|word| says(&best.prompt, word)));
        assert!(
            found.spent <= 700 && world.asked == found.spent,
            "{} asked, {} counted",
            world.asked,
            found.spent
        );
    }
}

#[test]
fn a_smaller_budget_is_never_overdrawn() {
    for budget in [24, 52, 53, 60, 100, 150] {
        let mut world = Stand::of(40);
        let found = search(&mut world, budget, 3);
        assert!(world.asked <= budget, "{} of {budget}", world.asked);
        assert_eq!(found.end, End::Budget);
        let first = found.tried[0].front.unwrap();
        assert_eq!((first.right, first.n), (0, 24), "as it is asked now, nothing is right");
    }
}

#[test]
fn the_lineage_says_what_became_of_what() {
    let found = search(&mut Stand::of(40), 700, 5);
    for tried in &found.tried[1..] {
        assert!(
            tried.parents.iter().all(|parent| *parent < tried.place),
            "parents come before their children"
        );
        let parent = &found.tried[tried.parents[0]];
        assert!(parent.front.is_some(), "who was not let in has no children");
        match tried.made {
            Made::Edit => {
                let (own, before) = (&tried.prompt, &parent.prompt);
                let changed =
                    usize::from(own.system != before.system) + usize::from(own.layout != before.layout);
                assert_eq!((changed, tried.parents.len()), (1, 1), "one change: {}", tried.change);
            }
            Made::Merge => assert_eq!(tried.parents.len(), 2),
            _ => panic!("nobody reflects here"),
        }
        let (own, before) = (tried.batch.unwrap(), tried.parent_batch.unwrap());
        let better = own.right > before.right || (tried.made == Made::Merge && own.right == before.right);
        assert_eq!(tried.front.is_some(), better, "let in when it does better on the few questions");
    }
}

#[test]
fn the_front_is_who_nobody_beats_everywhere() {
    let found = search(&mut Stand::of(40), 300, 2);
    // Scores made again from what each prompt says.
    let scores =
        |tried: &Tried| -> Vec<bool> { (16..40).map(|at| says(&tried.prompt, NEEDED[at % 4])).collect() };
    let inside: Vec<&Tried> = found.tried.iter().filter(|tried| tried.front.is_some()).collect();
    assert!(inside.len() >= 3, "a front of one proves little");
    let mut on_front = 0;
    for one in &inside {
        let beaten = inside.iter().any(|other| {
            let (own, its) = (scores(one), scores(other));
            let never_worse = its.iter().zip(&own).all(|(its, own)| its >= own);
            let first = (other.prompt_tokens, other.place) < (one.prompt_tokens, one.place);
            other.place != one.place && never_worse && (its != own || first)
        });
        assert_eq!(one.on_front, !beaten, "{}", one.change);
        on_front += usize::from(one.on_front);
        assert_eq!(right(one), scores(one).iter().filter(|right| **right).count());
    }
    assert!(on_front >= 1);
}

#[test]
fn the_same_seed_gives_the_same_search() {
    let changes = |seed| -> Vec<String> {
        search(&mut Stand::of(40), 400, seed).tried.into_iter().map(|tried| tried.change).collect()
    };
    assert_eq!(changes(4), changes(4));
    assert_ne!(changes(4), changes(5));
}

#[test]
fn an_expert_that_reads_what_went_wrong_gets_there_sooner() {
    let mut world = Stand { reflects: true, ..Stand::of(40) };
    let found = search(&mut world, 200, 1);
    let best = &found.tried[found.best];
    assert_eq!(right(best), 24);
    assert!(found.tried.iter().any(|tried| tried.made == Made::Reflection { expert: "writer".into() }));
    let reflections = found.spent - world.asked;
    assert!(reflections > 0 && found.spent <= 200, "a reflection counts as a question asked");
}

#[test]
fn stopped_it_has_what_it_has() {
    let mut world = Stand { stop_after: 70, ..Stand::of(40) };
    let found = search(&mut world, 700, 1);
    assert_eq!((found.end, world.asked), (End::Stopped, 70));
    assert!(found.tried.len() > 1 && found.tried[found.best].front.is_some());
    let mut world = Stand { stop_after: 5, ..Stand::of(40) };
    let found = search(&mut world, 700, 1);
    assert_eq!((found.end, found.best, found.tried[0].front), (End::Stopped, 0, None));
}

#[test]
fn where_nothing_goes_wrong_nothing_is_tried() {
    let mut world = Stand::of(40);
    let all = Prompt { system: Some(NEEDED.join(" ")), ..Prompt::default() };
    let (feedback, front): (Vec<usize>, Vec<usize>) = ((0..16).collect(), (16..40).collect());
    let found = evolve(&mut world, all, &feedback, &front, 700, &mut Dice::new(1)).unwrap();
    assert_eq!((found.end, found.tried.len(), found.best), (End::Nothing, 1, 0));
    assert_eq!(found.spent, 40, "each question once");
}

#[test]
fn what_two_changed_is_joined_part_by_part() {
    let elder = Prompt::default();
    let system = Prompt { system: Some("a".into()), ..Prompt::default() };
    let layout = Prompt { layout: "b {question}".into(), ..Prompt::default() };
    let both = joined(&elder, &system, &layout);
    assert_eq!((both.system.as_deref(), both.layout.as_str()), (Some("a"), "b {question}"));
    let other = Prompt { system: Some("c".into()), ..Prompt::default() };
    assert_eq!(joined(&elder, &system, &other).system.as_deref(), Some("a"), "the better one's");
}

//! Packs: imported over a model, known to routing by their wordings, tested with their questions, taken out whole; and an
//! expert that performs under the pool file's threshold, retired when that is switched on.

// A helper that cannot go on fails its test.
#![allow(clippy::unwrap_used)]

// Other journeys use the rest of each.
#[allow(dead_code)]
#[path = "support/house.rs"]
mod house;
#[allow(dead_code)]
#[path = "support/hub.rs"]
mod hub;
#[allow(dead_code)]
#[path = "support/toy.rs"]
mod toy;
#[allow(dead_code)]
#[path = "support/toys.rs"]
mod toys;

use engine::Engine;
use engine::home::Home;
use engine::packs::Packs;
use engine::words::Question;
use house::House;
use toy::Toy;
use toys::Toys;

/// Its answer is that of one of the law pack's questions.
fn house_with_a_model() -> House {
    let house = House::new();
    let model = house.model("base.gguf", Toy { says: &["oblige"], ..Toy::default() });
    house.says(&["experts", "add", model.to_str().unwrap(), "--name", "base", "--domains", "general"]);
    house
}

#[test]
fn a_pack_speaks_with_a_model_is_found_by_its_questions_and_goes_without_a_trace() {
    let house = house_with_a_model();
    let all = house.says(&["packs", "list"]);
    let names: Vec<&str> =
        all.as_array().unwrap().iter().map(|p| p["pack"]["name"].as_str().unwrap()).collect();
    assert_eq!(names.len(), 12);
    assert!(
        ["law", "art-valuation", "insurance-compliance", "market-research"]
            .iter()
            .all(|name| names.contains(name))
    );

    let bare = house.says(&["packs", "add", "law"]);
    assert_eq!((&bare["imported"], &bare["experts"]), (&true.into(), &serde_json::json!([])));
    let question = "Explain which duties the clauses of this lease put on the tenant";
    let before = house.says(&["route", question]);
    assert_ne!(before["chosen"], "law-pack");

    let added = house.says(&["packs", "add", "law", "--expert", "base"]);
    assert_eq!(added["experts"], serde_json::json!(["law-pack"]));
    let expert = house.says(&["experts", "show", "law-pack"]);
    assert!(expert["manifest"]["system_prompt"].as_str().unwrap().contains("no legal advice"));
    assert_eq!(expert["file"], house.says(&["experts", "show", "base"])["file"], "no model is copied");
    let after = house.says(&["route", question]);
    assert_eq!(after["chosen"], "law-pack", "{after}");
    assert_eq!(
        house.says(&["route", "What is 17 * 23?"])["chosen"],
        "arithmetic",
        "others stay where they were"
    );

    let file = added["questions_file"].as_str().unwrap();
    let bench = house.says(&["bench", "--file", file, "--modes", "basic"]);
    assert_eq!(bench["questions"], 13, "its questions are a file that bench reads");
    let first = std::fs::read_to_string(file).unwrap().lines().next().unwrap().to_owned();
    let first: serde_json::Value = serde_json::from_str(&first).unwrap();
    let asked = house.says(&["ask", first["question"].as_str().unwrap(), "--expert", "law-pack"]);
    assert_eq!(asked["answer"].as_str().unwrap().trim(), first["expected"]);

    let lessons = house.says(&["lessons", "list"]).as_array().unwrap().len();
    assert_eq!(lessons, 7, "its wordings");
    assert_eq!(told(&house, "law").len(), 6);
    house.says(&["packs", "remove", "law"]);
    assert!(told(&house, "law").is_empty());
    assert_eq!(house.says(&["lessons", "list"]).as_array().unwrap().len(), 0);
    assert!(!house.at("home/pool/law-pack.json").exists() && house.at("home/pool/base.json").exists());
    assert!(house.at("base.gguf").exists());
    assert_eq!(std::fs::read_dir(house.at("home/packs")).unwrap().count(), 0);
}

#[test]
fn a_pack_of_ones_own_is_checked_and_nothing_is_kept_of_a_wrong_one() {
    let house = house_with_a_model();
    let law = Packs::of(&house.home()).find("law").unwrap().to_yaml().unwrap();
    let own = law.replacen("name: law", "name: my-field", 1).replacen("domain: law", "domain: my field", 1);
    let path = house.at("own.yaml");
    std::fs::write(&path, own.replacen("playbook:", "playbok:", 1)).unwrap();
    let refused = house.lectern(&["packs", "add", path.to_str().unwrap()]).output().unwrap();
    let said =
        String::from_utf8_lossy(&refused.stdout).into_owned() + &String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && said.contains("own.yaml:") && said.contains("playbok"), "{said}");
    assert!(!house.at("home/packs/my-field.yaml").exists());

    std::fs::write(&path, &own).unwrap();
    let starter =
        house.lectern(&["packs", "add", path.to_str().unwrap(), "--expert", "arithmetic"]).output().unwrap();
    assert!(!starter.status.success(), "a starter reads no prompt");
    assert!(!house.at("home/packs/my-field.yaml").exists());
    let added = house.says(&["packs", "add", path.to_str().unwrap(), "--expert", "base"]);
    assert_eq!((&added["shipped"], &added["experts"][0]), (&false.into(), &"my-field-pack".into()));
    let again = house.says(&["packs", "add", path.to_str().unwrap(), "--expert", "base"]);
    assert_eq!(again["experts"].as_array().unwrap().len(), 1, "a second time changes nothing");
    assert_eq!(house.says(&["packs", "list"]).as_array().unwrap().len(), 13);
    house.says(&["packs", "remove", "my-field"]);
    let gone = house.lectern(&["packs", "show", "my-field"]).output().unwrap();
    assert!(!gone.status.success());
    let outside = house.lectern(&["packs", "remove", "../pool/base"]).output().unwrap();
    assert!(!outside.status.success() && house.at("home/pool/base.json").exists());
}

/// What the playbook tells in a domain.
fn told(house: &House, domain: &str) -> Vec<(i64, String)> {
    let all = house.says(&["playbook", "list", "--domain", domain]);
    let all = all.as_array().unwrap().iter();
    all.map(|b| (b["id"].as_i64().unwrap(), b["text"].as_str().unwrap().to_owned())).collect()
}

#[test]
fn the_bullets_of_a_pack_are_told_until_it_goes_and_those_that_were_changed_stay() {
    let house = house_with_a_model();
    let law = Packs::of(&house.home()).find("law").unwrap();
    // Said before by the user, in almost these words: they count as one.
    let own = "The words of the text are quoted and then explained.";
    house.says(&["playbook", "add", own, "--domain", "law"]);
    house.says(&["packs", "add", "law"]);
    let texts: Vec<String> = told(&house, "law").into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts.len(), law.playbook.len(), "{texts:?}");
    assert!(texts.contains(&own.into()) && !texts.contains(&law.playbook[1]), "{texts:?}");
    let bullets = house.says(&["playbook", "list", "--domain", "law"]);
    let from = |origin: &str| bullets.as_array().unwrap().iter().filter(|b| b["origin"] == origin).count();
    assert_eq!((from("user"), from("pack")), (1, law.playbook.len() - 1));

    let id = |text: &str| told(&house, "law").into_iter().find(|(_, its)| its == text).unwrap().0.to_string();
    house.says(&[
        "playbook",
        "edit",
        &id(&law.playbook[0]),
        "--text",
        "The law of the place is named first.",
    ]);
    house.says(&["playbook", "retire", &id(&law.playbook[4])]);
    house.says(&["packs", "add", "law", "--expert", "base"]);
    let again = told(&house, "law");
    assert_eq!(
        again.len(),
        law.playbook.len(),
        "the one that was reworded comes back, the retired one does not"
    );
    house.says(&["packs", "remove", "law"]);
    let left: Vec<String> = told(&house, "law").into_iter().map(|(_, text)| text).collect();
    assert_eq!(left, [own, "The law of the place is named first."]);
}

#[test]
fn a_domain_that_no_question_is_read_into_is_told_where_its_expert_answers() {
    let house = house_with_a_model();
    let mut own = Packs::of(&house.home()).find("law").unwrap();
    (own.name, own.domain) = ("my-field".into(), "my field".into());
    own.playbook = vec!["Name the place.".into(), "Name the day.".into()];
    let path = house.at("own.yaml");
    let write = |pack: &engine::packs::Pack| std::fs::write(&path, pack.to_yaml().unwrap()).unwrap();
    let add = || house.says(&["packs", "add", path.to_str().unwrap(), "--expert", "base"]);
    write(&own);
    add();
    let heard = |expert: &str| {
        let said = house.says(&["ask", "What is due in my field?", "--expert", expert, "--playbook"]);
        said["trace"]["advice"]["bullets"].as_array().map_or(0, Vec::len)
    };
    assert_eq!((heard("my-field-pack"), heard("base")), (2, 0));

    // Its next edition, and a second pack that says one of the same.
    own.playbook = vec!["Name the day.".into(), "Name the hour.".into()];
    write(&own);
    add();
    let texts = || told(&house, "my field").into_iter().map(|(_, text)| text).collect::<Vec<_>>();
    assert_eq!(texts(), own.playbook);
    own.name = "other".into();
    own.playbook = vec!["Name the hour.".into()];
    write(&own);
    house.says(&["packs", "add", path.to_str().unwrap()]);
    house.says(&["packs", "remove", "my-field"]);
    assert_eq!(texts(), own.playbook, "the other pack says it still");
    house.says(&["packs", "remove", "other"]);
    assert_eq!(texts(), Vec::<String>::new());
}

#[test]
fn who_performs_under_the_threshold_is_retired_when_that_is_switched_on_and_not_before() {
    let toys = Toys::with(&[("good", Toy::default()), ("poor", Toy { says: &["wrong"], ..Toy::default() })]);
    let home = Home::at(toys.folder.path().join("home"));
    let mut rated = Vec::new();
    for (expert, rating) in [("good", 1), ("poor", -1)] {
        for at in 0..25 {
            let question = Question {
                expert: Some(expert.into()),
                recall: false,
                ..Question::new(format!("{expert}: number {at}"))
            };
            let answer = toys.listen(question, &mut |_| {}).unwrap();
            rated.push((answer.id, rating));
        }
    }
    // At the end: routing would learn anew before each question.
    for (id, rating) in rated {
        assert!(toys.engine.rate(&id, rating).unwrap());
    }
    let Toys { engine, folder } = toys;
    drop(engine);
    // Performance: (up + 100 · 0.5) / (up + down + 100): 75 of 125, and 50 of 125.
    let open = |remove: bool, threshold: f32| {
        let text = format!(
            "management:\n  performance_threshold: {threshold}\n  remove_underperforming: {remove}\n"
        );
        std::fs::write(home.pool_file(), text).unwrap();
        let engine = Engine::open(home.clone(), toys::options(&["good", "poor"], None)).unwrap();
        let retired = |name: &str| engine.pool().get(name).unwrap().retired.is_some();
        (retired("good"), retired("poor"), engine)
    };
    let (good, poor, engine) = open(false, 0.45);
    assert_eq!((good, poor), (false, false), "nobody is retired unless that is switched on");
    drop(engine);
    let (good, poor, engine) = open(true, 0.39);
    assert_eq!((good, poor), (false, false), "0.4 is above it");
    drop(engine);
    let (good, poor, engine) = open(true, 0.45);
    assert_eq!((good, poor), (false, true));
    assert_ne!(engine.route("poor: number 99", None).unwrap().chosen, "poor", "questions pass it by");
    assert!(engine.pool().history().unwrap().len() == 1, "and the report says so");
    engine.pool().restore(Some("poor")).unwrap();
    assert!(engine.pool().get("poor").unwrap().retired.is_none(), "it can be taken back");
    drop(folder);
}

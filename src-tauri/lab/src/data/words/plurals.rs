//! Plurals of English nouns: the rules, and the nouns that follow none.

/// Why the plural is what it is, and the plural. `noun` in lower case.
pub fn plural(noun: &str) -> (String, String) {
    if let Some((_, plural)) = IRREGULAR.iter().find(|(one, _)| *one == noun) {
        let why = if *plural == noun { "stays the same" } else { "is irregular" };
        return (format!("{noun} {why}"), (*plural).to_string());
    }
    let ending = &noun[noun.len().saturating_sub(2)..];
    let (cut, add, rule) = rule(noun);
    (format!("{noun} ends in {ending}: {rule}"), format!("{}{add}", &noun[..noun.len() - cut]))
}

/// Letters to cut off, letters to add, and the rule in words.
fn rule(noun: &str) -> (usize, &'static str, &'static str) {
    let ends = |endings: &[&str]| endings.iter().any(|ending| noun.ends_with(ending));
    if VES.contains(&noun) {
        return if noun.ends_with("fe") { (2, "ves", "fe becomes ves") } else { (1, "ves", "f becomes ves") };
    }
    if ends(&["s", "x", "z", "ch", "sh"]) || OES.contains(&noun) {
        return (0, "es", "add es");
    }
    if noun.ends_with('y') {
        return match noun.ends_with("quy") || !ends(&["ay", "ey", "oy", "uy", "iy"]) {
            true => (1, "ies", "consonant and y, y becomes ies"),
            false => (0, "s", "vowel and y, add s"),
        };
    }
    (0, "s", "add s")
}

pub const IRREGULAR: &[(&str, &str)] = &[
    ("child", "children"),
    ("man", "men"),
    ("woman", "women"),
    ("foot", "feet"),
    ("tooth", "teeth"),
    ("goose", "geese"),
    ("mouse", "mice"),
    ("person", "people"),
    ("ox", "oxen"),
    ("louse", "lice"),
    ("die", "dice"),
    ("cactus", "cacti"),
    ("analysis", "analyses"),
    ("crisis", "crises"),
    ("phenomenon", "phenomena"),
    ("criterion", "criteria"),
    ("fungus", "fungi"),
    ("nucleus", "nuclei"),
    ("thesis", "theses"),
    ("oasis", "oases"),
    ("quiz", "quizzes"),
    ("sheep", "sheep"),
    ("fish", "fish"),
    ("deer", "deer"),
    ("moose", "moose"),
    ("salmon", "salmon"),
    ("aircraft", "aircraft"),
    ("series", "series"),
    ("species", "species"),
    ("stomach", "stomachs"),
    ("fireman", "firemen"),
    ("policeman", "policemen"),
    ("grandchild", "grandchildren"),
    ("datum", "data"),
    ("bacterium", "bacteria"),
    ("mailman", "mailmen"),
    ("snowman", "snowmen"),
    ("gentleman", "gentlemen"),
    ("fisherman", "fishermen"),
    ("postman", "postmen"),
    ("salesman", "salesmen"),
    ("businessman", "businessmen"),
    ("businesswoman", "businesswomen"),
    ("craftsman", "craftsmen"),
    ("stepchild", "stepchildren"),
    ("schoolchild", "schoolchildren"),
    ("dormouse", "dormice"),
    ("eyetooth", "eyeteeth"),
    ("radius", "radii"),
    ("stimulus", "stimuli"),
    ("alumnus", "alumni"),
    ("basis", "bases"),
    ("axis", "axes"),
    ("diagnosis", "diagnoses"),
    ("hypothesis", "hypotheses"),
    ("emphasis", "emphases"),
    ("parenthesis", "parentheses"),
    ("synthesis", "syntheses"),
    ("larva", "larvae"),
    ("alga", "algae"),
    ("vertebra", "vertebrae"),
    ("medium", "media"),
    ("curriculum", "curricula"),
    ("monarch", "monarchs"),
    ("epoch", "epochs"),
    ("patriarch", "patriarchs"),
    ("bison", "bison"),
    ("shrimp", "shrimp"),
    ("trout", "trout"),
    ("swine", "swine"),
    ("offspring", "offspring"),
    ("reindeer", "reindeer"),
    ("spacecraft", "spacecraft"),
    ("hovercraft", "hovercraft"),
    ("goldfish", "goldfish"),
    ("starfish", "starfish"),
    ("jellyfish", "jellyfish"),
    ("headquarters", "headquarters"),
    ("crossroads", "crossroads"),
];

const VES: &[&str] = &[
    "leaf", "knife", "wolf", "life", "wife", "half", "calf", "shelf", "thief", "loaf", "elf", "scarf",
    "hoof", "self", "bookshelf", "housewife", "midwife", "werewolf", "sheaf", "penknife", "meatloaf",
];

const OES: &[&str] = &[
    "potato", "tomato", "hero", "echo", "torpedo", "veto", "mosquito", "volcano", "mango", "domino",
    "tornado", "embargo", "superhero",
];

/// Nouns whose plural needs a list to be known, besides the irregular ones.
pub fn to_be_known() -> impl Iterator<Item = &'static str> {
    VES.iter().chain(OES).copied().chain([
        "roof", "chef", "belief", "cliff", "giraffe", "safe", "reef", "piano", "photo", "radio", "zoo",
        "kangaroo", "video", "studio", "logo", "kilo", "disco", "casino", "tattoo", "bamboo", "proof",
        "handkerchief", "brief", "chief", "sheriff", "gulf", "cuff", "stereo", "solo", "cello", "avocado",
        "taco", "burrito", "memo", "euro", "rhino", "hippo", "ego", "flamenco", "shampoo", "human",
        "mongoose", "cave", "glove", "horse",
    ])
}

pub const REGULAR: &str = "
cat dog car book table chair house tree river apple banana orange pen pencil window door key lamp phone computer friend
teacher student doctor nurse farmer driver singer king queen prince horse cow pig rabbit tiger lion bear elephant snake
frog bird eagle owl duck spider bee ant flower rose tulip plant seed stone rock mountain hill lake sea ocean island
forest garden park street road bridge tower castle village town hotel restaurant school hospital museum library
station airport train plane ship boat bike ticket suitcase bag shoe sock shirt coat hat glove ring watch clock mirror
picture painting camera film song guitar violin drum piece page letter word number question answer idea plan dream
problem mistake secret story game ball team player coach match race goal prize medal cup plate spoon fork glass bottle
bowl pan pot oven fridge egg sandwich cake cookie pie carrot onion pepper lemon peach cherry strawberry blueberry
raspberry berry city country baby lady party family factory army enemy body copy story hobby penny puppy pony fly spy
sky diary dictionary library memory battery gallery ferry jelly kitty bunny daisy lily fairy country university
activity ability company county duty injury discovery butterfly boy toy day key monkey donkey turkey valley journey
chimney way tray essay holiday birthday delay display play ray jersey kidney trolley box fox tax wax mix fax reflex suffix
bus gas class glass dress boss kiss cross grass loss pass address business mattress princess actress waitress lens
virus bonus campus circus church bench beach branch lunch match watch witch switch sandwich couch porch ranch peach
speech sketch coach inch torch brush dish wish bush crash flash dash bash eyelash buzz waltz blitz hand finger arm leg
nose eye ear head neck shoulder knee elbow heart brain bone tongue cheek chin hair brother sister aunt uncle cousin
parent son daughter neighbour guest visitor customer worker manager lawyer pilot soldier sailor artist actor writer
poet baker butcher waiter judge engineer scientist planet star moon cloud storm wind rainbow season month year week
hour minute second morning evening night summer winter computer keyboard screen button cable machine engine wheel
bucket hammer nail needle rope ladder candle blanket pillow towel carpet curtain cushion basket envelope stamp coin
wallet umbrella helmet jacket sweater skirt belt button zipper pocket sleeve collar tie boot sandal slipper
";

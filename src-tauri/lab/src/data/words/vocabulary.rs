//! The words that questions about words are about: common ones, made-up ones, names and phrases.

use crate::data::Split;
use crate::data::wording::{first_letter, stable_hash};
use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use std::sync::LazyLock;

/// One word in eight, by its letters alone, is kept for the held-out set.
pub fn held_out(word: &str) -> bool {
    stable_hash(&word.to_lowercase()).is_multiple_of(8)
}

pub fn belongs(word: &str, split: Split) -> bool {
    held_out(word) == (split == Split::HeldOut)
}

/// A word of 2 to `most` letters: half of them common, the others made up, so that letters matter and not meanings.
pub fn word(rng: &mut ChaCha8Rng, split: Split, most: usize) -> String {
    loop {
        let word = if rng.random_bool(0.5) { common(rng).to_string() } else { made_up(rng) };
        if (2..=most).contains(&word.len()) && belongs(&word, split) {
            return word;
        }
    }
}

/// A word that people use, of either split's letters.
pub fn common(rng: &mut ChaCha8Rng) -> &'static str {
    pick(rng, &COMMON)
}

fn pick(rng: &mut ChaCha8Rng, list: &[&'static str]) -> &'static str {
    list.choose(rng).copied().unwrap_or("word")
}

fn made_up(rng: &mut ChaCha8Rng) -> String {
    if rng.random_bool(0.12) {
        let length = rng.random_range(3..10);
        return (0..length).map(|_| char::from(rng.random_range(b'a'..=b'z'))).collect();
    }
    let count = *[1, 2, 2, 2, 3, 3, 3, 4].choose(rng).unwrap_or(&2);
    let mut word: String = (0..count).map(|_| syllable(rng)).collect();
    if rng.random_bool(0.3) {
        word += pick(rng, &["ing", "er", "ly", "tion", "ness", "s", "ed", "able", "ful", "ment"]);
    }
    word
}

fn syllable(rng: &mut ChaCha8Rng) -> String {
    const ONSETS: &[&str] = &[
        "", "b", "bl", "br", "c", "ch", "cl", "cr", "d", "dr", "f", "fl", "fr", "g", "gl", "gr", "h", "j",
        "k", "l", "m", "n", "p", "pl", "pr", "qu", "r", "s", "sc", "sh", "sl", "sm", "sn", "sp", "st", "str",
        "t", "th", "tr", "v", "w", "wh", "y", "z", "b", "c", "d", "l", "m", "p", "r", "s", "t",
    ];
    const VOWELS: &[&str] =
        &["a", "e", "i", "o", "u", "a", "e", "i", "o", "ea", "ee", "oo", "ou", "ai", "y", "ie"];
    const CODAS: &[&str] = &[
        "", "", "", "", "b", "ck", "d", "g", "l", "ll", "m", "n", "nd", "ng", "nt", "p", "r", "rt", "s",
        "ss", "st", "t", "tt", "x",
    ];
    [ONSETS, VOWELS, CODAS].map(|part| pick(rng, part)).concat()
}

/// A noun that forms its plural by rule.
pub fn made_up_noun(rng: &mut ChaCha8Rng, split: Split) -> String {
    loop {
        let noun: String = (0..rng.random_range(1..4)).map(|_| syllable(rng)).collect::<String>()
            + pick(
                rng,
                &[
                    "b", "t", "n", "ck", "p", "r", "d", "g", "m", "x", "sh", "ch", "ss", "ly", "ty", "ry",
                    "ay", "ey", "oy", "er", "et", "el",
                ],
            );
        if (3..=12).contains(&noun.len()) && belongs(&noun, split) && !noun.contains("yy") {
            return noun;
        }
    }
}

/// `count` words of one split as a sentence would have them, with small words between.
pub fn sentence(rng: &mut ChaCha8Rng, split: Split, count: usize) -> String {
    const SMALL: &[&str] = &[
        "the", "a", "is", "on", "in", "my", "we", "to", "and", "of", "for", "it", "was", "they", "I", "you",
        "at", "with", "this", "are", "he", "she", "not", "by", "our",
    ];
    let words: Vec<String> = (0..count)
        .map(|_| if rng.random_bool(0.35) { pick(rng, SMALL).to_string() } else { plain(rng, split) })
        .collect();
    words.join(" ")
}

/// A word of one split as lists and sentences have it: mostly common, often enough made up that copying it must be
/// learned and not the list of common words.
pub fn plain(rng: &mut ChaCha8Rng, split: Split) -> String {
    let word = if rng.random_bool(0.6) { common(rng).to_string() } else { made_up(rng) };
    if word.len() <= 11 && belongs(&word, split) { word } else { plain(rng, split) }
}

/// A first and a last name, now and then with one between.
pub fn name(rng: &mut ChaCha8Rng, split: Split) -> String {
    loop {
        let mut parts = vec![pick(rng, &FIRST).to_string()];
        if rng.random_bool(0.3) {
            parts.push(pick(rng, &FIRST).to_string());
        }
        parts.push(if rng.random_bool(0.7) {
            pick(rng, &LAST).to_string()
        } else {
            first_letter(&made_up(rng), true)
        });
        let name = parts.join(" ");
        if belongs(&name, split) {
            return name;
        }
    }
}

pub static COMMON: LazyLock<Vec<&'static str>> = LazyLock::new(|| COMMON_WORDS.split_whitespace().collect());
static FIRST: LazyLock<Vec<&'static str>> = LazyLock::new(|| FIRST_NAMES.split_whitespace().collect());
static LAST: LazyLock<Vec<&'static str>> = LazyLock::new(|| LAST_NAMES.split_whitespace().collect());

const COMMON_WORDS: &str = "
about above accident across action actor address adventure afternoon again airport album almond alphabet always amazing
anchor ancient angle animal ankle answer apple apricot april apron arch area arm army arrow art artist ask asleep atom
attic august aunt autumn avocado baby back badge bag bake baker balcony ball balloon bamboo banana band bank barn
basil basket bat bath battle beach beacon bean bear beautiful bed bee beetle begin bell belt bench berry bicycle big
bike bird birthday biscuit bitter black blanket blossom blue blueberry board boat body bone book bookkeeper boot border
bottle bottom bowl box boy bracket branch brave bread breakfast breeze brick bridge bright broccoli brother brown brush
bubble bucket building bus business butter butterfly button cabbage cabin cable cactus cake calendar camel camera camp
candle canyon captain car card careful carpet carrot cart castle cat catch cattle cave celery cellar centre chain chair
chalk change cheese cherry chess chest chicken child chimney chocolate church cinema circle circus city clean clever
cliff clock cloud clover coach coal coast coat coconut coffee coin cold collar colour column comet committee common
computer cook copper coral corn corner cotton cough country courage cousin cow crab crayon cream creek cricket crow
crown crystal cucumber cup cupboard curtain cushion cycle daisy dance danger dark date daughter day deer desert desk
dessert diamond dictionary dinner dish doctor dog dolphin donkey door dragon drawer dream dress drink drum duck dust eagle
ear early earth east easy eat echo edge egg eight elbow elephant elevator empty engine engineer evening exam example
eye face factory fairy fall family farm farmer fast father feather february fence fern festival field fig finger fire
fish five flag flame flower flute fly fog follow food foot football forest fork fountain fox freedom friday friend
friendship frog fruit full future galaxy game garage garden garlic gate ghost giant giraffe girl glacier glass glove
goat gold good goose grape grass great green grey grill ground guitar hair hall hammer hand happiness happy harbour
harvest hat hawk hazel head heart heavy hedge helmet hero hill history hockey holiday home honest honey hook horse
hospital hotel hour house human hundred hungry ice idea igloo information ink insect island ivory jacket jam january
jar jazz jelly jewel journey juice july jump june jungle kangaroo kettle key kind king kitchen kite kitten knee knife
knight knot knowledge label ladder lake lamp language lantern large laugh laundry lawn leaf leather lemon letter
lettuce level library light lightning lily lime lion lizard llama lobster lock long lunch machine magic magnet mango map
maple marble march market meadow medal melon memory mermaid message metal milk mirror mississippi mitten moment monday
money monkey month moon morning moth mother motor mountain mouse mouth movie mud muffin museum mushroom music mustard
nail name napkin nature neck needle nest net never new newspaper night nine noodle north nose note notebook november
nurse nut oak ocean october office oil old olive onion open orange orbit orchard orchestra otter oven owl oyster packet
page paint palace palm pan panda paper parade parcel parent park parrot party path pea peace peach peanut pear pearl
pebble pen pencil penguin people pepper person phone photo piano picnic picture pie pig pigeon pillow pilot pine pink
pirate pizza planet plant plate plum pocket poem poet police pond pony pool potato powder present prince princess
printer problem programme public pudding pumpkin puppy purple puzzle pyramid queen question quick quiet quill quilt
rabbit raccoon radio radish railway rain rainbow raisin raspberry raven red rest restaurant ribbon rice rich ring river
road robin robot rock rocket roof room root rope rose round ruler saddle sail salad salt sand sandwich saturday sauce
school science scissors sea season secret seed september seven shadow shark sheep shell ship shirt shoe shop shore
short shoulder silver singer sister six skate skirt sky sleep slow small smile smoke snail snake snow soap soccer sock
sofa soft soldier song soup south space sparrow spider spinach spoon spring square squirrel stable stadium stage
station stone storm story strawberry street string strong student sugar summer sun sunday sunflower sunrise surprise
swan sweet swim table tail tea teacher team telephone television temple ten tent test thunder thursday ticket tiger
time tiny toast toe tomato tomorrow tooth torch towel tower town toy train tram travel treasure tree triangle trumpet
tuesday tulip tunnel turkey turnip turtle umbrella uncle under uniform universe useful valley vanilla vegetable velvet
vessel village vinegar violet violin visit voice volcano wagon walk wall walnut walrus watch water watermelon weather
wedding wednesday week welcome west whale wheat wheel whisper white wide wild willow wind window winter wisdom wise wolf
woman wonder wood wool word world worm write yacht yard year yellow yesterday yogurt young zebra zero zipper zoo
";

const FIRST_NAMES: &str = "
Ada Adam Albert Alice Amir Anna Arthur Beatrix Ben Bruno Carla Charles Clara Daniel David Diego Dora Edgar Elena Emma
Eric Fatima Felix Fiona Frank George Grace Hannah Harry Helen Hugo Ines Isaac Ivan Jack James Jane John Joseph Julia
Karl Kate Kim Laura Leo Lily Louis Lucy Marie Mark Martin Mary Max Mia Michael Mona Nadia Nina Noah Nora Olga Oliver
Omar Oscar Paul Peter Quentin Rachel Rita Robert Rosa Ruth Samuel Sara Simon Sofia Thomas Tom Uma Vera Victor Wendy
William Xavier Yara Yusuf Zoe Alan Franklin Martha Theodore Ursula Ronald Virginia
";

const LAST_NAMES: &str = "
Adams Baker Becker Brown Carter Clark Cooper Costa Curie Davis Diaz Edwards Einstein Evans Fischer Fitzgerald Garcia Gray
Green Hall Harris Hill Hughes Ito Jackson Johnson Jones Kennedy King Klein Kumar Lee Lewis Lopez Lovelace Martin Meyer
Miller Moore Morris Murphy Nelson Newton Novak Oakley Olsen Owens Parker Patel Phillips Quinn Reed Rivera Roberts Rossi
Sanchez Scott Silva Singh Smith Stone Taylor Thompson Turing Turner Underwood Vargas Walker Watson White Wilson Wood
Wright Xu Yang Young Zhang Zimmer Luther Roosevelt
";

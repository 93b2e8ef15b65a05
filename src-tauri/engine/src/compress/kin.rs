//! Kin: words that stand for one another between a question and the sentence that answers it ("who wrote" is answered by
//! "the author", "where was it filmed" by "principal photography").
//!
//! General English, written by hand; a line is a family, and a word may stand in several.

use crate::archive::terms;
use std::collections::HashMap;
use std::sync::OnceLock;

const FAMILIES: &str = "
write wrote written writer writing author authored novel composed composer penned lyrics
sing sang sung singer song sings vocals vocalist performed recorded recording band duo single
play plays played player portray portrayed portrays star starred stars starring cast actor actress role voice voiced character
voice voiced voices dubbed cast
film filmed filming movie shot shoot photography footage
film movie picture cinema directed director starring
location located set lies situated place places found takes near
live lives lived living reside resident inhabited home settled set
bear born birth birthplace native
die dies died dead death killed deceased assassinated executed fatally buried
win won wins winner winning victory champion champions championship defeated defeating beat title crowned
lose lost loses defeated defeat
begin began begun start started starts first established founded launched opened opening premiered inaugurated origin
create created creator creation invented inventor developed developer founded founder devised designed designer introduced established formed
invent invented inventor developed patented discovered pioneered
discover discovered discovery identified isolated found
release released premiere premiered aired debut debuted published launched broadcast published
air aired airs premiere premiered broadcast episode season channel
publish published publication released
end ended ends ending final finale last concluded finished ceased
come came comes from origin originated derived originates
mean means meaning refers derived denotes etymology word term
name named called known title titled nickname
call called known named termed referred
own owned owns owner purchased acquired bought property subsidiary
run ran runs operated managed
build built construction constructed completed erected builder
make made makes manufactured produced producer created composed consists
produce produced produces production manufactured
rule ruled ruler king queen emperor monarch reign reigned throne dynasty
lead led leads leader leadership head headed commanded commander general
president elected presidency inaugurated office sworn
elect elected election vote voted chosen appointed
appoint appointed nominated
govern government governed governor administration
fight fought war battle conflict
war battle fought invasion invaded declared conflict
enter entered joined declared join
kill killed murder murdered shot assassinated slain
marry married marries wife husband wedding spouse
wife married husband spouse daughter
father dad son daughter parent
mother mom daughter son parent
child children son daughter
king queen prince monarch throne
money currency dollar dollars banknotes coin paid cost price
pay paid salary fee
cost price paid dollars worth
big biggest large largest size area greatest
large largest big biggest greatest
long longest length kilometres miles metres
tall tallest height high highest feet metres
high highest tallest height elevation peak
far distance miles kilometres
deep deepest depth
old oldest age aged years
many number total several count consists comprises
much amount total percent
people population persons inhabitants
live population inhabitants people
part parts section component region
kind type types form class
type kind types form classified
happen happened event occurred
occur occurs occurred happens takes
cause causes caused due because reason result resulting
reason because due purpose
effect affects result
purpose used aim function intended
function role responsible purpose
use used uses using utilized
work works worked job career employed
game games match season played team
team club played franchise
sport football baseball basketball hockey
record records most highest broke holds
most highest largest record
next upcoming scheduled following
last latest final recent previous ended
new recent latest
current currently incumbent present
host hosted hosts presenter presented hosting
present presented presenter host hosted
headline halftime performed performer performance
perform performed performer performance sang
paint painted painter painting artist fresco
draw drawn artist illustrated
say said says stated quote
country nation state
city town capital located
capital city seat
state states province region
river flows tributary basin
flow flows drains empties river
begin source rises headwaters
mountain peak summit range
island islands archipelago
ocean sea coast
body human organ cells tissue
blood artery vein heart vessels
heart ventricle atrium cardiac
law act legislation statute passed
pass passed enacted signed ratified adopted
sign signed ratified treaty
amendment constitution ratified
right rights freedom amendment
court supreme justice judge ruling
school college university education
book novel books written published series
series season episode show television
show series television episode program
episode season aired series
character played portrayed role fictional
song single album recorded track
album released record studio
music song composed soundtrack composer
tv television
us usa american america united states
uk britain british united kingdom england
england english
france french
germany german
spain spanish
italy italian
russia russian soviet
china chinese
japan japanese
india indian
canada canadian
australia australian
mexico mexican
europe european
africa african
rome roman
greece greek
egypt egyptian
world global international
god jesus christ lord
bible biblical testament gospel book
church christian catholic
hot temperature heat warm
temperature degrees celsius heat
cold cool cooling temperature
color colour red blue white green
eat ate food diet
food dish cuisine eaten
drink beverage wine beer
grow grows grown growth cultivated
move moved relocated
buy bought purchased acquired
sell sold sales
leave left departed
send sent launched
give gave given awarded
get got receive received awarded
receive received awarded recipient
award awarded prize winner
find found discovered located
take took taken takes
become became
break broke broken
go went gone
wear wore uniform
teach taught teacher
speak spoke language spoken
language spoken official
fall fell fallen collapse
rise rose
second ii two
first i original earliest
third iii three
two ii pair
one i single
three iii
four iv
wwii ii
";

/// The families of a stemmed term; empty for most.
pub fn families(term: &str) -> &'static [u16] {
    static KNOWN: OnceLock<HashMap<String, Vec<u16>>> = OnceLock::new();
    let known = KNOWN.get_or_init(|| {
        let mut known: HashMap<String, Vec<u16>> = HashMap::new();
        for (family, words) in FAMILIES.trim().lines().enumerate() {
            for term in terms(words) {
                let of = known.entry(term).or_default();
                if of.last() != Some(&(family as u16)) {
                    of.push(family as u16);
                }
            }
        }
        known
    });
    known.get(term).map_or(&[], Vec::as_slice)
}

"""Words whose inflections follow no rule, a line a word. A line that begins with `-` also ends compounds.

Left out is what is more often another word: `at` (eten), `vroeg` (vragen), `saw` (see), `left` (leave), `men` (man).
"""

from __future__ import annotations

from functools import cache
from typing import Final


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_DUTCH: Final = """
-dag -dagen
-weg -wegen
-stad -steden
-lid -leden
-schip -schepen
-kind -kinderen
-glas -glazen
-graf -graven
-slag -slagen
-drag -dragen
-gebrek -gebreken
-gebed -gebeden
-gebod -geboden
-bevel -bevelen
-oorlog -oorlogen
-spel -spelen
-dak -daken
-pad -paden
-bad -baden
-vat -vaten
-gat -gaten
-slot -sloten
-lot -loten
-hof -hoven
-god -goden
-smid -smeden
-blad -bladen -bladeren
-icus -ici
-museum -musea
-centrum -centra
ei eieren
lam lammeren
kalf kalveren
rund runderen
been beenderen
goed goederen
lied liederen
volk volkeren
rad raderen
koe koeien
vlo vlooien
gevoel gevoelens
keus keuze keuzes keuzen
lopen loop loopt liep liepen gelopen
schrijven schrijf schrijft schreef schreven geschreven
denken denk denkt dacht dachten gedacht
brengen breng brengt bracht brachten gebracht
kopen koop koopt kocht kochten gekocht
zoeken zoek zoekt zocht zochten gezocht
vinden vind vindt vond vonden gevonden
slapen slaap slaapt sliep sliepen geslapen
eten eet gegeten
drinken drink drinkt dronk dronken gedronken
geven geef geeft gaf gaven gegeven
nemen neem neemt nam namen genomen
komen kom komt kwam kwamen gekomen
gaan gaat ging gingen gegaan
staan staat stond stonden gestaan
doen doet deed deden gedaan
zien ziet zag zagen gezien
krijgen krijg krijgt kreeg kregen gekregen
blijven blijf blijft bleef bleven gebleven
kijken kijk kijkt keek keken gekeken
begrijpen begrijp begrijpt begreep begrepen
rijden rijd rijdt reed reden gereden
spreken spreek spreekt sprak spraken gesproken
beginnen begin begint begon begonnen
helpen help helpt hielp hielpen geholpen
houden houd houdt hield hielden gehouden
huilen huil huilt huilde gehuild
lezen lees leest las lazen gelezen
liggen lig ligt lag lagen gelegen
zitten zit zaten gezeten
zwemmen zwem zwemt zwom zwommen gezwommen
zingen zing zingt zong zongen gezongen
vergeten vergeet vergat vergaten
verliezen verlies verliest verloor verloren
kiezen kies kiest koos kozen gekozen
bewegen beweeg beweegt bewoog bewogen
genieten geniet genoot genoten
vallen val valt viel vielen gevallen
vliegen vlieg vliegt vloog vlogen gevlogen
vragen vraag vraagt vroegen gevraagd
worden wordt werd werden geworden
winnen wint won wonnen gewonnen
zeggen zeg zegt zei zeiden gezegd
leggen leg legt legde gelegd
hebben hebt heeft gehad
missen gemist
"""

_ENGLISH: Final = """
-woman -women
-child -children
-foot -feet
-tooth -teeth
-mouse -mice
goose geese
person people
-knife -knives
-life -lives
-wife -wives
wolf wolves
leaf leaves
half halves
calf calves
thief thieves
loaf loaves
scarf scarves
-shelf -shelves
-self -selves
lie lying lied
die dying died
tie tying tied
big bigger biggest
good better
bad worse worst
go goes going went gone
write writes writing wrote written
think thinks thinking thought
feel feels feeling felt
sleep sleeps sleeping slept
keep keeps keeping kept
speak speaks speaking spoke spoken
break breaks breaking broke broken
buy buys buying bought
bring brings bringing brought
teach teaches teaching taught
catch catches catching caught
fight fights fighting fought
run runs running ran
swim swims swimming swam swum
sing sings singing sang sung
drink drinks drinking drank drunk
begin begins beginning began begun
eat eats eating ate eaten
give gives giving gave given
take takes taking took taken
forget forgets forgetting forgot forgotten
drive drives driving drove driven
ride rides riding rode ridden
choose chooses choosing chose chosen
know knows knowing knew known
grow grows growing grew grown
fly flies flying flew flown
fall falls falling fell fallen
meet meets meeting met
tell tells telling told
sell sells selling sold
hold holds holding held
stand stands standing stood
understand understands understanding understood
lose loses losing lost
find finds finding found
hear hears hearing heard
make makes making made
say says saying said
see sees seeing seen
win wins winning won
wear wears wearing wore worn
lead leads leading led
sit sits sitting sat
send sends sending sent
spend spends spending spent
dream dreams dreaming dreamt
"""

KEEP_S: Final = frozenset(
    _words(
        """
dans fiets fornuis gans gids grens kans koets koorts krans lens mens muts plaats poets prins rots schaats schans spons
toets trots wens
"""
    )
)
"""Dutch words whose last letter is no plural: without it they would be other words (dan, kan, men)."""

_WEAK: Final = _words(
    """
adem ademen antwoord antwoorden bel bellen beloof beloven besteed besteden betaal betalen bloei bloeien bouw bouwen
deel delen dien dienen draai draaien droom dromen dweil dweilen fluister fluisteren gooi gooien groei groeien haal
halen herinner herinneren hoor horen huur huren knuffel knuffelen lach lachen land landen leen lenen leer leren
luister luisteren meen menen meld melden naai naaien noem noemen oefen oefenen open openen ontspan ontspannen reis
reizen reken rekenen regel regelen ren rennen ruim ruimen rust rusten schaam schamen schilder schilderen speel spelen
sport sporten stoei stoeien stofzuig stofzuigen stuur sturen span spannen teken tekenen tel tellen train trainen trouw
trouwen twijfel twijfelen verander veranderen verdien verdienen verhuis verhuizen vertel vertellen vier vieren voel
voelen volg volgen wandel wandelen was wassen woon wonen zoen zoenen zwaai zwaaien
"""
)
"""Dutch verbs whose forms the stemmer does not bring together: stem, infinitive."""

ADJECTIVES: Final = frozenset(
    _words(
        """
arm bang blij bloot boos braaf breed dik dood droog druk dun duur fijn fris gek gewoon gezond goedkoop grijs groot
hard heet hoog jong kaal klaar klein koud kort laag laat lang leuk licht lief los mooi moe nat nieuw oud puur raar
rijk rood rustig schoon sterk slecht snel stijf strak trots vals vies vlak vrij vroeg warm wijs zacht ziek zuur zwaar
zwak
"""
    )
)
"""Dutch; common ones. Nouns written like them take no -e: zoon is not zone."""

_COMPARED: Final = _words(
    """
small strong tall great short fast slow deep soft dark weak bright smart cheap clean clear quick young cold hard high
low long old calm rich poor
"""
)
"""English."""
_PREFIXES: Final = ("be", "ver", "her", "ont", "ge")
_VOICELESS: Final = "kfschpt"


@cache
def _groups() -> tuple[dict[str, list[tuple[str, ...]]], list[tuple[str, ...]]]:
    """Word -> its lines; and the lines that also end compounds, without their signs."""
    whole: dict[str, list[tuple[str, ...]]] = {}
    ends: list[tuple[str, ...]] = []
    made = [f"{word} {word}en {word}t {word}te {word}ten ge{word}t {word}je {word}jes" for word in sorted(KEEP_S)]
    made += [f"{word} {word}er {word}est" for word in _COMPARED]
    made += [" ".join(_weak(stem, infinitive)) for stem, infinitive in zip(_WEAK[::2], _WEAK[1::2], strict=True)]
    for line in (_DUTCH + _ENGLISH).split("\n") + made:
        words = tuple(word.removeprefix("-") for word in line.split())
        for word in words:
            whole.setdefault(word, []).append(words)
        if line.startswith("-"):
            ends.append(words)
    return whole, ends


def _weak(stem: str, infinitive: str) -> tuple[str, ...]:
    """The forms of a weak verb: reis, reist, reisde, gereisd; lach, lacht, lachte, gelacht."""
    ending = "te" if infinitive[-3] in _VOICELESS else "de"
    closed = stem if stem[-1] in "td" else stem + ending[0]
    participle = closed if stem.startswith(_PREFIXES) else f"ge{closed}"
    present = stem if stem[-1] == "t" else f"{stem}t"
    return (stem, infinitive, present, stem + ending, f"{stem}{ending}n", participle)


def irregular(word: str) -> frozenset[str]:
    """The other words on the lines of `word`, or of its end."""
    whole, ends = _groups()
    found = {other for words in whole.get(word, ()) for other in words}
    for words in ends:
        for end in words:
            if len(word) > len(end) and word.endswith(end):
                found.update(word.removesuffix(end) + other for other in words)
    return frozenset(found - {word})

"""Which words are one word: pairs that must meet, pairs that must not, and exceptions that are known."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bmaddb.device.store import Store
from bmaddb.device.store.search.dutch import inflected, uninflected
from bmaddb.device.store.search.stems import same_word, spelt_otherwise
from tests.store.conftest import open_store
from tests.store.shelf import Author

DUTCH = """
fiets fietsen, plaats plaatsen, mens mensen, kans kansen, dans dansen, grens grenzen, toets toetsen, dag dagen,
verjaardag verjaardagen, werkplaats werkplaatsen, racefiets racefietsen,
huis huizen, brief brieven, oog ogen, oor oren,
uur uren, maan manen, plaat platen, boek boeken, vriendin vriendinnen, kind kinderen, ei eieren, stad steden, lid leden,
schip schepen, weg wegen, glas glazen, droom dromen, gevoel gevoelens, gedachte gedachten, ziekte ziektes, tafel tafels,
idee ideeen, zee zeeen, koe koeien, les lessen, bus bussen, man mannen, jongen jongens, mogelijkheid mogelijkheden,
taak taken, prijs prijzen, muis muizen, gans ganzen, roos rozen, zoon zonen, graf graven, gesprek gesprekken,
probleem problemen, paragraaf paragrafen, laars laarzen, museum musea, groot grote, groot grootste,
lief lieve, boos boze,
wit witte, mooi mooier, blij blije, dik dikke, rood rode, actief actieve, sociaal sociale, eenzaam eenzame,
lopen loopt, lopen liep, lopen gelopen, schrijven schreef, denken dacht, slapen geslapen, fietsen fietste,
fietsen gefietst, wonen woonde, wonen woont, lachen gelacht, studeren studeerde, mediteren gemediteerd, spelen gespeeld
"""
ENGLISH = """
cat cats, box boxes, city cities, bus buses, status statuses, child children, grandchild grandchildren, woman women,
foot feet, mouse mice, person people, knife knives, life lives, wolf wolves, leaf leaves, bookshelf bookshelves,
analysis analyses, crisis crises, story stories, study studied, wish wishes, run running, stop stopped, write written,
write wrote, go went, think thought, feel felt, sleep slept, lie lying, hope hoping, happy happier, heavy heavier,
happy happiness, big bigger, small smaller, easy easiest, habit habits, swim swimming, love loving, decide decided,
relationship relationships, memory memories, tooth teeth, speak spoken, find found
"""
STRANGERS = """
plat plaat, man maan, manen maand, mannen mand, bom boom, tak taak, rat raad, dak daad, last laat, bed bid, hand hond,
vis vies, les lees, week wek, pen peen, zoon zone, roos roze, kop koop, bot boot, stem stam, kans kan, dans dan,
mens men,
mens menu, fiets fit, plaats plat, wens wenen, wet weet, us uses, list last, past poste, star stare, car care, hop hope,
plan plane, cut cute, her here, not note, rob robe, letter let, winner wine, policy police, wonder wander,
desert dessert,
mat matter, numb number, open op, dag dagger, port portal, arm army
"""
EXCEPTIONS = """
new news, ship shipping, human humane, moral morale, past paste, quite quit
"""
"""The stemmers say they are one, and so it stays."""


def pairs(text: str) -> list[tuple[str, str]]:
    return [(pair.split()[0], pair.split()[1]) for pair in text.replace("\n", " ").split(",")]


@pytest.mark.parametrize("pair", pairs(DUTCH) + pairs(ENGLISH) + pairs(EXCEPTIONS), ids=" ".join)
def test_inflections_meet(pair: tuple[str, str]) -> None:
    one, other = pair
    assert same_word(one, other)
    assert same_word(other, one)


@pytest.mark.parametrize("pair", pairs(STRANGERS), ids=" ".join)
def test_strangers_do_not(pair: tuple[str, str]) -> None:
    one, other = pair
    assert not same_word(one, other)
    assert not same_word(other, one)


@pytest.mark.parametrize("word", sorted({word for pair in pairs(DUTCH + "," + ENGLISH) for word in pair}))
def test_who_is_an_inflection_has_the_word_as_one(word: str) -> None:
    assert all(word in spelt_otherwise(other) for other in spelt_otherwise(word))
    assert all(word in uninflected(other) for other in inflected(word))


@pytest.fixture(scope="module", params=["unread", "read"])
def shelf(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """An author for each word; the index has read none of them, or all."""
    words = sorted({word for text in (DUTCH, ENGLISH, STRANGERS) for pair in pairs(text) for word in pair})
    path: Path = tmp_path_factory.mktemp("words") / "words.db"
    with open_store(path) as store, store.write() as tx:
        tx.insert_many(Author, [{"name": word} for word in words])
        if request.param == "unread":
            yield store
            return
    with open_store(path) as store:
        store.search.bring_up()
        yield store


def test_a_search_finds_what_the_words_say(shelf: Store) -> None:
    names = [author.name for author in shelf.query(Author).all()]
    for one, other in pairs(DUTCH)[::4] + pairs(ENGLISH)[::4] + pairs(STRANGERS)[::4]:
        for word in (one, other):
            found = {author.name for author in shelf.query(Author).search(word).all()}
            assert found == {name for name in names if same_word(word, name)}, word

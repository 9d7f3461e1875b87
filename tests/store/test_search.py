"""Full-text search: at any moment it finds what a plain look at every row would find."""

from __future__ import annotations

import re
import unicodedata
from contextlib import suppress
from pathlib import Path

import apsw
import pytest
import Stemmer  # type: ignore[import-not-found]  # compiled, without types
from hypothesis import given, settings
from hypothesis import strategies as st

from bmaddb import errors as e
from bmaddb.device.store import Store
from bmaddb.device.store.search import upkeep
from bmaddb.device.store.search.index import BRING_UP_FROM_ROWS
from tests.store.conftest import Witness, open_store
from tests.store.shelf import USER, Author, Book
from tests.store.threads import in_thread

STEMMERS = [Stemmer.Stemmer(language) for language in ("dutch", "english")]
WORDS = (
    "lopen",
    "gelopen",
    "loopt",
    "huis",
    "huizen",
    "running",
    "runs",
    "café",
    "cafe",
    "Brief",
    "brieven",
    "x",
    "12",
)
WISHES = (
    "lopen",
    "huis",
    "run",
    '"het huis"',
    "ca*",
    "brief lopen",
    "huis x",
    '"huis x"',
    "X",
    "12",
    "geen",
    '"x hu"*',
)
KEY = b"k" * 32
NAMES = ("a", "b", "c", "d")

texts = st.lists(st.sampled_from((*WORDS, "het")), max_size=4).map(" ".join)
histories = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.sampled_from(NAMES), texts, texts),
        st.tuples(st.just("edit"), st.sampled_from(NAMES), texts),
        st.tuples(st.just("edit all"), texts),
        st.tuples(st.just("replace"), st.sampled_from(NAMES), texts),
        st.tuples(st.just("delete"), st.sampled_from(NAMES)),
        st.tuples(st.just("from elsewhere"), st.sampled_from(NAMES), texts),
        st.tuples(st.just("gone elsewhere"), st.sampled_from(NAMES)),
        st.tuples(st.just("same rowid"), st.sampled_from(NAMES), texts),
        st.tuples(st.sampled_from(("bring up", "undo", "savepoint", "vacuum", "reopen"))),
    ),
    max_size=12,
)


def words_of(text: str | None) -> list[str]:
    plain = "".join(c for c in unicodedata.normalize("NFD", (text or "").lower()) if not unicodedata.combining(c))
    return re.findall(r"[a-z0-9]+", plain)


def looks(wish: str, *columns: str | None) -> bool:
    """The oracle: the rules of search, on plain lists of words."""
    return all(
        any(_in(quoted or word, bool(quoted), bool(star) or word.endswith("*"), words_of(text)) for text in columns)
        for quoted, star, word in re.findall(r'"([^"]*)"(\*?)|(\S+)', wish)
    )


def _in(part: str, quoted: bool, is_open: bool, words: list[str]) -> bool:
    wanted = words_of(part)
    if not quoted and not is_open:
        return any(a == b or any(s.stemWord(a) == s.stemWord(b) for s in STEMMERS) for a in wanted for b in words)
    runs = [words[place : place + len(wanted)] for place in range(len(words) - len(wanted) + 1)]
    return any(
        run[:-1] == wanted[:-1] and (run[-1].startswith(wanted[-1]) if is_open else run[-1] == wanted[-1])
        for run in runs
    )


def check(store: Store) -> None:
    rows = store.query(Author).all()
    for wish in WISHES:
        wanted = sorted(row.id for row in rows if looks(wish, row.name, row.motto))
        assert sorted(store.query(Author).search(wish).ids()) == wanted, wish
        assert sorted(found.record.id for found in store.search.best(store.query(Author), wish, limit=10)) == wanted


class Undone(Exception):
    """Ends a transaction."""


def act(store: Store, step: tuple[str, ...]) -> None:
    match step:
        case ("put", name, title, motto):
            with store.write() as tx:
                if tx.get(Author, name) is None:
                    tx.insert(Author, id=name, name=title, motto=motto)
                else:
                    tx.update(Author, name, name=title, motto=motto)
        case ("edit", name, text):
            with store.write() as tx:
                tx.execute("update or fail authors set motto = ?, name = name || ? where id = ?", (text, text, name))
        case ("edit all", text):
            with store.write() as tx:
                tx.execute("update or rollback authors set motto = ?", (text,))
        case ("replace", name, text):
            with store.write() as tx:
                tx.execute(_replacing(name, text), {"id": name, "text": text})
        case ("delete", name):
            with store.write() as tx:
                tx.delete(Author, name)
        case ("from elsewhere", name, text):
            with store.apply() as connection, store.bulk("authors"):
                connection.execute(_replacing(name, text), {"id": name, "text": text})
        case ("gone elsewhere", name):
            with store.apply() as connection:
                connection.execute("delete from authors where id = ?", (name,))
        case ("same rowid", name, text):  # what SQLite does by itself when the last row goes
            with store.write() as tx:
                last = tx.execute("select max(rowid) from authors")[0][0]
                tx.execute("delete from authors where rowid = ? or id = ?", (last, name))
                tx.execute(
                    "insert or abort into authors (id, user_id, created_at, updated_at, name) values (?, ?, 0, 0, ?)",
                    (name, USER, text),
                )
        case ("undo",) | ("savepoint",):
            _undo(store, step[0])


def _replacing(name: str, text: str) -> str:
    return (
        "insert or replace into authors (id, user_id, created_at, updated_at, name, motto)"
        f" values (:id, '{USER}', 0, 0, :text, null)"
    )


def _undo(store: Store, kind: str) -> None:
    """Changes that are found inside the transaction, and not after it."""
    with suppress(Undone), store.write():
        try:
            with store.write() as tx:
                tx.execute("update authors set name = 'gelopen brief', motto = 'het huis'")
                tx.execute("delete from authors where id = 'a'")
                check(store)
                if kind == "savepoint":
                    raise Undone
        except Undone:
            check(store)
            raise
        raise Undone


@settings(max_examples=50, deadline=None)
@given(history=histories)
def test_search_is_a_look_at_every_row(
    history: list[tuple[str, ...]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("search") / "device.db"
    store = open_store(path)
    try:
        for step in history:
            if step == ("bring up",):
                store.search.bring_up()
                assert store.search.waiting() == 0
            elif step == ("vacuum",):
                store.writing_connection.execute("vacuum")
                store.search.mind_rowids()
            elif step == ("reopen",):
                store.close()
                store = open_store(path)
            else:
                act(store, step)
            check(store)
        with store.write():
            check(store)
        store.search.bring_up()
        check(store)
    finally:
        store.close()


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return open_store(tmp_path_factory.mktemp("odd") / "device.db")


@settings(max_examples=150, deadline=None)
@given(
    bodies=st.lists(st.text(max_size=30), min_size=1, max_size=4), other=st.text(max_size=12), from_body=st.booleans()
)
def test_any_text_can_be_looked_for(bodies: list[str], other: str, from_body: bool, odd: Store) -> None:
    """The index and the look at the rows answer alike, whatever stands in either."""
    with odd.write() as tx:
        tx.execute("delete from authors")
        tx.insert_many(Author, [{"name": body.replace("\0", " ")} for body in bodies])
    query = odd.query(Author).search(bodies[0][:12] if from_body else other)
    odd.search.bring_up()
    by_index = query.ids()
    with odd.apply() as connection:
        connection.execute("insert into _bmad_search_stale select 0, id from authors")
    assert sorted(query.ids()) == sorted(by_index)


@pytest.mark.parametrize(
    "wish",
    [
        '"',
        'a"b',
        "NEAR(boom 5)",
        "name: boom",
        "- boom",
        "^boom",
        "*",
        '" *',
        "boom OR",
        "(",
        "\0",
        "\ud800",
        "{name}:x",
    ],
)
def test_what_fts5_would_read_as_syntax_is_text(store: Store, wish: str) -> None:
    with store.write() as tx:
        tx.insert(Author, id="a", name="Een boom aan het water")
    for _ in range(2):
        assert store.query(Author).search(wish).ids() in ([], ["a"])
        store.search.bring_up()
    assert store.query(Author).search("-boom").ids() == ["a"]
    assert store.query(Author).search("name:boom").ids() == []


def test_the_best_stands_first_with_the_words_marked(store: Store) -> None:
    long = "woorden vooraf " * 20
    with store.write() as tx:
        tx.insert(Author, id="long", name="Lang", motto=f"{long}We hebben gelopen, é en verder. {long}")
        tx.insert(Author, id="short", name="Wandelen en lopen")
        tx.insert(Author, id="none", name="Zitten")
    store.search.bring_up()
    short, found = store.search.best(store.query(Author), "loop", limit=5, words=8)
    assert (short.record.id, found.record.id) == ("short", "long")
    assert short.score > found.score > 0
    assert short.snippet == "Wandelen en [lopen]"
    assert found.snippet == "…We hebben [gelopen], é en verder. woorden vooraf…"
    marked = store.search.best(
        store.query(Author).where(Author.id == "long"), '"é en"', limit=1, marks=("<", ">"), words=4
    )
    assert marked[0].snippet == "…hebben gelopen, <é> <en>…"
    assert store.search.best(store.query(Author), "...", limit=5) == []


def test_what_was_just_written_is_found_first(store: Store) -> None:
    with store.write() as tx:
        tx.insert(Author, id="old", name="boom boom boom")
    store.search.bring_up()
    with store.write() as tx:
        tx.insert(Author, id="new", name="een boom in een lange zin")
        assert [found.record.id for found in store.search.best(tx.query(Author), "boom", limit=5)] == ["new", "old"]


def test_a_snapshot_is_searched_as_it_is(store: Store) -> None:
    with store.write() as tx:
        tx.insert(Author, id="a", name="eerst")
    store.search.bring_up()

    def later() -> None:
        with store.write() as tx:
            tx.update(Author, "a", name="later")
            tx.insert_many(Author, [{"name": "eerst"}] * (BRING_UP_FROM_ROWS + 1))
        store.search.bring_up()

    with store.read():
        assert store.query(Author).search("eerst").ids() == ["a"]
        in_thread(later)
        assert store.query(Author).search("eerst").ids() == ["a"]
        assert store.query(Author).search("later").ids() == []
    assert store.query(Author).search("later").ids() == ["a"]


def test_a_search_waits_for_no_writer_and_no_writer_pays(store: Store) -> None:
    with store.write() as tx:
        tx.insert_many(Author, [{"name": f"boom {n}"} for n in range(BRING_UP_FROM_ROWS + 1)])
        assert in_thread(lambda: store.query(Author).search("boom").count()) == 0
    assert store.search.waiting() == BRING_UP_FROM_ROWS + 1
    with store.write():
        assert in_thread(lambda: store.query(Author).search("boom").count()) == BRING_UP_FROM_ROWS + 1
    assert store.query(Author).search("boom").count() == BRING_UP_FROM_ROWS + 1
    assert store.search.waiting() == 0


def test_the_index_is_nobodys_news(store: Store) -> None:
    with store.write() as tx:
        tx.insert(Author, id="a", name="boom")
    store.search.bring_up()
    witness = Witness(store)
    with store.write() as tx:
        tx.update(Author, "a", name="bomen")
    store.search.bring_up()
    assert [fact.tables for fact in witness.facts] == [frozenset({"authors"})]
    assert [draft.tables for draft in witness.drafts] == [frozenset({"authors"})]


def test_an_encrypted_file_keeps_the_index_to_itself(path: Path, store: Store) -> None:
    store.close()
    secret = Store(
        path.with_name("secret.db"), store.catalog, clock=store.clock, entropy=store.entropy, user=USER, key=KEY
    )
    with secret.write() as tx:
        tx.insert(Author, name="Hottentottententententoonstelling", motto="lopen")
    secret.search.bring_up()
    assert secret.query(Author).search("hotten* gelopen").count() == 1
    assert secret.search.best(secret.query(Author), "hotten*", limit=1)[0].snippet.startswith("[Hotten")
    held = b"".join(part.read_bytes() for part in path.parent.glob("secret.db*")).lower()
    secret.close()
    assert b"hottentotten" not in held
    assert b"lopen" not in held


def test_any_sqlite_can_open_the_index(path: Path, store: Store) -> None:
    with store.write() as tx:
        tx.insert(Author, id="a", name="Een boom")
    store.search.bring_up()
    store.close()
    plain = apsw.Connection(str(path))
    assert plain.execute("select count(*) from _bmad_search where _bmad_search match 'boom'").get == 1
    plain.execute("update authors set name = 'Een struik'")
    plain.close()
    with open_store(path) as again:
        assert again.query(Author).search("struiken").ids() == ["a"]
        assert again.query(Author).search("boom").ids() == []


def test_a_file_without_an_index_gets_one(path: Path, store: Store) -> None:
    with store.write() as tx:
        tx.insert(Author, id="a", name="Een boom")
    with store.apply() as connection:
        for (name,) in connection.execute(
            "select name from sqlite_schema where name like '_bmad_search_authors%'"
        ).fetchall():
            connection.execute(f"drop trigger {name}")
        connection.execute("drop table _bmad_search_terms; drop table _bmad_search; drop table _bmad_search_rows")
        connection.execute("delete from _bmad_meta where key = 'search_digest'")
    store.close()
    with open_store(path) as again:
        assert again.query(Author).search("bomen").ids() == ["a"]


def test_what_cannot_be_searched_is_said(store: Store) -> None:
    with pytest.raises(e.QueryError, match="no searchable columns"):
        store.search.best(store.query(Book), "x", limit=1)
    with pytest.raises(e.QueryError, match="limit must be"):
        store.search.best(store.query(Author), "x", limit=0)
    with pytest.raises(e.QueryError, match="rowid"), store.write() as tx:
        tx.execute("update authors set rowid = 5")


@pytest.mark.parametrize("name", ["rowid", '"OID"', "_rowid_"])
def test_a_rowid_is_sqlites_own(store: Store, name: str) -> None:
    columns = f"id, user_id, created_at, updated_at, name, {name}"
    with pytest.raises(e.QueryError, match="rowid"), store.write() as tx:
        tx.execute(f"insert into authors ({columns}) values ('x', ?, 0, 0, 'x', 9223372036854775807)", (USER,))


def test_rowids_that_were_given_out_anew_leave_no_row_unread(store: Store) -> None:
    """What a dump and a restore of the file do."""
    with store.write() as tx:
        tx.insert_many(Author, [{"id": name, "name": "een brief"} for name in NAMES])
        tx.delete(Author, "a")
    store.search.bring_up()
    with store.maintain("authors") as connection:
        connection.execute("update authors set rowid = rowid - 1")
        upkeep.note_every_row(connection, store.catalog)
    with store.write() as tx:
        tx.insert(Author, id="new", name="het huis")
    assert store.query(Author).search("huis").ids() == ["new"]


def test_a_vacuum_has_every_row_read_again_and_a_new_table_or_index_none(path: Path) -> None:
    with open_store(path) as store:
        with store.write() as tx:
            tx.insert(Author, name="lopen")
        store.search.bring_up()
        store.writing_connection.execute("create table _bmad_of_another_room (a text) strict")
        store.writing_connection.execute("create index _bmad_of_another_room_a on _bmad_of_another_room (a)")
    with open_store(path) as store:
        assert store.search.waiting() == 0
        store.writing_connection.execute("vacuum")
    with open_store(path) as store:
        assert store.search.waiting() == 1
        store.search.bring_up()
    with open_store(path) as store:
        assert store.search.waiting() == 0


def test_a_file_that_nobody_marked_is_read_again_once(path: Path) -> None:
    """As every file was before there was a mark."""
    with open_store(path) as store:
        with store.write() as tx:
            tx.insert(Author, name="lopen")
        store.search.bring_up()
        store.writing_connection.execute("drop table _bmad_search_mark")
    with open_store(path) as store:
        assert store.search.waiting() == 1
        assert [found.record.name for found in store.search.best(store.query(Author), "gelopen", limit=1)] == ["lopen"]
    with open_store(path) as store:
        assert store.search.waiting() == 0

"""What a commit tells the outbox: the net change of the synced tables, whoever changed them."""

# ruff: noqa: PT012 -- a write is a block

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import apsw
import pytest

from bmaddb.device.store import Store
from bmaddb.device.store.capture import Capture
from bmaddb.device.store.notes import Notes
from bmaddb.errors import RecordInvalid, StoreError
from tests.store.conftest import Witness, open_store
from tests.store.shelf import USER, Author, Book, Draft


class Stop(Exception):
    """What a test raises."""


def test_one_write_gives_one_changeset_with_the_net_change(store: Store, witness: Witness) -> None:
    with store.write() as tx:
        tx.insert(Book, id="b0", title="a")
    witness.drafts.clear()
    with store.write() as tx:
        book = tx.insert(Book, id="b1", title="a")
        tx.update(book, title="b")
        tx.update(Book, "b0", pages=7)
        tx.update(Book, "b0", pages=8)
        tx.delete(tx.insert(Book, title="gone"))
        tx.update(tx.update(Book, "b0", title="x"), title="a")
    assert len(witness.drafts) == 1
    assert witness.drafts[0].tables == {"books"}
    names = [column.name for column in Book.__table__.columns]

    def told(values: Sequence[object] | None) -> dict[str, object]:
        pairs = zip(names, values or (), strict=False)
        return {name: value for name, value in pairs if value is not apsw.no_change}

    changes = apsw.Changeset.iter(witness.drafts[0].changeset)
    found = {change.op: (told(change.old), told(change.new)) for change in changes}
    assert found["UPDATE"] == ({"id": "b0", "pages": 0}, {"pages": 8})
    assert found["INSERT"][1]["title"] == "b"
    assert len(found["INSERT"][1]) == len(names)
    assert found.keys() == {"INSERT", "UPDATE"}


def test_a_changeset_makes_another_file_the_same(store: Store, witness: Witness, tmp_path: Path) -> None:
    with store.write() as tx:
        tx.insert(Author, id="a", name="n")
        tx.insert(Book, id="b", title="t", author_id="a", cover=b"\0\1", price=1.5, tags=["é"])
        tx.insert_many(Book, [{"title": str(index)} for index in range(50)])
    with store.write() as tx:
        tx.update(Book, "b", price=None, pages=2**62, title="t" * 5_000)
        tx.execute("delete from books where title < '3'")
    with open_store(tmp_path / "other.db") as other, other.apply() as connection:
        for draft in witness.drafts:
            apsw.Changeset.apply(draft.changeset, connection)
        mine = store.sql("select * from books order by id")
        assert connection.execute("select * from books order by id").fetchall() == mine
        assert len(mine) > 20


def test_what_undoes_itself_is_no_change(store: Store, witness: Witness) -> None:
    with store.write() as tx:
        book = tx.insert(Book, title="a", pages=1)
    witness.drafts.clear()
    with store.write() as tx:
        tx.delete(tx.insert(Author, name="x"))
        tx.execute("update books set pages = 2")
        tx.execute("update books set pages = 1")
        row = tx.execute("delete from books where id = ? returning *", (book.id,))[0]
        tx.execute(f"insert into books values ({', '.join('?' * len(row))})", row)
    assert witness.drafts == []


def test_a_savepoint_that_was_undone_leaves_nothing(store: Store, witness: Witness) -> None:
    with store.write() as tx:
        book = tx.insert(Book, id="b", title="a")
    witness.drafts.clear()
    with store.write() as tx:
        with pytest.raises(Stop), tx.savepoint() as inner:
            inner.update(book, title="b")
            inner.insert(Author, name="x")
            raise Stop
        with pytest.raises(Stop), tx.savepoint() as inner:
            inner.insert_many(Book, [{"title": "many"}])
            raise Stop
    assert witness.drafts == []
    with store.write() as tx:
        with pytest.raises(Stop), tx.savepoint() as inner:
            inner.delete(book)
            raise Stop
        tx.update(book, title="c")
    assert witness.changes() == [("books", "UPDATE", "b")]


def test_raw_sql_and_cascades_are_captured(store: Store, witness: Witness) -> None:
    with store.write() as tx:
        tx.insert(Author, id="a", name="n")
        tx.insert(Author, id="e", name="n")
        tx.insert(Book, id="b1", title="t", author_id="a", editor_id="e")
        tx.insert(Book, id="b2", title="t", editor_id="a")
    witness.drafts.clear()
    with store.write() as tx:
        tx.execute("update authors set motto = ? where id = 'e'", ("carpe diem",))
        tx.execute("delete from authors where id = 'a'")
    assert witness.changes() == [
        ("authors", "DELETE", "a"),
        ("authors", "UPDATE", "e"),
        ("books", "DELETE", "b1"),
        ("books", "UPDATE", "b2"),
    ]
    assert witness.facts[-1].tables == {"authors", "books"}


def test_replacing_a_row_is_an_update(store: Store, witness: Witness) -> None:
    with store.write() as tx:
        tx.insert(Author, id="a", name="n")
    witness.drafts.clear()
    with store.write() as tx:
        tx.execute(
            "insert or replace into authors (id, user_id, created_at, updated_at, name) values ('a', ?, 1, 1, 'm')",
            (USER,),
        )
    assert witness.changes() == [("authors", "UPDATE", "a")]


def test_a_refused_statement_is_not_captured(store: Store, witness: Witness) -> None:
    with store.write() as tx:
        tx.insert(Author, id="a", name="n")
        with pytest.raises(Exception, match="is taken"):
            tx.execute(
                "insert into authors (id, user_id, created_at, updated_at, name)"
                " values ('new', 'u', 1, 1, 'x'), ('a', 'u', 1, 1, 'x')"
            )
    assert witness.changes() == [("authors", "INSERT", "a")]


def test_local_rows_are_noticed_but_stay_here(store: Store, witness: Witness) -> None:
    with store.write() as tx:
        tx.insert(Draft, body="secret")
    assert witness.drafts == []
    assert [fact.tables for fact in witness.facts] == [{"drafts"}]
    with store.write() as tx:
        tx.insert(Draft, body="secret")
        tx.insert_many(Draft, [{"body": "secret"}])
        tx.insert(Author, name="public")
    assert witness.drafts[0].tables == {"authors"}
    assert b"secret" not in witness.drafts[0].changeset


def test_a_write_that_only_reads_tells_nobody(store: Store, witness: Witness) -> None:
    with store.write() as tx:
        tx.query(Book).all()
    assert (witness.drafts, witness.facts) == ([], [])


def test_mixing_single_and_bulk_writes_is_still_the_net_change(store: Store, witness: Witness) -> None:
    with store.write() as tx:
        tx.insert(Book, id="before", title="a")
    witness.drafts.clear()
    with store.write() as tx:
        tx.update(Book, "before", title="b")
        tx.insert(Book, id="single", title="s")
        tx.insert_many(Book, [{"id": "bulk", "title": "x"}, {"id": "gone", "title": "y"}])
        tx.update(Book, "bulk", title="z")
        tx.delete(Book, "gone")
        tx.delete(Book, "single")
        tx.update(Book, "before", title="c")
    assert witness.changes() == [("books", "INSERT", "bulk"), ("books", "UPDATE", "before")]


def test_a_bulk_is_told_as_the_file_holds_it(store: Store, witness: Witness) -> None:
    long, prices = "x" * 5_000, (0.0, -0.0, 1.0, None)
    given = [
        {
            "id": f"b{index}",
            "title": ("é" * index, "word", long, "")[index % 4],
            "price": prices[index % 4],
            "pages": index * 2**55,
            "owned": index % 2 == 1,
            "tags": [index],
            "cover": None if index % 3 else b"\0" * index,
            "isbn": None if index % 5 else str(index),
        }
        for index in range(120)
    ]
    with store.write() as tx:
        tx.insert_many(Book, given)
        tx.insert(Book, title="alone", price=-0.0, cover=bytearray(b"x"), owned=True)
    held = [repr(row) for row in store.sql("select * from books order by id")]
    told = [tuple(change.new) for change in apsw.Changeset.iter(witness.drafts[0].changeset) if change.new]
    assert [
        repr(row) for row in sorted(told, key=lambda row: str(row[0]))
    ] == held  # as text: 0.0 is -0.0, and 1 is True
    assert len(held) == len(given) + 1


def test_what_a_bulk_brought_may_change_go_and_be_undone(store: Store, witness: Witness) -> None:
    with store.write() as tx:
        tx.insert(Author, id="before", name="n")
    witness.drafts.clear()
    with store.write() as tx:
        tx.delete(Author, "before")
        tx.insert(Author, id="first", name="n")
        tx.delete(Author, "first")
        tx.insert_many(Author, [{"id": name, "name": "m"} for name in ("before", *map(str, range(60)))])
        tx.execute("delete from authors where id < '59'")
        with pytest.raises(Stop), tx.savepoint() as inner:
            inner.insert_many(Author, [{"name": "undone"} for _ in range(60)])
            raise Stop
        tx.update(Author, "59", name="x")
    assert witness.changes() == [("authors", "INSERT", str(number)) for number in (59, 6, 7, 8, 9)] + [
        ("authors", "UPDATE", "before")
    ]
    names = {change.new[0]: change.new[-2] for change in apsw.Changeset.iter(witness.drafts[0].changeset) if change.new}
    assert (names["59"], names["6"]) == ("x", "m")


def test_what_was_inserted_while_nobody_looked_may_change_go_and_be_undone(store: Store, witness: Witness) -> None:
    with store.write() as tx:
        tx.insert(Author, id="stays", name="n")
        with pytest.raises(Stop), tx.savepoint() as inner:
            inner.insert(Author, id="undone", name="n")
            raise Stop
        tx.insert(Author, id="in-its-place", name="n")
        with pytest.raises(RecordInvalid):
            tx.insert(Author, id="stays", name="taken")
    assert witness.changes() == [("authors", "INSERT", "in-its-place"), ("authors", "INSERT", "stays")]
    witness.drafts.clear()
    with store.write() as tx:
        tx.insert(Author, id="a", name="n")
        tx.insert(Author, id="b", name="n")
        tx.insert(Author, id="c", name="n")
        tx.insert(Book, id="x", title="t", author_id="b")
        tx.execute("update authors set name = 'm' where id = 'a'")
        tx.delete(Author, "b")
    assert witness.changes() == [("authors", "INSERT", "a"), ("authors", "INSERT", "c")]
    names = {change.new[0]: change.new[-2] for change in apsw.Changeset.iter(witness.drafts[0].changeset) if change.new}
    assert names == {"a": "m", "c": "n"}


def test_a_bulk_into_a_table_with_a_trigger_of_somebody_else_is_captured_whole(path: Path) -> None:
    open_store(path).close()
    stranger = apsw.Connection(str(path))
    stranger.execute(
        "create trigger theirs after insert on books begin update authors set motto = new.title where id = 'a'; end"
    )
    stranger.close()
    with open_store(path) as store:
        witness = Witness(store)
        with store.write() as tx:
            tx.insert(Author, id="a", name="n")
        witness.drafts.clear()
        with store.write() as tx:
            tx.insert_many(Book, [{"title": f"t{index}"} for index in range(60)])
        assert ("authors", "UPDATE", "a") in witness.changes()
        with store.write() as tx:
            tx.insert(Book, title="one")
        assert witness.changes().count(("authors", "UPDATE", "a")) == 2


@pytest.mark.parametrize("spelled", ["authors", "AUTHORS"])
def test_a_trigger_that_somebody_makes_meanwhile_is_noticed(path: Path, spelled: str) -> None:
    with open_store(path) as store:
        witness = Witness(store)
        with store.write() as tx:
            tx.insert(Book, id="b", title="t")
        stranger = apsw.Connection(str(path))
        stranger.execute(f"create trigger theirs after insert on {spelled} begin update books set pages = 7; end")
        stranger.close()
        witness.drafts.clear()
        with store.write() as tx:
            tx.insert(Author, id="a", name="n")
        assert witness.changes() == [("authors", "INSERT", "a"), ("books", "UPDATE", "b")]


def test_an_insert_that_a_trigger_ignores_is_not_taken_for_the_one_before(path: Path) -> None:
    open_store(path).close()
    stranger = apsw.Connection(str(path))
    stranger.execute(
        "create trigger theirs before insert on authors when new.name = 'no' begin select raise(ignore); end"
    )
    stranger.close()
    with open_store(path) as store:
        witness = Witness(store)
        with store.write() as tx:
            tx.insert(Author, id="a", name="yes")
            tx.insert(Author, id="b", name="no")
        assert witness.changes() == [("authors", "INSERT", "a")]


def test_an_interrupt_after_the_statement_loses_no_row(
    store: Store, witness: Witness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the handler of a signal does, which runs when the statement has ended."""

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with store.write() as tx:
        tx.insert(Author, id="before", name="n")
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(Capture, "inserted", interrupted)
            tx.insert(Author, id="a", name="n")
    assert witness.changes() == [("authors", "INSERT", "a"), ("authors", "INSERT", "before")]
    witness.drafts.clear()
    with pytest.raises(StoreError, match="interrupted"), store.write() as tx:
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(Notes, "note", interrupted)
            tx.execute("update authors set name = 'm' where id = 'a'")
        tx.execute("update authors set name = 'm' where id = 'before'")
    assert witness.drafts == []
    assert {name for (name,) in store.sql("select name from authors")} == {"n"}

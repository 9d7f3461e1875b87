"""One operation: all of it, or nothing of it; and the result says why."""

from __future__ import annotations

from dataclasses import replace

import pytest

import bmaddb
from bmaddb import errors as e
from bmaddb.device.atomic import (
    Action,
    Bounds,
    Cancellation,
    CheckOutcome,
    Operation,
    Rollback,
    RuleContext,
    Severity,
    Status,
    Step,
)
from bmaddb.device.atomic.journal import IDS_KEPT_MAX
from bmaddb.device.store import CommitDraft
from bmaddb.signals import EntryQueued, OperationEnded
from bmaddb.testing import ManualClock
from tests.atomic.acts import author, book, contents, every_book_has_an_author, line, names, raising, titles_are_long
from tests.store.shelf import Author, Book, Shelf


def test_steps_that_are_done_are_one_entry_of_the_outbox(db: bmaddb.Database) -> None:
    queued: list[EntryQueued] = []
    db.signals.listen(EntryQueued, queued.append)
    result = db.execute(Operation("add a book", (author(), book()), (every_book_has_an_author,)))
    assert result.ok
    assert result.ids("author") == ("a1",)
    assert db.query(Book).one().id == result.ids("book")[0]
    assert len(queued) == 1
    kept = line(db, result.operation_id)
    assert (kept.status, kept.op_type, kept.error) == ("committed", "add a book", None)
    assert [(step["name"], step["rows"]) for step in kept.steps] == [("author", 1), ("book", 1)]
    assert kept.checks == [{"check": "authors", "ok": True, "rows": [], "message": "books without an author"}]


def test_a_later_step_sees_the_rows_of_an_earlier_one(db: bmaddb.Database) -> None:
    def sequel(context: RuleContext) -> dict[str, object]:
        [first] = context.facts["rows"]["book"]
        found = context.reader.get(Book, first)
        assert found is not None
        return {"title": f"{found.title}, deel twee", "author_id": found.author_id, "pages": context.facts["pages"]}

    steps = (author(), book(), Step("sequel", "books", Action.INSERT, sequel))
    assert db.execute(Operation("series", steps, facts={"pages": 7})).ok
    assert db.query(Book).where(Book.pages == 7).one().title == "Een boek, deel twee"


def test_every_action_does_what_it_says(db: bmaddb.Database) -> None:
    first = (
        author(),
        Step("shelf", "shelves", Action.UPSERT, {"name": "Keuken", "order": 1}),
        Step("more", "authors", Action.UPSERT, [{"id": "a2", "name": "Anna"}, {"id": "a1", "motto": "door"}]),
    )
    assert db.execute(Operation("first", first)).ok
    second = (
        Step("rename", "authors", Action.UPDATE, {"id": "a1", "name": "Hella H."}),
        Step("shelf", "shelves", Action.UPSERT, {"name": "Keuken", "order": 2}),
        Step("gone", "authors", Action.DELETE, {"id": "a2"}),
    )
    assert db.execute(Operation("second", second)).ok
    found = db.query(Author).one()
    assert (found.name, found.motto) == ("Hella H.", "door")
    assert db.query(Shelf).one().order == 2


def test_a_step_of_many_rows_is_a_bulk(db: bmaddb.Database) -> None:
    rows = [{"title": f"deel {number}"} for number in range(120)]
    result = db.execute(Operation("many", (Step("books", "books", Action.INSERT, rows),)))
    assert sorted(result.ids("books")) == sorted(found.id for found in db.query(Book).all())
    assert len(line(db, result.operation_id).steps[0]["ids"]) == 100
    assert line(db, result.operation_id).steps[0]["rows"] == 120


@pytest.mark.parametrize(
    ("steps", "code", "where", "undone"),
    [
        ((author(), book(), replace(author(), name="again")), "B-303", "again", ("book", "author")),
        ((author(), book(pages=-1)), "B-303", "book", ("author",)),
        ((author(), Step("late", "books", Action.UPDATE, {"id": "none", "pages": 1})), "B-304", "late", ("author",)),
        ((author(), Step("late", "books", Action.DELETE, {"id": "none"})), "B-304", "late", ("author",)),
        ((author(), Step("late", "books", Action.UPDATE, {"pages": 1})), "B-303", "late", ("author",)),
        ((author(), Step("mine", "books", Action.INSERT, raising(KeyError("x")))), "B-803", "mine", ("author",)),
        ((author(), replace(book("no"), validators=(titles_are_long,))), "B-801", "book", ("author",)),
        ((author(), book(author_id="nobody")), "B-303", None, ("book", "author")),
    ],
)
def test_what_fails_leaves_nothing_but_a_line_in_the_journal(
    db: bmaddb.Database, steps: tuple[Step, ...], code: str, where: str | None, undone: tuple[str, ...]
) -> None:
    db.execute(Operation("before", (Step("author", "authors", Action.INSERT, {"id": "a0", "name": "Eerst"}),)))
    before, waiting = contents(db), db.outbox.counts()
    result = db.execute(Operation("fails", steps))
    assert result.failure is not None
    assert (result.status, result.failure.code, result.failure.step) == (Status.ROLLED_BACK, code, where)
    assert result.failure.undone == undone
    assert result.rows == ()
    assert contents(db) == before
    assert db.outbox.counts() == waiting
    kept = line(db, result.operation_id)
    assert kept.status == "rolled_back"
    assert kept.error is not None
    assert kept.error.startswith(code)
    with pytest.raises(type(result.failure.error)):
        result.raise_failure()


def test_all_that_is_wrong_is_said_and_warnings_do_not_stop(db: bmaddb.Database) -> None:
    rows: list[dict[str, object]] = [{"title": "a"}, {"title": "goed", "pages": 0}, {"title": "b"}]
    wrong = db.execute(Operation("wrong", (Step("books", "books", Action.INSERT, rows, (titles_are_long,)),)))
    assert wrong.failure is not None
    assert [violation.rule for violation in wrong.failure.violations] == ["T1", "T1"]
    right = db.execute(Operation("right", (Step("books", "books", Action.INSERT, rows[1], (titles_are_long,)),)))
    assert [(found.rule, found.severity) for found in right.warnings] == [("T2", Severity.WARN)]
    assert [found["rule"] for found in line(db, right.operation_id).checks] == ["T2"]


def test_a_check_sees_what_is_stored_and_undoes_it(db: bmaddb.Database) -> None:
    result = db.execute(Operation("orphan", (author(), book(author_id=None)), (every_book_has_an_author,)))
    assert result.failure is not None
    assert (result.failure.code, result.failure.step) == ("B-802", None)
    assert [outcome.name for outcome in result.failure.checks] == ["authors"]
    assert result.failure.checks[0].rows[0].startswith("books/")
    assert names(db) == []


def test_without_rollback_what_was_done_stays(db: bmaddb.Database) -> None:
    steps = (author(), book(author_id="nobody"), Step("last", "authors", Action.INSERT, {"name": "nooit"}))
    result = db.execute(Operation("as far as it comes", steps, strategy=Rollback.NONE))
    assert result.failure is not None
    assert (result.status, result.failure.step, result.failure.undone) == (Status.FAILED, "book", ())
    assert names(db) == ["Hella"]
    assert line(db, result.operation_id).status == "failed"


def test_the_same_operation_has_one_effect(db: bmaddb.Database) -> None:
    operation = Operation("once", (Step("author", "authors", Action.INSERT, {"name": "Hella"}),), id="op-1")
    first, second = db.execute(operation), db.execute(operation)
    assert not first.repeated
    assert (second.ok, second.repeated, second.rows) == (True, True, first.rows)
    assert names(db) == ["Hella"]


def test_one_that_failed_may_be_tried_again(db: bmaddb.Database) -> None:
    broken = Operation("again", (book(),), id="op-2")
    assert not db.execute(broken).ok
    db.execute(Operation("author", (author(),)))
    assert db.execute(broken).ok
    assert line(db, "op-2").status == "committed"


def test_a_commit_that_is_refused_is_a_failure_of_the_operation(db: bmaddb.Database) -> None:
    def refuse(_: CommitDraft) -> None:
        raise e.StoreError("not today")

    db.store.before_commit.append(refuse)
    result = db.execute(Operation("refused", (author(),)))
    db.store.before_commit.remove(refuse)
    assert result.failure is not None
    assert (result.failure.code, result.failure.undone) == ("B-300", ("author",))
    assert names(db) == []


def test_a_deadline_ends_it_between_two_steps(db: bmaddb.Database, clock: ManualClock) -> None:
    def slow(_: RuleContext) -> dict[str, object]:
        clock.advance(200)
        return {"name": "traag"}

    steps = (Step("slow", "authors", Action.INSERT, slow), book(author_id=None))
    result = db.execute(Operation("slow", steps), bounds=Bounds(within_ms=100))
    assert result.failure is not None
    assert (result.failure.code, result.failure.transient, result.failure.undone) == ("B-805", True, ("slow",))
    assert names(db) == []
    assert result.duration_ms == 200


def test_it_can_be_called_off_on_its_way(db: bmaddb.Database) -> None:
    off = Cancellation()

    def doubt(_: RuleContext) -> dict[str, object]:
        off.cancel()
        return {"name": "toch niet"}

    steps = (Step("doubt", "authors", Action.INSERT, doubt),)
    result = db.execute(Operation("off", steps), bounds=Bounds(cancellation=off))
    assert result.failure is not None
    assert result.failure.code == "B-806"
    assert names(db) == []


def test_who_listens_learns_of_every_end(db: bmaddb.Database) -> None:
    ends: list[OperationEnded] = []
    db.signals.listen(OperationEnded, ends.append)
    db.execute(Operation("good", (author(),)))
    db.execute(Operation("bad", (author(),)))
    assert [(end.type, end.status, end.rows, end.code) for end in ends] == [
        ("good", "committed", 1, None),
        ("bad", "rolled_back", 0, "B-303"),
    ]


def test_it_is_shaped_before_it_is_run(db: bmaddb.Database) -> None:
    def shaped(operation: Operation) -> Operation:
        return replace(operation, facts={**operation.facts, "name": "gevormd"})

    db.operations.shapes.append(shaped)
    steps = (Step("author", "authors", Action.INSERT, lambda context: {"name": context.facts["name"]}),)
    assert db.execute(Operation("shaped", steps)).ok
    assert names(db) == ["gevormd"]


@pytest.mark.parametrize(
    ("operation", "error"),
    [
        (Operation("none", ()), e.AtomicError),
        (Operation("", (author(),)), e.AtomicError),
        (Operation("a\0b", (author(),)), e.AtomicError),
        (Operation("steps", None), e.AtomicError),  # type: ignore[arg-type]
        (Operation("steps", iter((author(),))), e.AtomicError),  # type: ignore[arg-type]
        (Operation("unhashable", (author(),), id=[]), e.AtomicError),  # type: ignore[arg-type]
        (Operation("unhashable", (Step("x", [], Action.INSERT, {}),)), e.AtomicError),  # type: ignore[arg-type]
        (Operation("unhashable", (Step("x", "authors", [], {}),)), e.AtomicError),  # type: ignore[arg-type]
        ("no operation at all", e.AtomicError),
        (Operation(3, (author(),)), e.AtomicError),  # type: ignore[arg-type]
        (Operation("id", (author(),), id="\ud800"), e.AtomicError),
        (Operation("step", ("author",)), e.AtomicError),  # type: ignore[arg-type]
        (Operation("step", (Step("\ud800", "authors", Action.INSERT, {}),)), e.AtomicError),
        (Operation("action", (Step("x", "authors", "put", {}),)), e.AtomicError),  # type: ignore[arg-type]
        (Operation("facts", (author(),), facts=None), e.AtomicError),  # type: ignore[arg-type]
        (Operation("twice", (author(), author())), e.AtomicError),
        (Operation("table", (Step("x", "nothing", Action.INSERT, {}),)), e.AtomicError),
        (Operation("server", (Step("x", "invoices", Action.INSERT, {}),)), e.ReadOnlyTable),
        (Operation("facts", (author(),), facts={"rows": 1}), e.AtomicError),
    ],
)
def test_what_is_declared_wrongly_is_refused(
    db: bmaddb.Database, operation: Operation, error: type[e.BmadError]
) -> None:
    with pytest.raises(error):
        db.execute(operation)
    with pytest.raises(error):
        db.execute_batch([Operation("good", (author(),)), operation])
    assert names(db) == []


def test_any_text_is_a_name_and_any_collection_holds_steps(db: bmaddb.Database) -> None:
    steps = {"one": author()}
    odd = "na\u00a0me \u200d \U0001f469\u200d\U0001f4bb\n" + "x" * 1000
    assert db.execute(Operation(odd, steps.values(), id=odd)).ok  # type: ignore[arg-type]
    assert db.execute(Operation(odd, steps.values(), id=odd)).repeated  # type: ignore[arg-type]


def test_an_operation_is_a_transaction_of_its_own(db: bmaddb.Database) -> None:
    with db.write(), pytest.raises(e.AtomicError):
        db.execute(Operation("inside", (author(),)))


@pytest.mark.parametrize("said", [None, True, "fine"])
def test_a_check_that_answers_no_outcome_stops_its_operation_alone(db: bmaddb.Database, said: object) -> None:
    def check(context: RuleContext) -> CheckOutcome:
        return said  # type: ignore[return-value]

    result = db.execute(Operation("add", (author(),), (check,)))
    assert result.failure is not None
    assert (result.status, result.failure.code) == (Status.ROLLED_BACK, "B-803")
    assert "check 'check' answered" in result.failure.error.message
    batch = db.execute_batch([Operation("add", (author(),), (check,)), Operation("add", (author(row_id="a2"),))])
    assert [one.status for one in batch.results] == [Status.ROLLED_BACK, Status.COMMITTED]
    assert names(db) == ["Hella"]


def test_an_id_belongs_to_one_operation(db: bmaddb.Database) -> None:
    first = Operation("add an author", (author(),))
    assert db.execute(first).ok
    other = Operation("add a book", (book(),), id=first.id)
    for result in (db.execute(other), db.execute_batch([other]).results[0]):
        assert result.failure is not None
        assert (result.status, result.failure.code) == (Status.ROLLED_BACK, "B-800")
        assert "add an author" in result.failure.error.message
    assert line(db, first.id).status == "committed"
    assert db.query(Book).count() == 0


def test_the_journal_names_what_was_wrong_and_keeps_no_value(db: bmaddb.Database) -> None:
    wrong = Operation("wrong", (author(), book("SECRET", state="SECRET")))
    short = Operation("short", (replace(book("SECRET"), validators=(titles_are_long,)),))
    for operation in (wrong, short):
        result = db.execute(operation)
        assert result.failure is not None
        assert result.failure.code in (line(db, operation.id).error or "")
        assert "SECRET" not in str(line(db, operation.id).error)


@pytest.mark.parametrize(
    "wrong",
    [
        Operation("add", (author(),), strategy="none"),  # type: ignore[arg-type]
        Operation("add", (author(),), strategy="nonsense"),  # type: ignore[arg-type]
        Operation("add", (author(),), id=5),  # type: ignore[arg-type]
    ],
)
def test_one_that_is_declared_in_other_words_is_refused(db: bmaddb.Database, wrong: Operation) -> None:
    with pytest.raises(e.AtomicError):
        db.execute(wrong)
    assert names(db) == []


def test_one_that_is_repeated_says_of_which_steps_not_every_id_is_kept(db: bmaddb.Database) -> None:
    many = Step("many", "authors", Action.INSERT, [{"name": f"{number:03}"} for number in range(IDS_KEPT_MAX + 1)])
    operation = Operation("add", (many, author()))
    first, again = db.execute(operation), db.execute(operation)
    assert (len(first.ids("many")), first.ids_cut) == (IDS_KEPT_MAX + 1, ())
    assert again.ids("many") == first.ids("many")[:IDS_KEPT_MAX]
    assert (again.repeated, again.ids_cut) == (True, ("many",))

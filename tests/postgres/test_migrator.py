"""The installer: again and again, from two processes, without superuser, from version to version."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from bmaddb import errors as e
from bmaddb import statements
from bmaddb.modules.registry import default_catalog
from bmaddb.schema import Catalog, CatalogRecord, MergeRule, Module, UserRecord, text
from bmaddb.schema.evolution import AddColumn, CreateTable, Migration, RenameColumn, RenameTable
from bmaddb.server import migrator
from bmaddb.server.embedded import EmbeddedPostgres
from tests.postgres.caller import ALICE, Caller, caller, delete, deleted_of, insert, rows_of
from tests.postgres.small_catalog import SMALL, small_catalog
from tests.support.postgres import THROW_AWAY, VERSIONS, Database, bin_dir_of, open_folder

_SQL = statements.load("tests.postgres", "migrator.sql")


def install(database: Database, catalog: Catalog, *migrations: Migration) -> None:
    with psycopg.connect(database.conninfo) as connection:
        migrator.install(connection, catalog, migrations)


def objects(database: Database) -> list[tuple[Any, ...]]:
    with database.connect() as connection:
        return connection.execute(_SQL["objects"]).fetchall()


def test_the_default_catalogue_installs_and_everything_in_it_is_there(postgres_installed: Database) -> None:
    catalog = default_catalog()
    with postgres_installed.connect() as connection:
        names = {row[0] for row in connection.execute(_SQL["tables"])}
    assert names == {table.name for table in catalog.server_tables}
    one = caller(postgres_installed, ALICE)
    with one.connection:
        page = one.pull(limit_rows=20_000)
        sent = {part["table"]: len(part["rows"]) for part in page["tables"]}
        assert sent == {name: len(rows) for name, rows in catalog.seeds().items()}
        assert set(one.watermelon_pull()["changes"]) == {table.name for table in catalog.synced_tables}


def test_a_second_start_does_nothing(small: Database) -> None:
    before, cursor = objects(small), small.value("select version from bmad_sync.heads")
    install(small, small_catalog())
    assert objects(small) == before
    assert small.value("select version from bmad_sync.heads") == cursor


def test_installing_again_over_data_keeps_it_and_moves_no_cursor(small: Database, alice: Caller) -> None:
    version = alice.write(insert("boxes", {"id": "b1", "title": "box"}))["version"]
    cursor = alice.pull()["cursor"]
    small.run(
        """update bmad_sync.state set fingerprint = 'an older build';
           update bmad.colours set retired_at = now() where id = 'blue@1'"""
    )
    cursor = alice.pull(cursor)["cursor"]
    install(small, small_catalog())
    assert alice.pull(cursor).items() >= {"cursor": cursor, "more": False, "tables": []}.items()
    assert rows_of(alice.pull(), "colours")["blue@1"]["retired_at"] is not None
    assert alice.write(delete("boxes", "b1", version))["status"] == "applied"
    assert deleted_of(alice.pull(cursor), "boxes") == ["b1"]


def test_a_database_of_an_older_build_gets_todays_triggers_functions_and_grants(small: Database, alice: Caller) -> None:
    """Everything but tables is made anew: what an older build granted is taken away, what it lacked is there."""
    with small.connect() as connection:
        wanted = connection.execute(_SQL["what_holds"]).fetchall()
    alice.write(insert("settings", {"id": "s1", "key": "theme"}))
    cursor = alice.pull()["cursor"]
    small.run(_SQL["as_it_was_before_versions_were_checked"])
    install(small, small_catalog())
    with small.connect() as connection:
        assert connection.execute(_SQL["what_holds"]).fetchall() == wanted
    assert alice.pull(cursor)["tables"] == []
    small.run(f"insert into bmad.boxes (user_id, id, title, server_seq) values ('{ALICE}', 'b1', 'named', 1)")
    assert set(rows_of(alice.pull(cursor), "boxes")) == {"b1"}
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        alice.run("update bmad.settings set key = 'font'")
    assert alice.write(insert("boxes", {"id": "b2", "title": "pushed"}))["status"] == "applied"


def test_a_seed_that_changed_is_sent_again_and_no_other(small: Database, alice: Caller) -> None:
    cursor = alice.pull()["cursor"]
    seeds = {
        **SMALL.seeds,
        "shades": ({"id": "red/dark", "colour_id": "red@1", "strength": 0.8}, {"id": "new", "colour_id": "red@1"}),
    }
    changed = Module(name="small", purpose="", records=SMALL.records, seeds=seeds)
    install(small, Catalog([changed]))
    page = alice.pull(cursor)
    assert [part["table"] for part in page["tables"]] == ["shades"]
    assert {key: row["strength"] for key, row in rows_of(page, "shades").items()} == {"red/dark": 0.8, "new": 0.5}


def test_two_starters_at_once_both_succeed(postgres: Database) -> None:
    errors: list[BaseException] = []

    def start() -> None:
        try:
            install(postgres, small_catalog())
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=start) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert postgres.value("select count(*) from bmad_sync.state") == 1


def test_a_newer_database_is_left_alone(small: Database) -> None:
    small.run("update bmad_sync.state set schema_version = 15")
    before = objects(small)
    with pytest.raises(e.ServerError, match=r"15.*14"):
        install(small, small_catalog())
    assert objects(small) == before


def test_a_changed_table_without_a_migration_is_refused(small: Database) -> None:
    small.run("alter table bmad.boxes drop column title cascade; update bmad_sync.state set fingerprint = ''")
    with pytest.raises(e.ServerError, match="boxes of the database has no column title"):
        install(small, small_catalog())


def test_a_version_without_its_migrations_is_refused(small: Database) -> None:
    with pytest.raises(e.ServerError, match="14 to 15"):
        install(small, small_catalog(15))
    assert small.value("select schema_version from bmad_sync.state") == 14


class Crate(UserRecord, table="crates"):
    """What was a box."""

    label = text(null=True)
    colour = text(default="red")


class Lid(UserRecord, table="lids"):
    """New, and refers to what was renamed."""

    crate_id = text(references="crates", on_delete="cascade")


class Old(UserRecord, table="cartons"):
    """What a crate was in version 14."""

    title = text(null=True)


class Fruit(CatalogRecord, table="fruits"):
    """A catalogue that stays."""

    name = text(merge=MergeRule.SRV)


def test_an_upgrade_keeps_rows_stamps_tombstones_and_cursors(postgres: Database) -> None:
    fruits = {"fruits": ({"id": "pear", "name": "pear"},)}
    install(postgres, Catalog([Module(name="m", purpose="", records=(Fruit, Old), seeds=fruits)]))
    one = caller(postgres, ALICE)
    with one.connection:
        version = one.write(insert("cartons", {"id": "c1", "title": "kept"}, {"id": "c2", "title": "gone"}))["version"]
        old = one.pull()["cursor"]
        one.write(
            {"table": "cartons", "update": [{"id": "c1", "base": version, "set": {"title": "new"}}]},
            delete("cartons", "c2", version),
        )
        cursor = one.pull()["cursor"]
        install(
            postgres,
            Catalog([Module(name="m", purpose="", records=(Fruit, Crate, Lid), seeds=fruits)], version=15),
            Migration(
                15,
                (
                    RenameTable("cartons", "crates"),
                    RenameColumn("crates", "title", "label"),
                    AddColumn("crates", "colour", Crate.colour),
                    CreateTable(Lid),
                ),
            ),
        )
        assert one.pull(cursor).items() >= {"cursor": cursor, "more": False, "tables": []}.items()
        page = one.pull(old)
        row = rows_of(page, "crates")["c1"]
        assert (row["label"], row["colour"], list(row["stamps"])) == ("new", "red", ["label"])
        assert deleted_of(page, "crates") == ["c2"]
        assert one.write(insert("lids", {"id": "l1", "crate_id": "c1"}))["status"] == "applied"
        assert rows_of(one.pull(cursor), "lids").keys() == {"l1"}


@pytest.fixture(scope="module", params=VERSIONS, ids=lambda version: f"pg{version}")
def bare(request: pytest.FixtureRequest) -> Iterator[EmbeddedPostgres]:
    """A cluster without any role of ours."""
    with (
        open_folder() as folder,
        EmbeddedPostgres(folder, settings=THROW_AWAY, bin_dir=bin_dir_of(request.param)) as postgres,
    ):
        yield postgres


def test_a_plain_owner_is_enough(bare: EmbeddedPostgres) -> None:
    with psycopg.connect(bare.conninfo, autocommit=True) as connection:
        for block in ("make_owner", "make_database"):
            connection.execute(_SQL[block])
    with psycopg.connect(bare.conninfo_of("plain", user="plain_owner")) as owner:
        migrator.install(owner, small_catalog())
        assert owner.execute(_SQL["is_plain"]).fetchone() == (False, False)
    database = Database(
        version=0,
        name="plain",
        conninfo=bare.conninfo_of("plain"),
        login=bare.conninfo_of("plain", user="authenticator"),
    )
    one = caller(database, ALICE)
    with one.connection, psycopg.connect(bare.conninfo_of("plain", user="plain_owner"), autocommit=True) as owner:
        version = one.write(
            insert("boxes", {"id": "b1", "title": "t"}, {"id": "b2", "title": "t"}),
            insert("things", {"id": "t1", "box_id": "b1", "shelf_id": "b2", "name": "n"}),
        )["version"]
        cursor = one.pull()["cursor"]
        assert one.write(delete("boxes", "b2", version))["status"] == "applied"
        assert rows_of(one.pull(cursor), "things")["t1"]["shelf_id"] is None
        assert one.write(delete("boxes", "b1", version))["status"] == "applied"
        assert deleted_of(one.pull(cursor), "things") == ["t1"]
        assert (
            one.watermelon_push({"boxes": {"created": [{"id": "w", "title": "w"}], "updated": [], "deleted": []}}, 0)
            == {}
        )
        owner.execute(_SQL["age"])
        assert owner.execute(_SQL["purge"]).fetchone() == (3,)
        assert one.pull(cursor)["resync"] is True
        assert owner.execute(_SQL["own_rows"]).fetchone() == (0,)  # forced: not even the owner reads what a user wrote

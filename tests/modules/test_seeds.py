"""Catalogue data and registries: whole, in both languages, and every code that is referred to exists."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import apsw
import pytest

from bmaddb.modules.registry import MODULES, ModuleRegistry, default_catalog
from bmaddb.modules.seeds.domain_frameworks import LIFE, MET
from bmaddb.schema import Catalog, MergeRule, Scope, Table
from bmaddb.schema.json_text import canonical_json
from tests.schema.rows import insert, open_file

CATALOG = default_catalog()
SEEDS = CATALOG.seeds()
REGISTRIES = {name: rows for module in MODULES for name, rows in module.registries.items()}
Row = Mapping[str, Any]


def all_rows() -> Iterator[tuple[str, Row]]:
    for seeds in (SEEDS, REGISTRIES):
        for name, rows in seeds.items():
            for seed in rows:
                yield name, seed


def ids_of(table: str) -> set[str]:
    return {seed["id"] for seed in SEEDS[table]}


def raw(table: Table, seed: Row) -> dict[str, Any]:
    return {name: table.column(name).bind(value) for name, value in seed.items()}


@pytest.fixture(scope="module")
def file() -> apsw.Connection:
    """A device on which every seed has arrived."""
    connection = open_file(CATALOG)
    for name, rows in SEEDS.items():
        for seed in rows:
            insert(connection, CATALOG.table(name), raw(CATALOG.table(name), seed))
    return connection


def test_every_catalogue_table_starts_with_rows() -> None:
    assert set(SEEDS) == {table.name for table in CATALOG.tables.values() if table.scope is Scope.CATALOG}
    assert all(SEEDS.values())


@pytest.mark.parametrize("name", sorted(SEEDS))
def test_seeds_are_rows_their_table_takes(file: apsw.Connection, name: str) -> None:
    assert file.execute(f"SELECT count(*) FROM {name}").get == len(SEEDS[name])


@pytest.mark.parametrize("name", sorted(SEEDS))
def test_seeds_break_no_unique(name: str) -> None:
    for columns in (("id",), *CATALOG.table(name).options.uniques):
        keys = [tuple(seed[column] for column in columns) for seed in SEEDS[name]]
        assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("name", sorted(SEEDS))
def test_seeds_refer_to_seeds(name: str) -> None:
    for column in CATALOG.table(name).foreign_keys:
        target = ids_of(str(column.spec.references))
        assert {seed[column.name] for seed in SEEDS[name] if seed.get(column.name)} <= target


def test_everything_said_is_said_in_dutch_and_in_english() -> None:
    said = 0
    for name, seed in all_rows():
        for column, value in seed.items():
            if column.endswith("_i18n") and value:
                said += 1
                assert value.keys() == {"nl", "en"}, (name, seed)
                assert all(value.values()), (name, seed)
    assert said > 150


def test_every_prompt_has_both_languages_and_names_its_variables() -> None:
    prompts = SEEDS["prompt_templates"]
    locales: dict[str, set[str]] = {}
    for prompt in prompts:
        locales.setdefault(prompt["code"], set()).add(prompt["locale"])
        for variable in prompt["variables"]:
            assert f"{{{variable}}}" in prompt["template"]
        assert prompt["template"].count("{") == len(prompt["variables"])
    assert all(found == {"nl", "en"} for found in locales.values())


def test_life_areas_fill_the_wheels_they_say() -> None:
    areas = SEEDS["life_areas"]
    assert len(areas) == 13
    for preset in REGISTRIES["life_area_presets"]:
        members = [area["code"] for area in areas if preset["code"] in area["preset_codes"]]
        merged = [code for group in preset["merged"] for code in group[1:]]
        assert all(code in members for group in preset["merged"] for code in group)
        assert len(members) - len(merged) == int(preset["code"])
    assert {code for area in areas for code in area["preset_codes"]} == {
        preset["code"] for preset in REGISTRIES["life_area_presets"]
    }
    assert {area["code"] for area in areas if area["belief_related"]} == {"meaning", "imagination"}
    assert {area["code"] for area in areas if area["health_related"]} == {"physical_health", "mental_health"}


def test_each_area_has_four_questions_one_of_them_reversed() -> None:
    for area in ids_of("life_areas"):
        questions = [question for question in SEEDS["life_area_questions"] if question["life_area_id"] == area]
        assert len(questions) == 4
        assert sum(question["reversed"] for question in questions) == 1
        assert all(question["id"] == f"{area}/{question['question_code']}@1" for question in questions)


def test_one_framework_is_the_default_and_numbers_run_without_gaps() -> None:
    frameworks = SEEDS["domain_frameworks"]
    assert [framework["code"] for framework in frameworks if framework["is_default"]] == ["met-2.4"]
    assert {framework["id"] for framework in frameworks} == {MET, LIFE}
    for framework in ids_of("domain_frameworks"):
        numbers = [domain["domain_number"] for domain in SEEDS["met24_domains"] if domain["framework_id"] == framework]
        assert numbers == list(range(1, len(numbers) + 1))


def test_domains_of_belief_and_clusters_are_marked() -> None:
    domains = SEEDS["met24_domains"]
    assert all(domain["belief_related"] for domain in domains if domain["framework_id"] == MET)
    clusters = {cluster["code"] for cluster in REGISTRIES["domain_clusters"]}
    assert {domain.get("cluster_code") for domain in domains if domain["framework_id"] == LIFE} == clusters


def test_content_points_to_areas_domains_features_and_content() -> None:
    areas, slugs = ids_of("life_areas"), ids_of("content_items")
    domains = {domain["code"] for domain in SEEDS["met24_domains"]}
    features = {feature["code"] for feature in REGISTRIES["features"]}
    for item in SEEDS["content_items"]:
        assert set(item.get("life_area_codes", ())) <= areas
        assert set(item.get("met24_domain_codes", ())) <= domains
        assert set(item.get("member_slugs", ())) <= slugs - {item["slug"]}
        assert item.get("feature_required") in features | {None}
        assert all(0 <= share <= 1 for share in item.get("function_affinity", {}).values())
        assert item["checksum"] == hashlib.sha256(canonical_json(item["body_i18n"]).encode()).hexdigest()


def test_a_path_lasts_as_long_as_its_parts() -> None:
    minutes = {item["slug"]: item["duration_min"] for item in SEEDS["content_items"]}
    for item in SEEDS["content_items"]:
        if item.get("member_slugs"):
            assert item["duration_min"] == sum(minutes[slug] for slug in item["member_slugs"])


def test_onboarding_runs_in_order_and_fills_columns_that_exist() -> None:
    steps = SEEDS["onboarding_steps"]
    assert [step["position"] for step in steps] == list(range(1, len(steps) + 1))
    codes = [step["step_code"] for step in steps]
    for position, step in enumerate(steps):
        if step.get("maps_to"):
            table, column = step["maps_to"].split(".")
            assert CATALOG.table(table).column(column).client_writable
        if step.get("show_if"):
            asked = step["show_if"]["step"]
            assert asked in codes[:position]
            answer = next(other for other in steps if other["step_code"] == asked)["answer_schema"]
            assert step["show_if"]["equals"] in answer["enum"]
        assert bool(step.get("answer_schema")) == (step["kind"] not in ("info", "summary"))


def test_onboarding_choices_are_values_their_column_takes() -> None:
    for step in SEEDS["onboarding_steps"]:
        if step["kind"] == "choice" and step.get("maps_to"):
            table, column = step["maps_to"].split(".")
            enum = CATALOG.table(table).column(column).spec.enum
            assert not enum or set(step["answer_schema"]["enum"]) <= set(enum)


def test_the_free_plan_costs_nothing_and_gives_known_features() -> None:
    features = {feature["code"]: feature for feature in REGISTRIES["features"]}
    periods = CATALOG.table("entitlements").column("period").spec.enum
    (plan,) = SEEDS["plans"]
    assert (plan["tier"], plan["amount_minor"]) == ("free", 0)
    for entitlement in plan["entitlements"]:
        assert entitlement["period"] in periods
        assert (entitlement["limit"] is not None) == features[entitlement["feature"]]["metered"]


def test_metrics_are_unique_and_their_milestones_name_them() -> None:
    metrics = REGISTRIES["metrics"]
    assert len({metric["code"] for metric in metrics}) == len(metrics) == 10
    for metric in metrics:
        assert metric["max_delta"] > 0
        assert set(metric["periods"]) == {"all", "month", "week"}
        assert all(milestone.startswith(f"{metric['code']}.") for milestone in metric["milestones"])


def test_events_have_a_plain_name_and_closed_properties_without_free_text() -> None:
    names = [event["name"] for event in REGISTRIES["events"]]
    assert len(set(names)) == len(names)
    for event in REGISTRIES["events"]:
        assert event["name"].replace("_", "").replace(".", "").isalpha()
        assert event["properties"]["additionalProperties"] is False
        properties = event["properties"]["properties"]
        assert len(properties) <= 12
        assert all(shape["type"] != "string" or shape["enum"] for shape in properties.values())
        assert all(len(code) <= 64 for shape in properties.values() for code in shape.get("enum", ()))
    assert any(event["essential"] for event in REGISTRIES["events"])


def test_instruments_are_balanced_and_say_that_nobody_validated_them() -> None:
    for instrument in REGISTRIES["instruments"]:
        assert instrument["validated"] is False
        signs: dict[str, list[int]] = {}
        for item in instrument.get("items", ()):
            signs.setdefault(item["axis"], []).append(item["sign"])
        assert all(len(found) == 4 and sum(found) == 0 for found in signs.values())
        assert instrument.get("items_table", "users") in CATALOG.tables


@pytest.mark.parametrize("count", [1, 7, 24, 40])
def test_a_framework_has_as_many_domains_as_it_has(count: int) -> None:
    """No code knows a number: any framework goes into the same tables by the same way."""
    framework = {**SEEDS["domain_frameworks"][0], "id": f"own@{count}", "code": "own", "version": str(count)}
    domains = [
        {"id": f"own@{count}/d{n}", "framework_id": f"own@{count}", "domain_number": n, "code": f"d{n}"}
        | {"name_i18n": {"nl": f"Domein {n}", "en": f"Domain {n}"}}
        for n in range(1, count + 1)
    ]
    connection = open_file(CATALOG)
    for name, rows in (("domain_frameworks", [framework]), ("met24_domains", domains)):
        for seed in rows:
            insert(connection, CATALOG.table(name), raw(CATALOG.table(name), seed))
    progress = CATALOG.table("met24_progress")
    for domain in domains:
        values = {"id": f"p{domain['domain_number']}", "user_id": "u", "created_at": 0, "updated_at": 0}
        insert(connection, progress, {**values, "met24_domain_id": domain["id"]})
    assert connection.execute("SELECT count(*) FROM met24_progress").get == count


def test_seeds_of_an_application_come_after_ours() -> None:
    registry = ModuleRegistry()
    ours = registry.get("levensgebieden")
    extra = {"life_areas": ({**ours.seeds["life_areas"][0], "id": "garden", "code": "garden"},)}
    catalog = Catalog([*registry, type(ours)(name="garden", purpose="One more area.", records=(), seeds=extra)])
    assert [seed["id"] for seed in catalog.seeds()["life_areas"]][-1] == "garden"


def test_a_seed_only_sets_what_the_server_writes() -> None:
    for name, rows in SEEDS.items():
        for column in {column for seed in rows for column in seed}:
            assert CATALOG.table(name).column(column).spec.merge is MergeRule.SRV

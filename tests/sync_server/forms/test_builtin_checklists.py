"""The checklists that come with the product: made reproducibly, in both languages, installed."""

from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from sync_server.db.change_store import ORG_BUCKET
from sync_server.db.engine_io import reading
from sync_server.db.sync_tables import CHANGE
from sync_server.forms.build_checklists_io import built
from sync_server.forms.builtin_io import CHECKLISTS, builtin_files, install_builtin_forms
from sync_server.forms.form_store import (
    VersionState,
    list_forms,
    publish_form,
    take_form,
    withdraw_form,
)
from sync_server.forms.intake_io import read_form
from tests.sync_server.forms.sheet_parts import question, workbook
from tests.sync_server.real_parts import NOON
from wire_contracts.errors import ContractError
from wire_contracts.forms.model import FormModel, NodeKind, walk
from wire_contracts.home_checks import CheckItem

TABLES = sorted(CHECKLISTS.glob("*.md"))
KINDS_OF_WORK = {
    "leak-gas",
    "leak-water",
    "leak-heat",
    "no-supply",
    "cold-room",
    "meter-check",
    "meter-exchange",
    "gas-on",
    "safety-check",
    "patrol-well",
    "patrol-regulator",
    "patrol-line",
    "patrol-substation",
    "area-check",
    "stop-heating",
}


@pytest.fixture(scope="module")
def models() -> dict[str, FormModel]:
    return {path.stem: read_form(path.read_bytes()).model for path in builtin_files()}


@pytest.mark.parametrize("table", TABLES, ids=lambda path: path.stem)
def test_the_xlsx_is_what_its_table_makes(table: Path) -> None:
    assert table.with_suffix(".xlsx").read_bytes() == built(table)


def test_every_kind_of_work_has_a_checklist_named_like_its_file(
    models: dict[str, FormModel],
) -> None:
    assert set(models) == KINDS_OF_WORK
    assert {model.form_id for model in models.values()} == KINDS_OF_WORK


def test_every_question_and_choice_is_in_both_languages(models: dict[str, FormModel]) -> None:
    texts = [
        (model.form_id, node.path, node.label)
        for model in models.values()
        for node in walk(model.nodes)
        if node.kind is not NodeKind.CALCULATE
    ]
    texts += [
        (model.form_id, row.name, row.label)
        for model in models.values()
        for rows in model.lists.values()
        for row in rows
    ]
    texts += [(model.form_id, "title", model.title) for model in models.values()]

    assert [each[:2] for each in texts if set(each[2].by_language) != {"en", "zh"}] == []


def test_the_safety_check_looks_at_the_twelve_items_of_the_inspector(
    models: dict[str, FormModel],
) -> None:
    group = next(node for node in models["safety-check"].nodes if node.name == "items")
    asked = [node.name for node in group.children if node.kind is NodeKind.SELECT_ONE]

    assert [name for name in asked if not name.endswith("_severity")] == [
        str(item) for item in CheckItem
    ]
    assert len([name for name in asked if name.endswith("_severity")]) == 12


def test_a_fresh_server_has_every_checklist_published_and_a_second_start_adds_none(
    engine: Engine,
) -> None:
    first = install_builtin_forms(engine, NOON)
    second = install_builtin_forms(engine, NOON)

    with reading(engine) as connection:
        states = {form.key: form.state for form in list_forms(connection)}
        shown = connection.execute(
            select(CHANGE.c.entity_id).where(
                CHANGE.c.bucket == ORG_BUCKET, CHANGE.c.entity == "form"
            )
        ).scalars()
        assert set(shown) == set(first)
    assert sorted(first) == sorted(f"{name}@1" for name in KINDS_OF_WORK)
    assert second == []
    assert set(states.values()) == {VersionState.PUBLISHED}


def test_a_version_never_changes(engine: Engine) -> None:
    one = read_form(workbook(question("text", "one")))
    other = read_form(workbook(question("text", "other")))
    with engine.begin() as connection:
        assert take_form(connection, one, "a", NOON)
        assert not take_form(connection, one, "b", NOON)

        with pytest.raises(ContractError) as refused:
            take_form(connection, other, "a", NOON)

    assert str(refused.value) == (
        "form trial@1: version: is kept with another content;"
        " give the sheet settings a new version: answers are pinned to it"
    )


def test_a_withdrawn_version_stays_on_the_tablets_and_says_so(engine: Engine) -> None:
    form = read_form(workbook(question("text", "one")))
    with engine.begin() as connection:
        take_form(connection, form, "a", NOON)
        with pytest.raises(ContractError):
            withdraw_form(connection, "trial@1", "a", NOON)
        publish_form(connection, "trial@1", NOON, "a", NOON)
    with engine.begin() as connection:
        withdraw_form(connection, "trial@1", "a", NOON)

    with reading(engine) as connection:
        entry = connection.execute(select(CHANGE).where(CHANGE.c.entity_id == "trial@1")).one()
        states = [form.state for form in list_forms(connection)]
    assert entry.is_gone is False
    assert states == [VersionState.WITHDRAWN]

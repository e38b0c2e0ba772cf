"""A row of a pull that this app cannot read stops no other row, no word of a crew, no screen."""

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from field_app.crew import HeadlessCrew
from field_app.store.identity_io import save_identity
from field_app.store.quick_json import quick_answers
from field_app.store.tables import base_row
from field_app.sync.reasons import Reason
from tests.field_app.office_parts import Office
from wire_contracts.blobs import WANT_ENTITY
from wire_contracts.fields import JsonObject, JsonValue
from wire_contracts.forms.model import FORM_ENTITY
from wire_contracts.home_checks import HOUSEHOLD_ENTITY
from wire_contracts.meter_rounds import METER_ENTITY
from wire_contracts.network import ENTITY as NETWORK
from wire_contracts.operations import PushAnswer, WrittenPush
from wire_contracts.order_person import ENTITY as ORDER_PERSON
from wire_contracts.orders import ENTITY as ORDER
from wire_contracts.patrols import CHECKPOINT_ENTITY, PLAN_ENTITY
from wire_contracts.payloads import read_json
from wire_contracts.pulls import (
    BucketPage,
    EntityRow,
    PullAnswer,
    dump_pull,
    hash_row,
    parse_pull,
)
from wire_contracts.review_outcomes import OUTCOME_ENTITY
from wire_contracts.sync import SyncApi

ENTITIES = (
    ORDER,
    OUTCOME_ENTITY,
    WANT_ENTITY,
    ORDER_PERSON,
    FORM_ENTITY,
    HOUSEHOLD_ENTITY,
    METER_ENTITY,
    CHECKPOINT_ENTITY,
    PLAN_ENTITY,
    NETWORK,
    "person",
    "van",
    "of_a_newer_server",
)
"""Every type that a tablet reads, and one that none does."""


@dataclass(slots=True)
class Pages:
    """The way to the office, on which rows join a page; answers come as text, as over HTTP."""

    api: SyncApi
    rows: list[EntityRow] = field(default_factory=list)

    def pull(self, token: str | None, limit: int) -> PullAnswer:
        answer = self.api.pull(token, limit)
        if self.rows:
            page = BucketPage(bucket="org", is_reset=False, rows=tuple(self.rows))
            self.rows = []
            answer = replace(answer, buckets=(*answer.buckets, page))
        plain = dump_pull(answer, token)
        return parse_pull(read_json("pull", plain, quick_answers()), token)

    def push(self, push: WrittenPush) -> PushAnswer:
        return self.api.push(push)


@dataclass(frozen=True, slots=True)
class AtWork:
    """A tablet with an order, a word of its own, and a document of each type that it has."""

    crew: HeadlessCrew
    line: Pages
    office: Office
    order_id: str
    op_id: str
    real: dict[str, JsonObject]


@pytest.fixture
def at_work(office: Office, tmp_path: Path) -> Iterator[AtWork]:
    line = Pages(office.api())
    save_identity(tmp_path / "t", office.identity())
    with closing(HeadlessCrew(tmp_path / "t", office.clock, connect=lambda _: line)) as crew:
        order_id = office.new_order()
        crew.sync_now()
        crew.tablet.desk.add_note(order_id, "the first word")
        (word,) = crew.tablet.waiting()
        rows = crew.tablet.database.read(lambda c: c.execute(select(base_row)).all())
        yield AtWork(
            crew=crew,
            line=line,
            office=office,
            order_id=order_id,
            op_id=word.operation.op_id,
            real={row.entity: json.loads(row.document) for row in rows},
        )


NAMES = (
    *("op_id", "id", "entity", "kind", "choice", "sha256", "reason", "title", "state", "due_at"),
    *("medium", "priority", "crew_id", "name", "account_id", "points", "parts", "model", "x_m"),
)
LONG = 2**70
VALUES: st.SearchStrategy[JsonValue] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.sampled_from([LONG, -LONG, 2**63, 1e300, "\0", "leak"])
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)


@st.composite
def rows(draw: st.DrawFn) -> tuple[str, dict[str, JsonValue]]:
    """Return a type, and what differs in a document of it."""
    changed = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=4)
    return draw(st.sampled_from(ENTITIES)), draw(changed)


@given(strange=st.lists(rows(), min_size=1, max_size=3))
@example(strange=[(OUTCOME_ENTITY, {"op_id": LONG})])
@example(strange=[(OUTCOME_ENTITY, {"op_id": ["x"]})])
@example(strange=[("person", {"account_id": None})])
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_a_row_that_cannot_be_read_stops_nothing_of_the_rest(
    at_work: AtWork, strange: list[tuple[str, dict[str, JsonValue]]]
) -> None:
    crew, number = at_work.crew, next(_NUMBERS)
    at_work.office.add_note(at_work.order_id, f"office {number}.")
    at_work.line.rows = [
        strange_row(at_work, entity, changed, f"strange-{number}-{place}")
        for place, (entity, changed) in enumerate(strange)
    ]
    crew.tablet.desk.add_note(at_work.order_id, f"word {number}.")

    verdict = crew.sync_now()

    assert verdict.reason is Reason.NONE
    assert f"word {number}." in at_work.office.order(at_work.order_id).document.note
    assert f"office {number}." in str(crew.order(at_work.order_id))
    assert at_work.order_id in {line.order_id for line in crew.open_orders()}
    assert crew.tablet.people()
    assert all(each.operation for each in crew.tablet.look_here())
    assert crew.sync_now().reason is Reason.NONE


_NUMBERS = count(1)


def strange_row(
    at_work: AtWork, entity: str, changed: dict[str, JsonValue], entity_id: str
) -> EntityRow:
    known: JsonObject = {"op_id": at_work.op_id, "id": at_work.order_id, "entity": ORDER}
    document = {**at_work.real.get(entity, known), **changed}
    row_hash = hash_row(entity, entity_id, document)
    return EntityRow(entity, entity_id, SEQ + next(_NUMBERS), row_hash, document)


SEQ = 10**9

"""What a tablet sealed reaches the ledger in the order of the taps, revoked or not (RULINGS R4)."""

import base64
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from fastapi import FastAPI
from requests import Session
from sqlalchemy import select

from sync_server.access.api_io import enrolment_router
from sync_server.access.desk import AccessDesk
from sync_server.access.error_answers_io import install_error_answers
from sync_server.access.tablet_store import enrol_tablet, issue_enrolment_code, revoke_tablet
from sync_server.db.sync_tables import SEALED_ITEM
from sync_server.sync.api_io import sync_router
from sync_server.sync.ledger_store import read_ledger
from sync_server.sync.review_desk import Decision, settle
from sync_server.sync.review_store import ReviewKind, list_reviews
from sync_server.sync.sealed_room import SealedRoom
from sync_server.sync.sealing_keys_io import SealingKeys
from sync_server.sync.service import SyncService, SyncTerms
from sync_server.work_orders.order_store import get_order
from tests.sync_server.people_parts import QUICK_HASHER, Pen, Utility
from tests.sync_server.real_parts import NOON
from tests.sync_server.served_app import served
from tests.sync_server.sync.sealed_parts import (
    public,
    reviewed,
    seal,
    sealed_operation,
    send,
    state_and_outcomes,
)
from wire_contracts.codes import Code
from wire_contracts.enrolment import EnrolRequest
from wire_contracts.operations import Operation, Outcome
from wire_contracts.payloads import read_json
from wire_contracts.pulls import parse_pull
from wire_contracts.refusals import parse_refusal
from wire_contracts.review_outcomes import Choice
from wire_contracts.sealed import (
    SEALED_PATH,
    Envelope,
    SealedKind,
    SealedRequest,
    SealedResult,
    dump_operation,
    dump_sealed,
    parse_sealed_answer,
)
from wire_contracts.sync import PROTOCOL, PROTOCOL_HEADER, PULL_PATH


def test_sealed_taps_of_a_revoked_tablet_are_applied_once_and_shown_to_people(
    service: SyncService, utility: Utility, keys: SealingKeys, pen: Pen, order_id: str
) -> None:
    taps = [*pen.steps_to_work(order_id), *pen.finding(order_id)]
    envelopes = [sealed_operation(keys, tap) for tap in taps]

    first = send(service, utility, *envelopes)
    second = send(service, utility, *envelopes)

    assert [each.is_opened for each in first.results] == [True] * len(taps)
    assert second.results == first.results
    with utility.engine.connect() as connection:
        ledger = read_ledger(connection)
        order = get_order(connection, order_id)
    assert {each.outcome for each in ledger} == {Outcome.APPLIED}
    assert (len(ledger), str(order.state)) == (len(taps), "finished")
    assert len(reviewed(utility, ReviewKind.REVOKED_TABLET)) == 5  # four steps, one finding


def test_sealed_taps_take_effect_in_their_own_order_whatever_that_of_the_envelopes(
    service: SyncService, utility: Utility, keys: SealingKeys, pen: Pen, order_id: str
) -> None:
    taps = [*pen.steps_to_work(order_id), *pen.finding(order_id)]
    envelopes = [sealed_operation(keys, tap) for tap in taps]
    draft = seal(public(keys), SealedKind.DRAFT, order_id, b"{}")
    sent = [*envelopes[5:], draft, *envelopes[4::-1]]

    answer = send(service, utility, *sent)

    assert [each.about for each in answer.results] == [each.about for each in sent]
    assert state_and_outcomes(utility, order_id) == ("finished", {Outcome.APPLIED})


def test_sealed_taps_that_had_to_wait_for_their_key_take_effect_in_their_order(
    utility: Utility, keys: SealingKeys, pen: Pen, order_id: str, tmp_path: Path
) -> None:
    taps = [*pen.steps_to_work(order_id), *pen.finding(order_id)]
    envelopes = [sealed_operation(keys, tap) for tap in taps]
    stranger = SealingKeys(tmp_path / "other")
    stranger.ensure(NOON)
    without = SyncService(utility.engine, utility.clock, SyncTerms(keys=stranger))
    for some in (envelopes[6:], envelopes[:6]):
        send(without, utility, *some)

    count = SealedRoom(utility.engine, keys, None).open_waiting(NOON)

    assert count == len(taps)
    assert state_and_outcomes(utility, order_id) == ("finished", {Outcome.APPLIED})


def sealed_to_two_keys(
    keys: SealingKeys, away: SealingKeys, taps: Sequence[Operation], first: int
) -> list[Envelope]:
    """Return the envelopes of taps of which the first were sealed to a key that is away."""
    return [
        sealed_operation(away if number < first else keys, tap) for number, tap in enumerate(taps)
    ]


@pytest.fixture
def away(tmp_path: Path) -> SealingKeys:
    found = SealingKeys(tmp_path / "away")
    found.ensure(NOON)
    return found


@pytest.mark.parametrize("first", range(1, 6))
def test_steps_wait_with_earlier_ones_whose_key_is_away_and_take_effect_with_them(  # noqa: PLR0913, PLR0917  # fixtures
    service: SyncService,
    utility: Utility,
    keys: SealingKeys,
    away: SealingKeys,
    pen: Pen,
    order_id: str,
    first: int,
    tmp_path: Path,
) -> None:
    taps = [*pen.steps_to_work(order_id), *pen.finding(order_id)]
    envelopes = sealed_to_two_keys(keys, away, taps, first)
    for some in (envelopes[:first], envelopes[first:]):
        send(service, utility, *some)
    assert reviewed(utility, ReviewKind.REFUSED) == []

    for path in (tmp_path / "away").glob("*.pem"):
        shutil.copy2(path, tmp_path / "sealing_keys" / path.name)
    SealedRoom(utility.engine, SealingKeys(tmp_path / "sealing_keys"), None).open_waiting(NOON)

    assert state_and_outcomes(utility, order_id) == ("finished", {Outcome.APPLIED})


def test_steps_wait_no_longer_once_a_person_has_given_the_key_up(  # noqa: PLR0913, PLR0917  # fixtures
    service: SyncService,
    utility: Utility,
    keys: SealingKeys,
    away: SealingKeys,
    pen: Pen,
    order_id: str,
) -> None:
    taps = pen.steps_to_work(order_id)
    send(service, utility, *sealed_to_two_keys(keys, away, taps, 1))
    with utility.engine.begin() as connection:
        (item,) = [
            each for each in list_reviews(connection) if each.kind is ReviewKind.SEALED_UNREAD
        ]
        decision = Decision(choice=Choice.NOTED, reason="the key is lost")
        settle(connection, item.review_id, decision, utility.dispatcher.account_id, NOON)

    SealedRoom(utility.engine, keys, None).open_waiting(NOON)

    assert len(reviewed(utility, ReviewKind.REFUSED)) == len(taps) - 1


def test_what_was_pushed_before_it_came_sealed_has_one_effect(
    service: SyncService, utility: Utility, keys: SealingKeys, pen: Pen, order_id: str
) -> None:
    tap = pen.set(order_id, "note", "", "dog")
    pen.push(utility.sync(), tap)

    send(service, utility, sealed_operation(keys, tap))

    with utility.engine.connect() as connection:
        assert get_order(connection, order_id).document.note == "dog"
        assert len(read_ledger(connection)) == 1


def test_a_draft_is_kept_and_a_person_hears_of_it(
    service: SyncService, utility: Utility, keys: SealingKeys, order_id: str
) -> None:
    draft = seal(public(keys), SealedKind.DRAFT, order_id, '{"cause":"漏"}'.encode())

    answer = send(service, utility, draft)

    assert answer.results == [SealedResult(kind=SealedKind.DRAFT, about=order_id, is_opened=True)]
    with utility.engine.connect() as connection:
        bodies = connection.execute(select(SEALED_ITEM.c.body)).scalars().all()
        items = list_reviews(connection)
    assert bodies == ['{"cause":"漏"}']
    assert [(each.kind, each.entity, each.entity_id) for each in items] == [
        (ReviewKind.REVOKED_TABLET, "draft", order_id)
    ]


@pytest.fixture
def address(utility: Utility, keys: SealingKeys) -> Iterator[str]:
    app = FastAPI()
    app.state.access = AccessDesk(utility.engine, utility.clock, QUICK_HASHER)
    install_error_answers(app)
    app.include_router(enrolment_router())
    app.include_router(sync_router(utility.engine, utility.clock, SyncTerms(keys=keys)))
    with served(app) as base_url:
        yield base_url


def test_a_revoked_tablet_is_told_to_wipe_and_may_still_send_what_it_sealed(
    utility: Utility, address: str, pen: Pen, order_id: str
) -> None:
    with utility.engine.begin() as connection:
        code = issue_enrolment_code(connection, "crew-1", "test", NOON).code
        enrolled = enrol_tablet(connection, EnrolRequest(code=code, name="lost"), NOON)
    headers = {
        "Authorization": f"Bearer {enrolled.token}",
        PROTOCOL_HEADER: str(PROTOCOL),
    }
    with Session() as session:
        session.headers.update(headers)
        pulled = session.get(address + PULL_PATH, timeout=20)
        answer = parse_pull(read_json("pull", pulled.content))
        assert answer.sealing_key is not None
        with utility.engine.begin() as connection:
            revoke_tablet(connection, enrolled.tablet_id, "test", NOON)
        refused = session.get(address + PULL_PATH, timeout=20)
        tap = pen.set(order_id, "note", "", "sealed")
        envelope = seal(answer.sealing_key, SealedKind.OPERATION, tap.op_id, dump_operation(tap))
        request = SealedRequest(replica_id="r", envelopes=(envelope,), protocol=PROTOCOL)
        sent = session.post(address + SEALED_PATH, data=dump_sealed(request), timeout=20)
        stranger = {"Authorization": "Bearer " + base64.b64encode(bytes(32)).decode()}
        unknown = session.post(address + SEALED_PATH, data=b"{}", headers=stranger, timeout=20)

    refusal = parse_refusal(read_json("refusal", refused.content))
    assert (refused.status_code, refusal.code, refusal.must_wipe) == (401, Code.TOKEN_REVOKED, True)
    assert sent.status_code == 200
    assert parse_sealed_answer(read_json("sealed", sent.content)).results[0].is_opened
    assert unknown.status_code == 401
    with utility.engine.connect() as connection:
        assert get_order(connection, order_id).document.note == "sealed"

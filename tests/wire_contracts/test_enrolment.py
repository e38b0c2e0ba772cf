"""The enrolment of a tablet on the wire."""

from datetime import UTC, datetime

import pytest

from wire_contracts.enrolment import (
    EnrolAnswer,
    EnrolRequest,
    TabletPerson,
    dump_enrol,
    dump_enrol_answer,
    parse_enrol,
    parse_enrol_answer,
    token_mark,
)
from wire_contracts.errors import ContractError
from wire_contracts.payloads import read_json


def test_an_enrolment_request_survives_the_wire() -> None:
    request = EnrolRequest(code="ABCD-EFGH", name="平板 3")

    assert parse_enrol(read_json("enrol", dump_enrol(request))) == request


def test_a_tablet_enrolled_anew_says_which_token_it_had_without_giving_it_away() -> None:
    token = "a-secret"  # noqa: S105  # of nobody
    request = EnrolRequest(code="ABCD-EFGH", name="平板 3", former=token_mark(token))
    body = dump_enrol(request)

    assert parse_enrol(read_json("enrol", body)) == request
    assert token.encode() not in body


def test_an_enrolment_answer_survives_the_wire() -> None:
    answer = EnrolAnswer(
        tablet_id="tablet-1",
        token="secret",  # noqa: S106  # a token made up for the test
        expires_at_utc=datetime(2027, 1, 1, tzinfo=UTC),
        crew_id="crew-1",
        people=(TabletPerson(account_id="a", name="王强", role="crew_member", language="zh"),),
        crew_name="抢修一班",
    )

    assert parse_enrol_answer(read_json("enrol", dump_enrol_answer(answer))) == answer


def test_a_missing_code_is_named() -> None:
    with pytest.raises(ContractError, match=r"enrol: code: is missing; send a text"):
        parse_enrol(read_json("enrol", b'{"v":1,"name":"x"}'))

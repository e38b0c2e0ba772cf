"""The person of an order travels whole; what is not known stays empty."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire_contracts.errors import ContractError
from wire_contracts.fields import FieldReader
from wire_contracts.order_person import OrderPerson, order_person_json, parse_order_person

MOMENTS = st.datetimes(datetime(2001, 1, 1), datetime(2099, 1, 1)).map(  # noqa: DTZ001  # next
    lambda at: at.replace(microsecond=0, tzinfo=UTC)
)
PEOPLE = st.builds(
    OrderPerson,
    name=st.text(max_size=40),
    phone=st.text(max_size=40),
    note=st.text(max_size=400),
    appointment_at_utc=st.none() | MOMENTS,
)


@given(person=PEOPLE)
def test_a_person_comes_back_as_sent(person: OrderPerson) -> None:
    reader = FieldReader(place="row", values=order_person_json(person))

    assert parse_order_person(reader) == person


def test_a_phone_that_is_no_text_is_refused_by_name() -> None:
    with pytest.raises(ContractError, match="phone"):
        parse_order_person(FieldReader(place="row", values={"name": "Li", "phone": 7}))

"""Pokes arrive whole, however a network cuts the stream; what is no poke is refused or passed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire_contracts.errors import ContractError
from wire_contracts.pokes import BEAT, LONGEST_EVENT, Poke, PokeReader, dump_poke

pokes = st.builds(
    Poke, seq=st.integers(min_value=0, max_value=2**53), protocol=st.integers(1, 1000)
)


@given(st.lists(pokes, max_size=5), st.lists(st.integers(1, 30), max_size=40))
def test_pokes_arrive_in_order_however_the_stream_is_cut(sent: list[Poke], cuts: list[int]) -> None:
    text = BEAT + BEAT.join(map(dump_poke, sent)) + BEAT
    reader = PokeReader()
    received: list[Poke] = []
    for cut in cuts:
        received += reader.feed(text[:cut])
        text = text[cut:]
    received += reader.feed(text)

    assert received == sent


@given(st.text(max_size=300))
def test_any_text_is_passed_over_or_refused(text: str) -> None:
    refusals: list[ContractError] = []
    try:
        assert all(isinstance(each, Poke) for each in PokeReader().feed(text))
    except ContractError as error:
        refusals.append(error)

    assert all(error.field for error in refusals)


@pytest.mark.parametrize(
    "text",
    [
        "event: poke\ndata: {}\n\n",
        'event: poke\ndata: {"v":2,"seq":-1}\n\n',
        "event: poke\n\n",
        "<html>" + "x" * LONGEST_EVENT,
    ],
)
def test_what_looks_like_a_poke_and_is_none_is_refused(text: str) -> None:
    with pytest.raises(ContractError):
        list(PokeReader().feed(text))


def test_an_event_of_tomorrow_and_windows_lines_are_passed_over() -> None:
    poke = Poke(seq=7, protocol=2)
    text = "event: weather\ndata: rain\n\n" + dump_poke(poke).replace("\n", "\r\n")

    assert list(PokeReader().feed(text)) == [poke]

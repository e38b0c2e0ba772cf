"""A pulled row is kept as the server hashed it, whichever JSON writer this machine has."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from field_app.store.row_text import checked_texts
from wire_contracts.errors import ContractError
from wire_contracts.payloads import dump_json
from wire_contracts.pulls import EntityRow, hash_row

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)  # fmt: skip
documents = st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=9), values)


def row(document: dict[str, object]) -> EntityRow:
    content: dict[str, None] = document  # type: ignore[assignment]  # any JSON will do
    return EntityRow(
        entity="work_order",
        entity_id="o-1",
        seq=1,
        row_hash=hash_row("work_order", "o-1", content),
        document=content,
    )


@given(documents)
def test_any_row_is_kept_in_the_text_that_the_server_hashed(document: dict[str, object]) -> None:
    one = row(document)

    assert checked_texts("org", [one]) == [dump_json(one.document)]


@pytest.mark.parametrize("number", [1e16, 1e-05, 1.5e300, -0.0, 123456789012345680.0, 2**70])
def test_numbers_that_json_writers_spell_differently_are_kept_as_hashed(number: float) -> None:
    one = row({"a": number})

    assert checked_texts("org", [one]) == [dump_json(one.document)]


def test_a_row_that_is_not_what_was_hashed_is_refused() -> None:
    one = EntityRow(entity="work_order", entity_id="o-1", seq=1, row_hash=1, document={"note": "x"})

    with pytest.raises(ContractError, match=r"work_order o-1: the content does not match its hash"):
        checked_texts("org", [one])


def test_a_machine_without_the_faster_json_reads_the_same() -> None:
    program = (
        "import sys; sys.modules['orjson'] = None\n"
        "from field_app.store.quick_json import quick_dumps, quick_loads\n"
        "from field_app.store.row_text import checked_texts\n"
        "from wire_contracts.pulls import EntityRow, hash_row\n"
        "text = {'note': 'wet', 'a': 1.5}\n"
        "row = EntityRow(entity='e', entity_id='i', seq=1, row_hash=hash_row('e', 'i', text),"
        " document=text)\n"
        "print(quick_dumps(), quick_loads(), checked_texts('org', [row]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout == 'None None [b\'{"a":1.5,"note":"wet"}\']\n'

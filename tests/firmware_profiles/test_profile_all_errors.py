"""Everything that is wrong with a file is said at once, and no file breaks the loader."""

import copy
import random
import tomllib
from decimal import Decimal
from importlib import resources

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_profiles.completeness import open_points
from firmware_profiles.errors import ProfileError
from firmware_profiles.library_io import available_drafts, read_document
from firmware_profiles.parse_profile import parse_profile
from tests.firmware_profiles.profile_text import TEXT, register

DRAFTS = resources.files("firmware_profiles").joinpath("profiles", "drafts")
DOCUMENTS = {
    name: read_document(DRAFTS.joinpath(f"{name}.toml"), name) for name in available_drafts()
}
EXAMPLE: dict[str, object] = tomllib.loads(TEXT, parse_float=Decimal)
STRANGE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(0, 2**80),
    st.decimals(),
    st.text(max_size=8),
    st.lists(st.integers() | st.text(max_size=3), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers() | st.text(max_size=3), max_size=3),
)


def refused(text: str) -> list[str]:
    """Return the text of every error of a file."""
    with pytest.raises(ProfileError) as caught:
        parse_profile("x.toml", tomllib.loads(text, parse_float=Decimal))
    return [str(error) for error in (caught.value, *caught.value.others)]


def test_every_mistake_of_a_file_is_said() -> None:
    text = TEXT.replace("rev = 1", "rev = 0").replace('kind = "heat"', 'kind = "tea"')
    text = text.replace("address = 10\n", "address = 70001\n").replace('"f32"', '"float"')
    text = text.replace("[3, 6]\n", "[3, 6]\nspeed = 9600\nmax_registers = 0\n")
    text = text.replace('fast = "15m"', 'fast = "often"').replace("4120 0000", "41")
    text += register("two", 20, 'type = "u16"\ncount = 2.5\nscale = "x"\nsentinel = [true]')

    assert refused(text) == [
        "x.toml: profile.kind: 'tea' is unknown; use one of heat, steam, gas, water, controller",
        (
            "x.toml: register.flow.type: 'float' is unknown; use one of bit, u8, i8, u16, i16, "
            "u32, i32, u48, u64, i64, f32, f64, bitfield16, bitfield32, bcd16, bcd32, bcd48, "
            "bcd64, string, string_le, time6, intreal"
        ),
        (
            "x.toml: register.flow.address: 70001 is outside 0..65535; "
            "give the zero-based wire address: manual 40001 is 0, manual 30001 is 0"
        ),
        "x.toml: register.two.count: is 2.5, not a whole number; write a whole number",
        (
            "x.toml: register.two.scale: is 'x', not a number, or a decimal in quotes such as "
            '"0.001"; write a number, or a decimal in quotes such as "0.001"'
        ),
        (
            "x.toml: register.two.sentinel: True is no raw value; "
            'write 0x7FFF, ">=18000", or a list of such'
        ),
        "x.toml: profile.rev: 0 is outside 1..9999; correct the number",
        (
            "x.toml: link.speed: is an unknown key; use one of after_connect_ms, baud, "
            "baud_default, baud_max, echo, forbidden, function_codes, gap_ms, login, "
            "max_registers, min_poll_ms, min_refresh_s, parity, port, stopbits, timeout_ms, "
            "transport, turnaround_ms, "
            "unit_default, unit_rule"
        ),
        "x.toml: link.max_registers: 0 is outside 1..125; correct the number",
        (
            "x.toml: group.fast: 'often' is no interval; write it like "
            '"60s", "15m", "1h", "1d" or "daily 00:05"'
        ),
        "x.toml: test.ten.regs.10: '41' is no word; write four hexadecimal digits per word",
    ]


@pytest.mark.parametrize("keys", ["bad = [[1]]\nbit = 1", "suspect = [{}]\nbit = 1", "mask = 0"])
def test_a_status_of_a_long_text_is_refused_in_words(keys: str) -> None:
    row = '\n[[status]]\nregister = "text"\nname = "a"\nevent = "tamper"\nseverity = "fault"\n'
    text = TEXT + register("text", 0, 'type = "string"\ncount = 65535') + row + keys

    assert len(refused(text)) == 1


def test_one_mistake_is_said_once() -> None:
    assert len(refused(TEXT.replace('"f32"', '"float"'))) == 1
    assert len(refused(TEXT.replace("count = 2", "count = 70000"))) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = 0x" + "F" * 20_000, "a: is a number of 80000 bits; correct the file"),
        ("a = " + "[" * 50 + "]" * 50, "a: is nested 13 deep; correct the file"),
    ],
)
def test_what_is_absurd_is_refused_before_it_is_shown(text: str, message: str) -> None:
    assert refused(text) == [f"x.toml: {message}"]


Box = dict[str, object] | list[object]


def boxes(value: object) -> list[Box]:
    """Return every table and list of a document that holds something."""
    inner: list[object] = []
    if isinstance(value, dict):
        inner = list(value.values())
    elif isinstance(value, list):
        inner = value
    found = [box for item in inner for box in boxes(item)]
    return [*found, value] if inner and isinstance(value, dict | list) else found


def mutated(
    document: dict[str, object], chance: random.Random, strange: object
) -> dict[str, object]:
    """Return a copy with one thing deleted, replaced, doubled or nested."""
    broken = copy.deepcopy(document)
    box = chance.choice(boxes(broken) or [broken])
    action = chance.choice(["delete", "replace", "nest", "double"])
    if isinstance(box, list):
        index = chance.randrange(len(box))
        old = box.pop(index)
        new: dict[str, list[object]] = {
            "delete": [],
            "replace": [strange],
            "nest": [[old]],
            "double": [old, old],
        }
        box.extend(new[action])
    elif box:
        key = chance.choice(list(box))
        old = box.pop(key)
        swapped = {"replace": strange, "nest": {"a": {"b": [old]}}, "double": old}
        if action in swapped:
            box[key] = swapped[action]
            box["x_from"] = old
    return broken


@settings(max_examples=150)
@given(
    st.sampled_from([EXAMPLE, *DOCUMENTS.values()]),
    st.randoms(use_true_random=False),
    st.lists(STRANGE, min_size=1, max_size=4),
)
def test_a_mutated_file_is_read_or_refused_with_a_place(
    document: dict[str, object], chance: random.Random, strange: list[object]
) -> None:
    for item in strange:
        document = mutated(document, chance, item)
    try:
        points = open_points(parse_profile("x.toml", document))
    except ProfileError as error:
        for each in (error, *error.others):
            assert str(each).startswith("x.toml: ")
            assert each.field
            assert each.problem
            assert each.remedy
    else:
        assert all(point.remedy for point in points)


@settings(max_examples=50)
@given(
    st.dictionaries(
        st.text(max_size=6),
        st.recursive(STRANGE, lambda inner: st.dictionaries(st.text(max_size=6), inner)),
    )
)
def test_any_document_is_refused_with_its_place(document: dict[str, object]) -> None:
    with pytest.raises(ProfileError, match=r"^x.toml: "):
        parse_profile("x.toml", document)

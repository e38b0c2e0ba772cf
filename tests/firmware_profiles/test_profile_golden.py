"""A golden vector that does not hold says which value, what it is, and what it should be."""

import pytest

from firmware_profiles.golden import golden_failures
from tests.firmware_profiles.profile_text import FLOW, HEAD, parsed, register

STATUS = (
    register("errors", 20, 'count = 1\ntype = "bitfield16"')
    + '\n[[status]]\nregister = "errors"\nname = "n"\nevent = "tamper"\nbit = 0\n'
    'severity = "alarm"\nbad = ["flow_m3h"]\n'
)
OTHERS = (
    register("step", 30, 'count = 1\ntype = "u16"\nsplit = "hi:a,lo:b"')
    + register("clock", 31, 'count = 3\ntype = "time6"')
    + register("serial", 34, 'count = 2\ntype = "string"')
    + register("hours", 36, 'count = 1\ntype = "u16"')
)
REGS = 'regs = { "10" = "4123 3333", "20" = "0000", "30" = "0326 1A0B 0516 0000 5355 4E00 0009" }\n'


def failures(expectation: str, regs: str = REGS) -> tuple[str, ...]:
    vector = f'\n[[test]]\nname = "n"\norigin = "dump"\nfc = 3\n{regs}{expectation}\n'
    profile = parsed(HEAD + FLOW + STATUS + OTHERS + vector)
    return golden_failures(profile, profile.golden[0])


@pytest.mark.parametrize(
    "expectation",
    [
        'expect = { flow_m3h = "10.2", flow = "10.20" }\nevents = []',
        "expect = { step = { a = 3 } }",
        "expect = { step = { a = 3, b = 38 }, hours = 9 }",
        "expect = { clock = [26, 11, 5, 22, 0, 0] }",
        'expect = { serial = "SUN" }',
        "expect = { flow_m3h = 10.199999809265137 }",
    ],
)
def test_what_is_demanded_is_found(expectation: str) -> None:
    assert failures(expectation) == ()


@pytest.mark.parametrize(
    ("expectation", "failure"),
    [
        ('expect = { flow_m3h = "10.3" }', "flow_m3h: 10.199999809265137, expected 10.3"),
        ("expect = { flow_m3h = 10 }", "flow_m3h: 10.199999809265137, expected 10"),
        ("expect = { hours = 8 }", "hours: 9, expected 8"),
        ("expect = { step = { a = 4 } }", "step: {'a': 3, 'b': 38}, expected {'a': 4}"),
        ("expect = { hours = { a = 4 } }", "hours: 9, expected {'a': 4}"),
        ('expect = { serial = "MOON" }', "serial: 'SUN', expected 'MOON'"),
        (
            "expect = { clock = [1] }",
            "clock: (26, 11, 5, 22, 0, 0), expected (1,)",
        ),
        (
            'quality = { flow_m3h = "bad_sentinel" }',
            "flow_m3h: quality None, expected bad_sentinel",
        ),
        ('events = ["tamper"]', "events: [], expected ['tamper']"),
    ],
)
def test_what_differs_is_named(expectation: str, failure: str) -> None:
    assert failures(expectation) == (failure,)


def test_an_expected_value_must_be_good() -> None:
    regs = 'regs = { "10" = "4120 0000", "20" = "0001" }\n'

    assert failures("expect = { flow_m3h = 10 }", regs) == (
        "flow_m3h: None, expected 10",
        "flow_m3h: quality bad_sentinel, expected good",
    )

"""A meter is what its own answers prove; what they only allow, or contradict, is never guessed."""

from collections.abc import Mapping

import pytest

from firmware_profiles.errors import ProfileError
from firmware_profiles.identify import (
    Answers,
    Standing,
    Telegram,
    contradicts,
    identified,
    judge,
    matching,
    questions,
)
from firmware_profiles.profile import Profile
from firmware_profiles.words import Span
from tests.firmware_profiles.profile_text import FLOW, HEAD, TEXT, VECTOR, parsed, register
from wire_contracts.quality import BAD_TIMEOUT, bad_exception

MODEL = """
[[identify]]
method = "registers"
fc = 3
address = 500
count = 2
type = "string"
starts = "UH"
as = "model"
"""
FIRMWARE = """
[[identify]]
method = "registers"
fc = 3
address = 502
count = 1
type = "u16"
as = "firmware"
"""
UNIT_ID = """
[[identify]]
method = "registers"
fc = 3
address = 510
count = 1
type = "u16"
equals = "unit_id"
"""
WARM = """
[[identify]]
method = "plausibility"
register = "flow"
min = 0
max = 100
"""


def profile(rows: str, *, name: str = "example_heat", head: str = "") -> Profile:
    """Return the example profile with these identify rows and more keys of [profile]."""
    text = TEXT.replace('id = "example_heat"\n', f'id = "{name}"\n{head}')
    return parsed(text + rows)


def answers(words: Mapping[int, int], **keys: object) -> Answers:
    """Return what a meter at address 7 answered by function code 3."""
    values = {"device_address": "7", "words": {(3, at): word for at, word in words.items()}}
    return Answers(**(values | keys))  # type: ignore[arg-type]  # keywords of the test


UH50 = {500: 0x5548, 501: 0x3530, 502: 510, 510: 7, 10: 0x4120, 11: 0}


def test_a_text_that_only_this_model_has_proves_it() -> None:
    found = judge(profile(MODEL), answers(UH50))

    assert found.standing is Standing.MATCHES
    assert found.facts == {"model": "UH50"}
    assert found.reasons == (
        "as it must be: function 3 address 500 is UH50, expected beginning with 'UH'",
    )


def test_another_text_contradicts() -> None:
    other = answers({500: 0x5446, 501: 0x3530})

    assert judge(profile(MODEL), other).standing is Standing.CONTRADICTED
    assert contradicts(profile(MODEL), other) == (
        "function 3 address 500 is TF50, expected beginning with 'UH'",
    )


def test_silence_neither_proves_nor_contradicts() -> None:
    silent = answers({}, faults={(3, 500): BAD_TIMEOUT})

    assert judge(profile(MODEL), silent).standing is Standing.UNPROVEN
    assert contradicts(profile(MODEL), silent) == ()


def test_a_meter_without_the_address_is_another_meter() -> None:
    refused = answers({}, faults={(3, 500): bad_exception(2), (3, 501): bad_exception(2)})

    assert contradicts(profile(MODEL), refused) == (
        "function 3 address 500 is refused by the meter (bad_exception_2)",
    )


@pytest.mark.parametrize("rows", ["", '\n[[identify]]\nmethod = "note"\nnote = "ask"\n', FIRMWARE])
def test_a_profile_of_notes_alone_is_never_chosen(rows: str) -> None:
    found = judge(profile(rows), answers(UH50))

    assert found.standing is Standing.UNPROVEN
    assert matching([profile(rows)], answers(UH50)) == ()


@pytest.mark.parametrize("rows", [UNIT_ID, UNIT_ID + WARM, UNIT_ID + 8 * WARM])
def test_hints_alone_never_prove_however_many(rows: str) -> None:
    alone = profile(rows)
    found = judge(alone, answers(UH50))

    assert (found.standing, found.weight) == (Standing.UNPROVEN, rows.count("[[identify]]"))
    assert matching([alone], answers(UH50)) == ()
    assert contradicts(alone, answers(UH50)) == ()
    assert len(matching([profile(rows + MODEL)], answers(UH50))) == 1


def test_a_fact_beside_a_hint_that_fails_or_is_silent_proves_nothing() -> None:
    silent = answers({at: word for at, word in UH50.items() if at != 510})

    assert judge(profile(MODEL + UNIT_ID), answers(UH50 | {510: 8})).standing is (
        Standing.CONTRADICTED
    )
    assert judge(profile(MODEL + UNIT_ID), silent).standing is Standing.UNPROVEN


def test_a_meter_that_answers_zero_to_everything_is_nobody() -> None:
    kind = profile(FIRMWARE + WARM, head='firmware_min = "0"\nfirmware_max = "599"\n')
    zeros = answers(dict.fromkeys(UH50, 0))
    almost = answers(dict.fromkeys(UH50, 0) | {502: 510})

    assert judge(kind, zeros).standing is Standing.MATCHES
    assert matching([kind], zeros) == ()
    assert len(matching([kind], almost)) == 1


def test_an_implausible_value_contradicts() -> None:
    hot = answers(UH50 | {10: 0x4520})

    assert contradicts(profile(WARM), hot) == ("flow is 2560, expected 0 or more, 100 or less",)


def test_the_firmware_is_held_against_both_bounds() -> None:
    new = profile(FIRMWARE, head='firmware_min = "500"\nfirmware_max = "599"\n')
    old = profile(FIRMWARE, head='firmware_max = "499"\n')

    assert judge(new, answers(UH50)).standing is Standing.MATCHES
    assert contradicts(old, answers(UH50)) == ("the firmware is 510, expected any to 499",)


def test_a_firmware_text_is_compared_number_by_number() -> None:
    row = FIRMWARE.replace("count = 1", "count = 3").replace('"u16"', '"string"')
    kind = profile(row, head='firmware_min = "28"\nfirmware_max = "28"\n')
    text = {502: 0x5632, 503: 0x382E, 504: 0x3033}

    assert judge(kind, answers(text)).standing is Standing.MATCHES
    assert contradicts(kind, answers(text | {503: 0x392E})) != ()


def test_the_most_specific_profile_comes_first() -> None:
    coarse = profile(MODEL, name="any_uh")
    fine = profile(MODEL + UNIT_ID, name="uh_with_address")
    found = matching([coarse, fine], answers(UH50))

    assert [verdict.profile.profile_id for verdict in found] == ["uh_with_address", "any_uh"]
    assert identified(found) is found[0]


def test_two_profiles_that_fit_alike_mean_unknown() -> None:
    found = matching([profile(MODEL, name="one"), profile(MODEL, name="two")], answers(UH50))

    assert [verdict.weight for verdict in found] == [2, 2]
    assert identified(found) is None
    assert identified([]) is None


def test_of_two_revisions_the_newer_is_taken() -> None:
    new = parsed(TEXT.replace("rev = 1", "rev = 12") + MODEL)
    for order in ([profile(MODEL), new], [new, profile(MODEL)]):
        assert [each.profile.reference for each in matching(order, answers(UH50))] == [
            "example_heat@12"
        ]


def test_a_sum_must_agree_within_its_tolerance() -> None:
    rows = register("net", 20, 'count = 2\ntype = "u32"') + register(
        "plus", 22, 'count = 2\ntype = "u32"'
    )
    rows += register("minus", 24, 'count = 2\ntype = "u32"')
    rows += '\n[[identify]]\nmethod = "plausibility"\nregister = "net"\n'
    rows += 'sum = ["plus", "-minus"]\ntolerance = "0.01"\n'
    good = {20: 0, 21: 990, 22: 0, 23: 1000, 24: 0, 25: 1}

    assert contradicts(profile(rows), answers(good)) == ()
    assert contradicts(profile(rows), answers(good | {21: 980})) == (
        "net is 980, expected anything and the sum 999",
    )
    assert questions([profile(rows)]).spans == tuple(
        Span(function_code=3, address=at, word_count=2) for at in (20, 22, 24)
    )


DEVICE_ID = """
[[identify]]
method = "fc2b_0e"
object = "vendor"
equals = "ACME"
"""


def test_read_device_identification_is_asked_and_judged() -> None:
    kind = profile(DEVICE_ID)

    assert questions([kind, profile(MODEL)]).objects == (0,)
    assert judge(kind, answers({}, objects={0: "ACME"})).standing is Standing.MATCHES
    assert judge(kind, answers({})).standing is Standing.UNPROVEN
    assert contradicts(kind, answers({}, objects={0: "Other"})) != ()
    assert contradicts(kind, answers({}, is_identification_denied=True)) == (
        "device identification object 0 is refused by the meter",
    )


def test_an_mbus_head_is_judged_by_maker_and_version() -> None:
    kind = profile(
        '\n[[identify]]\nmethod = "mbus"\nmanufacturer = "KAM"\nversion = [0x34, 0x35]\n'
    )
    known = Telegram(manufacturer="KAM", version=0x34)

    assert judge(kind, answers({}, telegram=known)).standing is Standing.MATCHES
    assert contradicts(kind, answers({}, telegram=Telegram(manufacturer="KAM", version=1))) == (
        "the telegram is of KAM version 0x01, expected KAM version 0x34 or 0x35",
    )


def test_a_row_that_only_tells_proves_nothing() -> None:
    rows = DEVICE_ID.replace('equals = "ACME"', 'as = "vendor"')
    rows += '\n[[identify]]\nmethod = "plausibility"\nregister = "flow"\nas = "flow"\n'
    rows += '\n[[identify]]\nmethod = "mbus"\nnote = "see the telegram"\n'
    found = judge(profile(rows), answers(UH50, objects={0: "ACME"}))

    assert (found.standing, found.weight) == (Standing.UNPROVEN, 0)
    assert found.facts == {"vendor": "ACME", "flow": "10"}


def test_an_object_may_be_a_number_and_a_telegram_may_be_missing() -> None:
    rows = DEVICE_ID.replace('"vendor"', "128")
    mbus = profile('\n[[identify]]\nmethod = "mbus"\nmanufacturer = "KAM"\n')

    assert questions([profile(rows)]).objects == (128,)
    assert judge(mbus, answers({})).standing is Standing.UNPROVEN


def test_the_serial_number_of_the_settings_is_compared_where_it_is_known() -> None:
    rows = UNIT_ID.replace("unit_id", "serial")

    assert judge(profile(rows), answers({510: 77}, serial="0077")).standing is Standing.MATCHES
    assert contradicts(profile(rows), answers({510: 77}, serial="78")) != ()
    assert judge(profile(rows), answers({510: 77})).standing is Standing.UNPROVEN


PROBED = HEAD.replace('word_order = "big"', 'word_order = "probe"') + FLOW + VECTOR
ORDER = """
[[identify]]
method = "word_order_probe"
fc = 3
address = 10
count = 2
type = "f32"
min = -40
max = 200
"""


def test_the_byte_order_found_belongs_to_the_verdict() -> None:
    kind = parsed(PROBED + ORDER + MODEL)
    swapped = answers(UH50 | {10: 0x0000, 11: 0x4120})
    found = judge(kind, swapped)

    assert found.standing is Standing.MATCHES
    assert found.profile.reference == "example_heat@1+CDAB"
    assert identified(matching([kind], swapped)) is not None


def test_an_order_that_is_still_open_is_not_identified() -> None:
    kind = parsed(PROBED + ORDER + MODEL)
    idle = answers(UH50 | {10: 0, 11: 0})

    assert matching([kind], idle) != ()
    assert identified(matching([kind], idle)) is None


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            'method = "guess"',
            (
                "identify.guess.method: 'guess' is unknown; use one of registers, fc2b_0e, mbus, "
                "plausibility, word_order_probe, note"
            ),
        ),
        (
            'method = "fc2b_0e"\nobject = "colour"',
            (
                "identify.fc2b_0e.object: 'colour' is unknown; use a number or one of vendor, "
                "product, revision, url, product_name, model, application"
            ),
        ),
        (
            'method = "plausibility"\nregister = "nix"',
            "identify.plausibility.register: 'nix' is no numeric register of this file; name one",
        ),
        (
            'method = "plausibility"\nsum = ["flow"]',
            "identify.plausibility.register: is missing beside sum; say which register is the sum",
        ),
        (
            'method = "mbus"\nmanufacturer = "KAM"\nversion = ["x"]',
            "identify.mbus.version: holds what is no number; write version = [0x34, 0x35]",
        ),
        (
            'method = "plausibility"\nregister = "flow"\nsum = [1]',
            'identify.plausibility.sum: 1 is no name; write sum = ["plus", "-minus"]',
        ),
        (
            'method = "registers"\nmask = 3',
            "identify.registers.equals: is missing beside mask or bit; say what the bits must be",
        ),
    ],
)
def test_a_row_that_says_nonsense_is_refused(row: str, message: str) -> None:
    with pytest.raises(ProfileError) as caught:
        parsed(TEXT + f"\n[[identify]]\n{row}\n")

    assert str(caught.value) == f"meters/x.toml: {message}"

"""What ships recognises its own meters and no others: unknown is better than a guess."""

from collections.abc import Mapping, Sequence

import pytest

from firmware_profiles.encode import encode_values
from firmware_profiles.identify import (
    Answers,
    Standing,
    Verdict,
    contradicts,
    identified,
    judge,
    matching,
    questions,
)
from firmware_profiles.profile import Profile
from firmware_profiles.words import WordAddress
from tests.firmware_profiles.test_profile_facts import draft_of
from tests.firmware_profiles.test_profile_served import PROFILES, SERIAL, UNIT, words_of_meter
from wire_contracts.quality import bad_exception
from wire_contracts.quantities import Quantity

ALL: Sequence[Profile] = tuple(PROFILES.values())
ASKED = questions(ALL)
NEWEST = {
    reference: profile
    for reference, profile in PROFILES.items()
    if profile.revision
    == max(each.revision or 0 for each in ALL if each.profile_id == profile.profile_id)
}
KNOWN_WITHOUT_A_WORD = {
    "flonidan_uniflo1200_fw28@2",
    "fuxin_gas_flow@2",
    "sick_flowsic500@2",
    "twoflow_mag11@2",
    "yinuo_smart_gas@2",
}
"""Profiles that a gateway finds by itself; of the others a person must say which it is."""


def answers_of(words: Mapping[WordAddress, int], serial: str | None) -> Answers:
    """Return what a meter with these registers and no others answers."""
    asked = [at for span in ASKED.spans for at in span.addresses()]
    spans = [span for span in ASKED.spans if all(at in words for at in span.addresses())]
    heard = {at: words[at] for span in spans for at in span.addresses()}
    return Answers(
        device_address=str(UNIT),
        words=heard,
        faults={at: bad_exception(2) for at in asked if at not in heard},
        is_identification_denied=True,
        serial=serial,
    )


def found(profile: Profile, serial: str | None) -> Verdict | None:
    return identified(matching(ALL, answers_of(words_of_meter(profile), serial)))


@pytest.mark.parametrize("serial", [SERIAL, None])
@pytest.mark.parametrize("reference", PROFILES)
def test_no_meter_is_taken_for_one_of_another_map(reference: str, serial: str | None) -> None:
    profile = PROFILES[reference]
    verdict = found(profile, serial)

    if verdict is not None:
        assert draft_of(verdict.profile) is draft_of(profile)
    answers = answers_of(words_of_meter(profile), serial)
    assert contradicts(NEWEST.get(reference, profile), answers) == ()


def test_which_meters_a_gateway_finds_by_itself() -> None:
    verdicts = {reference: found(profile, SERIAL) for reference, profile in NEWEST.items()}
    proven = {reference for reference, verdict in verdicts.items() if verdict is not None}

    assert proven - {"itron_cf_echo_2_u32@1"} == KNOWN_WITHOUT_A_WORD
    assert "itron_cf_echo_2_u32@1" in proven, "by its serial number"


@pytest.mark.parametrize("total", [0.0, 1.0, 99.0])
def test_small_totals_that_agree_prove_nothing(total: float) -> None:
    """A new meter, and whatever else holds small numbers: a person names the profile."""
    profile = PROFILES["fuxin_gas_flow@2"]
    quantities = {Quantity.VOLUME_ACTUAL_M3: total, Quantity.VOLUME_BASE_M3: total}
    image = encode_values(profile, quantities)

    assert identified(matching(ALL, answers_of(image, None))) is None


@pytest.mark.parametrize("reference", sorted(NEWEST.keys() - KNOWN_WITHOUT_A_WORD))
def test_a_profile_that_no_gateway_finds_by_itself_says_why(reference: str) -> None:
    assert any(probe.note for probe in NEWEST[reference].probes)


@pytest.mark.parametrize("holding", [None, 0, 1, 500])
@pytest.mark.parametrize("word", [0, 1, 2, 500, 2026, 0xFFFF])
def test_a_device_that_answers_the_same_everywhere_is_unknown(
    word: int, holding: int | None
) -> None:
    """Also where its input registers hold one number and its holding registers another or none."""
    asked = [at for span in ASKED.spans for at in span.addresses()]
    held = {4: word, 3: holding}
    everywhere = {at: said for at in asked if (said := held[at[0]]) is not None}

    assert identified(matching(ALL, answers_of(everywhere, None))) is None


def test_one_number_everywhere_proves_no_profile() -> None:
    """Whatever one number a device holds everywhere: no profile that ships is proven by it."""
    asked = [at for span in ASKED.spans for at in span.addresses()]
    for word in (*range(300), 500, 2026, 0x7FFF, 0x8000, 0xFFFF):
        answers = answers_of(dict.fromkeys(asked, word), None)
        proven = [each for each in ALL if judge(each, answers).standing is Standing.MATCHES]

        assert proven == [], word


def test_a_silent_device_is_unknown() -> None:
    nothing = Answers(device_address=str(UNIT))

    assert matching(ALL, nothing) == ()
    assert {judge(profile, nothing).standing for profile in ALL} == {Standing.UNPROVEN}

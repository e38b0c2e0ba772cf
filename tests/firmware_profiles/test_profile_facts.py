"""Released profiles hold the facts of the register maps, and leave none of the maps out."""

import itertools
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from importlib import resources

import pytest

from firmware_profiles.completeness import open_points
from firmware_profiles.decode import decode_registers
from firmware_profiles.golden_vector import Origin
from firmware_profiles.library_io import (
    available_drafts,
    available_profiles,
    load_draft,
    load_profile,
)
from firmware_profiles.profile import Profile, wire_registers
from firmware_profiles.register import Register
from wire_contracts.quantities import Medium, Quantity

FOLDER = resources.files("firmware_profiles").joinpath("profiles")
PROFILES = {reference: load_profile(reference) for reference in available_profiles()}
DRAFTS = {name: load_draft(name) for name in available_drafts()}

BEYOND_THE_MAP = frozenset(
    {
        # page 63 of the maker's manual, which the map's collector had not read
        "accumulated_total_high",
        "accumulated_total_low",
        "total_high",
        "total_low",
        "multiply_factor",
        "error_status",
        "battery_status",
        # the low byte of `step_quality`, which the map splits
        "signal_quality",
    }
)

DECIDED = {
    ("danfoss_ecl310_input", "fc"): "sources disagree on the function code",
    ("itron_cf_echo_2_f32", "type"): "sources leave the type open",
    ("itron_cf_echo_2_u32", "type"): "sources leave the type open",
    ("cn_precession_vortex", "scale"): "`unit` of the map holds the factor: 100 m3",
    ("cn_precession_vortex_abcd", "scale"): "`unit` of the map holds the factor: 100 m3",
    ("cn_precession_vortex_cdab", "scale"): "the same",
    ("cn_precession_vortex_abcd", "order"): "the makers do not state it",
    ("cn_precession_vortex_cdab", "order"): "the makers do not state it",
}
"""(profile, what differs from its map) -> why a profile may say otherwise."""


def draft_of(profile: Profile) -> Profile:
    names = [name for name in DRAFTS if f"{profile.profile_id}_".startswith(f"{name}_")]
    return DRAFTS[max(names, key=len)]


def document_of(reference: str) -> Mapping[str, object]:
    text = FOLDER.joinpath(f"{reference}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text, parse_float=Decimal)


def facts(register: Register) -> Mapping[str, object]:
    return {
        "fc": register.span.function_code,
        "address": register.span.address,
        "count": register.span.word_count,
        "type": register.coding.kind,
        "order": register.coding.order,
        "scale": register.scale,
    }


def test_every_register_map_has_a_released_profile() -> None:
    released = {draft_of(profile).profile_id for profile in PROFILES.values()}

    assert released == set(DRAFTS)


@pytest.mark.parametrize("reference", PROFILES)
def test_every_row_says_what_its_register_map_says(reference: str) -> None:
    profile = PROFILES[reference]
    mapped = draft_of(profile).registers
    own = {name: item for name, item in profile.registers.items() if name not in BEYOND_THE_MAP}

    assert own.keys() <= mapped.keys()
    for name, register in own.items():
        told, known = facts(register), facts(mapped[name])
        different = {key for key in told if told[key] != known[key]}
        assert {key for key in different if (profile.profile_id, key) not in DECIDED} == set()


@pytest.mark.parametrize("reference", PROFILES)
def test_what_a_map_knows_of_a_faulty_meter_no_profile_forgets(reference: str) -> None:
    profile = PROFILES[reference]
    rules = {(rule.register, rule.mask, rule.value, rule.event) for rule in profile.status}

    for rule in draft_of(profile).status:
        assert (rule.register, rule.mask, rule.value, rule.event) in rules


@pytest.mark.parametrize("reference", PROFILES)
def test_a_released_profile_is_whole(reference: str) -> None:
    profile = PROFILES[reference]
    document = document_of(reference)
    rows = document.get("identify", [])

    assert [point for point in open_points(profile) if point.is_blocking] == []
    assert profile.golden
    assert {vector.origin for vector in profile.golden} <= set(Origin)
    assert profile.sources
    assert isinstance(rows, list)
    assert rows, "say how the meter is recognised, or why it cannot be"
    assert all(row.keys() - {"method"} for row in rows)


@pytest.mark.parametrize("reference", PROFILES)
def test_a_vector_with_good_words_yields_every_quantity_of_the_profile(reference: str) -> None:
    profile = PROFILES[reference]
    proved = {
        *itertools.chain.from_iterable(vector.values for vector in profile.golden),
        *itertools.chain.from_iterable(vector.quality for vector in profile.golden),
    }

    assert wire_registers(profile).keys() <= proved


@pytest.mark.parametrize("reference", PROFILES)
def test_totals_of_unknown_conditions_or_units_never_leave_the_gateway(reference: str) -> None:
    profile = PROFILES[reference]
    sources = wire_registers(profile)
    plain = {Quantity.VOLUME_M3, Quantity.FLOW_M3H}

    assert not (profile.medium is Medium.GAS and plain & sources.keys())
    for register in sources.values():
        assert not register.is_doubtful
        assert register.unit or register.companions.unit_from


def test_the_serial_number_guards_every_profile_whose_map_has_one_for_sure() -> None:
    guarded = {p.profile_id for p in PROFILES.values() if p.guard is not None}

    assert guarded == {
        "diehl_sharky_775",
        "diehl_sharky_775_gj",
        "diehl_sharky_775_kwh",
        "diehl_sharky_775_mwh",
        "flonidan_uniflo1200_fw28",
        "fuji_style_ultrasonic_cdab",
        "fuji_style_ultrasonic_cdab_rtd",
        "itron_cf_echo_2_u32",
        "kamstrup_multical_legacy",
        "kamstrup_multical_legacy_gj",
        "kamstrup_multical_legacy_kwh",
        "kamstrup_multical_legacy_mwh",
        "sick_flowsic500",
    }


def test_the_parts_of_a_composite_lie_in_it_and_together_they_are_it() -> None:
    """Twelve agreements inside one table: whole part at +0, fraction at +2 words."""
    rows = document_of("flonidan_uniflo1200_fw28@2")["register"]
    assert isinstance(rows, list)
    whole = {row["name"]: row for row in rows}
    parts = [row for row in rows if "part_of" in row]

    assert len(parts) == 12
    for row in parts:
        parent = whole[row["part_of"]]
        is_fraction = row["type"] == "f32"
        assert (parent["type"], parent["count"], row["count"]) == ("intreal", 4, 2)
        assert row["address"] - parent["address"] == (2 if is_fraction else 0)


def test_a_composite_and_its_parts_say_the_same_number() -> None:
    profile = PROFILES["flonidan_uniflo1200_fw28@2"]
    vector = next(each for each in profile.golden if "counters" in each.name)
    found = decode_registers(profile, vector.words)

    for name in ("volume_measured", "volume_converted"):
        whole, part = found[f"{name}_integer_part"], found[f"{name}_decimal_part"]
        assert isinstance(whole, int)
        assert isinstance(part, float)
        assert found[name] == whole + part

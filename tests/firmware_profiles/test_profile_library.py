"""What ships: every draft loads, every released profile is complete and proves itself."""

import itertools
from pathlib import Path

import pytest

from firmware_profiles.codings import WireType
from firmware_profiles.completeness import open_points
from firmware_profiles.decode import decode_group, decode_registers, spans_of
from firmware_profiles.errors import ProfileError
from firmware_profiles.golden import golden_failures
from firmware_profiles.golden_vector import Origin
from firmware_profiles.library_io import (
    available_drafts,
    available_profiles,
    load_draft,
    load_profile,
)
from firmware_profiles.profile import wire_registers
from tests.firmware_profiles.profile_text import TEXT
from wire_contracts.quantities import Medium, Quantity

DRAFTS = (
    "badger_m2000 cn_ic_card_gas cn_precession_vortex danfoss_ecl310 diehl_sharky_775 emco_fp93b "
    "equysis_ultra_ef flonidan_uniflo1200_fw28 fluidwell_e126 fuji_style_ultrasonic_cdab "
    "fuxin_gas_flow itron_cf_echo_2 kamstrup_multical_legacy microsensor_mfe600h "
    "regin_corrigo_heating sick_flowsic500 sontex_supercal_531 spirax_tva tuf_2000m "
    "twoflow_mag11 yinuo_smart_gas"
)
FLOATS = frozenset({WireType.F32, WireType.F64})


def test_all_known_register_maps_ship_as_drafts() -> None:
    assert " ".join(available_drafts()) == DRAFTS


@pytest.mark.parametrize("draft", DRAFTS.split())
def test_a_draft_loads_and_is_told_what_it_lacks(draft: str) -> None:
    profile = load_draft(draft)
    fields = {point.field for point in open_points(profile) if point.is_blocking}

    assert profile.profile_id == draft
    assert {"profile.rev", "group", "test"} <= fields
    assert profile.registers


def test_the_maps_hold_every_register_that_was_collected() -> None:
    counts = {draft: len(load_draft(draft).registers) for draft in available_drafts()}
    coils = sum(
        register.coding.kind is WireType.BIT
        for register in load_draft("emco_fp93b").registers.values()
    )

    assert sum(counts.values()) - coils == 541


@pytest.mark.parametrize("reference", available_profiles())
def test_a_released_profile_is_complete_and_proves_itself(reference: str) -> None:
    profile = load_profile(reference)

    assert profile.reference == reference
    assert profile.golden
    for vector in profile.golden:
        assert golden_failures(profile, vector) == ()


@pytest.mark.parametrize("reference", available_profiles())
def test_a_released_profile_polls_what_the_meter_allows(reference: str) -> None:
    profile = load_profile(reference)
    spans = [span for group in profile.groups for span in spans_of(profile, group)]

    assert spans
    assert all(span.word_count <= profile.max_registers for span in spans)
    assert all(span.function_code in profile.link.function_codes for span in spans)
    for group in profile.groups:
        ordered = spans_of(profile, group)
        pairs = itertools.pairwise(ordered)
        assert all(
            first.end <= second.address or first.function_code < second.function_code
            for first, second in pairs
        )


def test_the_released_profiles_cover_the_meters_of_a_town() -> None:
    profiles = [load_profile(reference) for reference in available_profiles()]
    media = [profile.medium for profile in profiles]

    assert {Medium.HEAT, Medium.GAS, Medium.WATER} == set(media)
    assert len({p.profile_id.rsplit("_", 1)[0] for p in profiles if p.medium is Medium.GAS}) >= 5
    assert {Origin.DUMP, Origin.MAKER, Origin.COMPUTED} == {
        vector.origin for profile in profiles for vector in profile.golden
    }


@pytest.mark.parametrize(
    "reference", ["fuxin_gas_flow@1", "yinuo_smart_gas@1", "tuf_2000m@1", "twoflow_mag11@1"]
)
def test_totals_come_from_the_exact_registers_not_from_their_float_copies(reference: str) -> None:
    sources = wire_registers(load_profile(reference))
    totals = [
        register
        for quantity, register in sources.items()
        if quantity.startswith(("volume", "energy"))
    ]

    assert totals
    assert not [register.name for register in totals if register.coding.kind in FLOATS]


def test_pressures_of_unknown_reference_stay_in_the_gateway() -> None:
    for reference in ("yinuo_smart_gas@1", "cn_precession_vortex_cdab@1"):
        sources = wire_registers(load_profile(reference))
        assert not {Quantity.PRESSURE_BARA, Quantity.PRESSURE_BARG} & sources.keys()


def test_an_unknown_reference_names_those_that_exist() -> None:
    with pytest.raises(ProfileError) as caught:
        load_profile("tuf_2000m@99")

    assert str(caught.value) == (
        "profile 'tuf_2000m@99': reference: there is no such profile; "
        f"use one of {', '.join(available_profiles())}"
    )


@pytest.mark.parametrize("reference", ["tuf_2000m", "tuf_2000m@", "@1", "a@0", "../x@1", "a@b", ""])
def test_a_reference_without_a_revision_is_refused(reference: str) -> None:
    with pytest.raises(ProfileError, match=r"reference: is not ID@REVISION; write it like"):
        load_profile(reference)


def test_a_site_may_bring_profiles_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "example_heat@1.toml").write_text(TEXT)
    (tmp_path / "mail@site.txt").write_text("")

    assert load_profile("example_heat@1", tmp_path).model == "E-1"
    assert set(available_profiles(tmp_path)) == {"example_heat@1", *available_profiles()}
    assert "example_heat@1" in available_profiles(tmp_path)
    assert load_profile("tuf_2000m@1", tmp_path).profile_id == "tuf_2000m"


def test_a_file_named_after_another_revision_is_refused(tmp_path: Path) -> None:
    (tmp_path / "example_heat@2.toml").write_text(TEXT)

    with pytest.raises(ProfileError) as caught:
        load_profile("example_heat@2", tmp_path)

    assert str(caught.value) == (
        f"{tmp_path / 'example_heat@2.toml'}: profile.rev: the file holds example_heat@1; "
        "name the file example_heat@1.toml"
    )


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "none"

    with pytest.raises(ProfileError) as caught:
        available_profiles(folder)

    assert str(caught.value) == (
        f"{folder}: directory: No such file or directory; "
        "give the folder of the site's own profiles"
    )


def test_an_unknown_draft_names_those_that_exist() -> None:
    with pytest.raises(ProfileError, match=r"draft 'x': id: there is no such draft; use one of b"):
        load_draft("x")


def test_the_live_dump_of_a_tuf_2000m_decodes_to_its_published_values() -> None:
    profile = load_profile("tuf_2000m@1")
    dump = next(vector for vector in profile.golden if vector.origin is Origin.DUMP)

    local = decode_registers(profile, dump.words)
    found = decode_group(profile, "fast", dump.words, {})

    assert sorted(dump.words) == [(3, address) for address in range(100)]
    assert local["neg_energy_int"] == -56
    assert local["t1_inlet"] == 7.101173400878906
    assert local["step_quality"] == {"step": 3, "quality": 38}
    assert found.values[Quantity.SUPPLY_TEMP_DEGC] == 7.101173400878906
    assert found.values[Quantity.SIGNAL_QUALITY_PCT] == 38.0
    assert found.quality[Quantity.FLOW_M3H] == "suspect_status"
    assert Quantity.ENERGY_KWH not in found.values

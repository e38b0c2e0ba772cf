"""Who may enter a well: the air, and a detector that somebody vouches for."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from field_app.orders.entry_gate import (
    AirTyped,
    Detector,
    GateReason,
    judge_entry,
    trusted_detector,
)
from wire_contracts.van import AirValue, GasDetector

TODAY = date(2026, 11, 21)
GOOD_DETECTOR = Detector(detector_id="GX-7", calibrated_until=date(2026, 12, 31))
GOOD_AIR = AirTyped(oxygen_pct="20,8", lel_pct="0")


@pytest.mark.parametrize("oxygen", ["20.9 %", "20,9%", "20.9 % vol", "20.9 Vol.%", "20.9\uff05"])
def test_air_is_read_as_the_display_shows_it(oxygen: str) -> None:
    air = replace(GOOD_AIR, oxygen_pct=oxygen, carbon_monoxide_ppm="3 ppm", lel_pct="0 % LEL")

    assert judge_entry(GOOD_DETECTOR, air, TODAY).reasons == ()


def test_bad_air_with_its_unit_is_danger() -> None:
    thin = judge_entry(GOOD_DETECTOR, replace(GOOD_AIR, oxygen_pct="15 %"), TODAY)
    poison = judge_entry(GOOD_DETECTOR, replace(GOOD_AIR, carbon_monoxide_ppm="40 ppm"), TODAY)

    assert thin.reasons == (GateReason.OXYGEN_LOW,)
    assert poison.reasons == (GateReason.CARBON_MONOXIDE,)


def test_good_air_and_a_good_detector_open_the_gate() -> None:
    assert judge_entry(GOOD_DETECTOR, GOOD_AIR, TODAY).is_allowed


@pytest.mark.parametrize(
    ("air", "reason"),
    [
        (AirTyped(oxygen_pct="19.4", lel_pct="0"), GateReason.OXYGEN_LOW),
        (AirTyped(oxygen_pct="23.6", lel_pct="0"), GateReason.OXYGEN_HIGH),
        (AirTyped(oxygen_pct="20.8", lel_pct="10.1"), GateReason.LEL_HIGH),
        (AirTyped(oxygen_pct="20.8", lel_pct=""), GateReason.LEL_MISSING),
        (AirTyped(oxygen_pct="", lel_pct="0"), GateReason.OXYGEN_MISSING),
        (AirTyped(oxygen_pct="x", lel_pct="0"), GateReason.NOT_A_NUMBER),
        (
            AirTyped(oxygen_pct="20.8", lel_pct="0", carbon_monoxide_ppm="17"),
            GateReason.CARBON_MONOXIDE,
        ),
        (
            AirTyped(oxygen_pct="20.8", lel_pct="0", hydrogen_sulphide_ppm="8"),
            GateReason.HYDROGEN_SULPHIDE,
        ),
    ],
)
def test_air_that_may_kill_keeps_the_gate_shut(air: AirTyped, reason: GateReason) -> None:
    verdict = judge_entry(GOOD_DETECTOR, air, TODAY)

    assert (verdict.is_allowed, verdict.reasons) == (False, (reason,))


def test_a_comma_that_may_stand_for_thousands_lets_nobody_in() -> None:
    air = replace(GOOD_AIR, carbon_monoxide_ppm="1,200")
    verdict = judge_entry(GOOD_DETECTOR, air, TODAY)

    assert not verdict.is_allowed
    assert GateReason.CARBON_MONOXIDE in verdict.reasons


@pytest.mark.parametrize(
    ("detector", "reason"),
    [
        (Detector(), GateReason.NO_DETECTOR),
        (Detector(detector_id="GX-7"), GateReason.CALIBRATION_UNKNOWN),
        (
            Detector(detector_id="GX-7", calibrated_until=date(2026, 11, 20)),
            GateReason.CALIBRATION_DUE,
        ),
        (
            Detector(
                detector_id="LD-1",
                calibrated_until=date(2026, 12, 31),
                values=frozenset({AirValue.LEL_PCT}),
            ),
            GateReason.WRONG_DETECTOR,
        ),
    ],
)
def test_a_detector_that_nobody_vouches_for_keeps_the_gate_shut(
    detector: Detector, reason: GateReason
) -> None:
    verdict = judge_entry(detector, GOOD_AIR, TODAY)

    assert (verdict.is_allowed, verdict.reasons) == (False, (reason,))
    assert not verdict.is_dangerous


def test_about_a_detector_of_the_office_the_office_alone_is_believed() -> None:
    listed = GasDetector(
        detector_id="GX-7",
        model="4-gas",
        values=frozenset(AirValue),
        calibrated_until=date(2026, 11, 20),
    )
    typed = Detector(detector_id=" gx-7", calibrated_until=date(2027, 12, 31))

    trusted = trusted_detector(typed, [listed])

    assert trusted.calibrated_until == date(2026, 11, 20)
    assert judge_entry(trusted, GOOD_AIR, TODAY).reasons == (GateReason.CALIBRATION_DUE,)
    assert trusted_detector(GOOD_DETECTOR, []) == GOOD_DETECTOR


@given(
    oxygen=st.floats(0, 30, allow_nan=False),
    lel=st.floats(0, 100, allow_nan=False),
)
def test_nobody_is_ever_let_into_bad_air(oxygen: float, lel: float) -> None:
    air = AirTyped(oxygen_pct=f"{oxygen:.2f}", lel_pct=f"{lel:.2f}")

    is_good = 19.5 <= round(oxygen, 2) <= 23.5 and round(lel, 2) <= 10
    assert judge_entry(GOOD_DETECTOR, air, TODAY).is_allowed == is_good

"""A fault that begins or ends between two requests of one poll gives no good zero."""

from collections.abc import Callable
from pathlib import Path

import pytest

from edge_gateway.links.bus_time import bus_time
from edge_gateway.links.link_url import parse_url
from edge_gateway.links.read_plan import covers
from edge_gateway.polling.profiles_io import _plans
from firmware_profiles.encode import encode_values
from firmware_profiles.library_io import available_profiles, load_profile
from firmware_profiles.status import witness_spans
from firmware_profiles.words import WordAddress
from tests.edge_gateway.rig import Request, from_image
from tests.edge_gateway.test_modbus_driver import FAST, driver
from wire_contracts.quality import SUSPECT_STATUS
from wire_contracts.quantities import Quantity

pytestmark = pytest.mark.usefixtures("unhurried")

PROFILE = load_profile("twoflow_mag11@2")
STATUS = 1283
RUNS = {Quantity.FLOW_M3H: 12.5, Quantity.POWER_KW: 350.0, Quantity.VOLUME_M3: 9876.0}
STANDS = {**RUNS, Quantity.FLOW_M3H: 0.0, Quantity.POWER_KW: 0.0}
HEALTHY = dict(encode_values(PROFILE, RUNS))
SICK = dict(encode_values(PROFILE, STANDS, ["meter_error"]))
LINES = ("tcp://127.0.0.1:502", "rtu:///dev/ttyUSB0?baud=9600")


def changing(
    words: dict[WordAddress, int], now: dict[WordAddress, int], at: Callable[[Request], bool]
) -> Callable[[Request], bytes]:
    """A meter whose words become others right behind the first answer of some kind."""
    honest = from_image(words)

    def behave(request: Request) -> bytes:
        answer = honest(request)
        if at(request):
            words.update(now)
        return answer or b""

    return behave


@pytest.mark.parametrize("is_behind_the_values", [False, True])
@pytest.mark.parametrize(("before", "after"), [(SICK, HEALTHY), (HEALTHY, SICK)])
def test_a_fault_on_either_side_of_a_value_spoils_it(
    tmp_path: Path,
    before: dict[WordAddress, int],
    after: dict[WordAddress, int],
    *,
    is_behind_the_values: bool,
) -> None:
    is_armed = [False]

    def at(request: Request) -> bool:
        is_status = STATUS in range(request.address, request.address + request.count)
        return is_armed[0] and is_status is not is_behind_the_values

    with driver(tmp_path, changing(dict(before), after, at), PROFILE.reference) as reader:
        reader.read(FAST, retry_count=0)
        is_armed[0] = True
        torn = reader.read(FAST, retry_count=0)
        is_armed[0] = False
        settled = reader.read(FAST, retry_count=0)

    assert torn.quality[Quantity.FLOW_M3H] == SUSPECT_STATUS
    assert torn.quality[Quantity.VOLUME_M3] == SUSPECT_STATUS
    assert torn.events == ("meter_error",)
    assert (settled.events == ()) is (after is HEALTHY)


@pytest.mark.parametrize("url", LINES)
@pytest.mark.parametrize("reference", available_profiles())
def test_no_value_of_the_library_is_asked_without_its_status_on_both_sides(
    reference: str, url: str
) -> None:
    profile = load_profile(reference)
    line = parse_url(url, place="test")
    for group, plan in _plans("test", profile, bus_time(line)).items():
        asked = [*plan.before, *plan.requests, *plan.behind]
        first = len(plan.before)
        counts = range(first, first + len(plan.requests))
        for value, witnesses in witness_spans(profile, group).items():
            value_at = max(place for place in counts if covers(asked[place], value))
            for witness in witnesses:
                at = [place for place, request in enumerate(asked) if covers(request, witness)]
                is_with = max(place for place in at if place in counts) == value_at
                is_around = min(at) < value_at < max(at)

                assert is_with or is_around, (group, value, witness)

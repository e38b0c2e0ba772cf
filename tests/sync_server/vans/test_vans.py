"""What crews have with them: the office's list on their tablets, and what they use comes off."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from sync_server.__main__ import main
from sync_server.assets.assets import AssetError
from sync_server.vans.standard_parts import STANDARD_PARTS
from sync_server.vans.van_import_io import (
    DETECTOR_COLUMNS,
    PART_COLUMNS,
    import_detectors,
    import_parts,
)
from sync_server.vans.van_store import load_vans, put_detector, put_parts, show_vans
from tests.sync_server.people_parts import Pen, Utility, found_utility
from tests.sync_server.real_parts import NOON, HandClock
from tests.sync_server.sync.push_parts import push
from wire_contracts.errors import ContractError
from wire_contracts.fields import FieldReader, JsonObject
from wire_contracts.operations import Operation, OperationKind, Outcome
from wire_contracts.orders import FactType
from wire_contracts.site_facts import PartUsed, part_json
from wire_contracts.van import ENTITY, AirValue, GasDetector, Van, parse_van

DETECTOR = GasDetector(
    detector_id="GX-7",
    model="4-gas",
    values=frozenset(AirValue),
    calibrated_until=date(2026, 12, 31),
)


@pytest.fixture
def utility(sqlite_engine: Engine, clock: HandClock) -> Utility:
    found = found_utility(sqlite_engine, clock)
    with sqlite_engine.begin() as connection:
        put_parts(connection, "crew-1", STANDARD_PARTS, NOON)
        put_detector(connection, "crew-1", DETECTOR, NOON)
        show_vans(connection, ["crew-1"], NOON)
    return found


@pytest.fixture
def pen(utility: Utility) -> Pen:
    return Pen(actor=utility.member.account_id, clock=utility.clock)


def vans_of(utility: Utility, *, is_other: bool = False) -> Mapping[str, Van]:
    tablet = utility.other_tablet if is_other else utility.tablet
    answer = utility.service.for_tablet(tablet).pull(None, 500)
    return {
        row.entity_id: parse_van(FieldReader(place="van", values=row.document))
        for page in answer.buckets
        for row in page.rows
        if row.entity == ENTITY
    }


def left(utility: Utility, part_id: str) -> float:
    (van,) = vans_of(utility).values()
    (part,) = [each for each in van.parts if each.part_id == part_id]
    return part.quantity


def use(pen: Pen, part_id: str, quantity: float) -> Operation:
    used = PartUsed(part_id=part_id, name=part_id, quantity=quantity, unit="pcs")
    payload: JsonObject = part_json(used)
    kind = str(FactType.PART_USED)
    return pen.operation(OperationKind.FACT, next(pen.ids), kind, entity=kind, payload=payload)


def test_a_crew_is_given_its_van_and_no_other_crew_is(utility: Utility) -> None:
    assert vans_of(utility) == {"crew-1": Van(parts=STANDARD_PARTS, detectors=(DETECTOR,))}
    assert vans_of(utility, is_other=True) == {}


def test_what_a_crew_uses_comes_off_once_and_what_it_puts_back_returns(
    utility: Utility, pen: Pen
) -> None:
    before = left(utility, "ptfe-tape")
    three = use(pen, "ptfe-tape", 3)
    back = use(pen, "ptfe-tape", -1)

    results = [*push(utility, pen, three), *push(utility, pen, three), *push(utility, pen, back)]

    assert {each.outcome for each in results} == {Outcome.APPLIED}
    assert left(utility, "ptfe-tape") == before - 2


def test_what_was_taken_before_the_last_count_is_in_that_count(utility: Utility, pen: Pen) -> None:
    taken = use(pen, "ptfe-tape", 3)
    counted_at_utc = utility.clock.now_utc() + timedelta(hours=2)
    with utility.engine.begin() as connection:
        put_parts(connection, "crew-1", STANDARD_PARTS, counted_at_utc)
        show_vans(connection, ["crew-1"], counted_at_utc)
    counted = left(utility, "ptfe-tape")

    push(utility, pen, taken)

    assert left(utility, "ptfe-tape") == counted


def test_a_part_on_no_list_and_one_that_cannot_be_read_are_kept_and_change_nothing(
    utility: Utility, pen: Pen
) -> None:
    before = vans_of(utility)
    kind = str(FactType.PART_USED)
    odd = pen.operation(
        OperationKind.FACT, next(pen.ids), kind, entity=kind, payload={"part_id": 7}
    )

    results = push(utility, pen, use(pen, "a rope", 1), odd)

    assert [each.outcome for each in results] == [Outcome.APPLIED, Outcome.APPLIED]
    assert vans_of(utility) == before


def test_a_detector_that_changes_hands_leaves_the_first_crews_list(utility: Utility) -> None:
    with utility.engine.begin() as connection:
        crews = put_detector(connection, "crew-2", DETECTOR, NOON)
        show_vans(connection, crews, NOON)

    assert vans_of(utility)["crew-1"].detectors == ()
    assert vans_of(utility, is_other=True)["crew-2"].detectors == (DETECTOR,)


def csv_file(folder: Path, columns: Sequence[str], *rows: Sequence[str]) -> Path:
    path = folder / "list.csv"
    path.write_text("\n".join(",".join(row) for row in (columns, *rows)), encoding="utf-8")
    return path


def test_files_bring_a_crews_list_anew_and_detectors(utility: Utility, tmp_path: Path) -> None:
    rope = ("crew-1", "rope", "绳", "Rope", "gas water", "m", "12.5", "")
    with utility.engine.begin() as connection:
        count = import_parts(connection, csv_file(tmp_path, PART_COLUMNS, rope), NOON)
        renewed = ("GX-7", "crew-1", "4-gas", "", "2027-06-30")
        import_detectors(connection, csv_file(tmp_path, DETECTOR_COLUMNS, renewed), NOON)
        (van,) = load_vans(connection).values()

    assert count == 1
    assert [(part.part_id, part.quantity, part.unit) for part in van.parts] == [("rope", 12.5, "m")]
    assert van.detectors[0].calibrated_until == date(2027, 6, 30)
    assert van.detectors[0].values == {AirValue.OXYGEN_PCT, AirValue.LEL_PCT}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("crew-1", "r", "绳", "", "steam", "m", "1", ""), "row 2: media: 'steam'"),
        (("crew-1", "r", "绳", "", "", "m", "-1", ""), "row 2: quantity: '-1'"),
        (("crew-1", "r", "", "", "", "m", "1", ""), "row 2: name_zh: '' cannot be used"),
    ],
)
def test_a_row_that_cannot_be_used_is_named(
    utility: Utility, tmp_path: Path, row: Sequence[str], said: str
) -> None:
    with utility.engine.begin() as connection, pytest.raises(AssetError, match=said):
        import_parts(connection, csv_file(tmp_path, PART_COLUMNS, row), NOON)


def test_a_list_for_a_crew_that_is_not_there_is_refused(utility: Utility) -> None:
    with utility.engine.begin() as connection, pytest.raises(ContractError, match="crew-77"):
        put_parts(connection, "crew-77", STANDARD_PARTS, NOON)


def test_the_commands_say_how_many_lines_they_took(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parts = csv_file(tmp_path, PART_COLUMNS)
    assert main(["--data", str(tmp_path), "import-van-parts", str(parts)]) == 0
    detectors = csv_file(tmp_path, DETECTOR_COLUMNS)
    assert main(["--data", str(tmp_path), "import-detectors", str(detectors)]) == 0

    assert capsys.readouterr().out.split("\n")[:2] == ["0 parts", "0 detectors"]

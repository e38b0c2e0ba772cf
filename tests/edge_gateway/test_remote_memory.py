"""What a gateway remembers of orders and revisions, whatever happens to its files."""

import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_gateway.config import GatewayConfig, LinkConfig, MeterConfig, MqttConfig
from edge_gateway.figures import LinkFigures
from edge_gateway.files_io import make_folder, replace_file
from edge_gateway.remote import ledger_store
from edge_gateway.remote.certificates_io import expiry_warning, good_until
from edge_gateway.remote.ledger_store import Ledger
from edge_gateway.remote.permissions import keep_permissions
from edge_gateway.remote.revision_store import RevisionStore
from edge_gateway.remote.standing import (
    MAX_CONFIRMED,
    MAX_STARTS,
    OWN_FILE,
    Standing,
    begin_trial,
    confirm,
    leave,
    roll_back,
    start_again,
)
from edge_gateway.remote.trial import Judgement, judge, silent_links
from edge_gateway.remote.trust import KeyFormError, Trust
from wire_contracts.gateway_commands import Command, CommandOutcome, CommandResult, Ping

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)

steps = st.lists(st.sampled_from(["begin", "confirm", "roll back", "leave", "start"]), max_size=30)


def lived(names: Sequence[str]) -> list[Standing]:
    """Return the standings of a gateway to which these things happen one after the other."""
    standing, found = Standing(), [Standing()]
    for number, name in enumerate(names, 1):
        match name:
            case "begin":
                if standing.trial is None:
                    standing = begin_trial(standing, number, f"order-{number:04d}")
            case "confirm":
                standing = confirm(standing, "good")
            case "roll back":
                standing = roll_back(standing, "bad")
            case "leave":
                standing = leave(standing, standing.in_force, "told to") or standing
            case _:
                standing = start_again(standing)
        found.append(standing)
    return found


@given(steps)
def test_numbers_only_rise_and_what_is_in_force_is_kept(names: Sequence[str]) -> None:
    standings = lived(names)
    highest = [standing.highest for standing in standings]

    assert highest == sorted(highest)
    assert all(each.in_force in {OWN_FILE, *each.kept()} for each in standings)
    assert all(len(each.confirmed) <= MAX_CONFIRMED for each in standings)
    assert all(each.in_force <= each.highest for each in standings)


@given(steps)
def test_a_trial_survives_at_most_so_many_starts(names: Sequence[str]) -> None:
    standing = lived(names)[-1]
    for _ in range(MAX_STARTS):
        standing = start_again(standing)

    assert standing.trial is None


@given(steps)
def test_a_standing_survives_the_disk(names: Sequence[str]) -> None:
    standing = lived(names)[-1]
    with tempfile.TemporaryDirectory() as folder:
        store = RevisionStore(Path(folder))
        store.save(standing)
        again = store.standing()

    assert again == standing


def command(number: int, *, life: timedelta = HOUR, created: datetime = NOON) -> Command:
    return Command(
        command_id=f"order-{number:06d}",
        gateway_id="gw-01",
        created_at_utc=created,
        expires_at_utc=created + life,
        by="engineer",
        order=Ping(),
    )


def result(number: int) -> CommandResult:
    return CommandResult(
        command_id=f"order-{number:06d}",
        gateway_id="gw-01",
        at_utc=NOON,
        outcome=CommandOutcome.DONE,
        facts={"a": "b"},
    )


def test_what_was_handled_is_known_after_a_restart(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    for number in (1, 2):
        ledger.begin(command(number))
    ledger.finish(result(1))
    again = Ledger(tmp_path)
    first, second = again.find("order-000001"), again.find("order-000002")

    assert first is not None
    assert first.result == result(1)
    assert second is not None
    assert second.result is None
    assert again.open_ids() == ("order-000002",)
    assert again.find("order-000003") is None


def test_a_full_memory_refuses_and_forgets_only_what_has_expired(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_store, "MAX_ENTRIES", 3)
    ledger = Ledger(tmp_path)
    ledger.begin(command(1, life=HOUR))
    for number in (2, 3):
        ledger.begin(command(number, life=3 * HOUR))
    full = ledger.has_room(NOON)
    later = ledger.has_room(NOON + 2 * HOUR)
    forgotten = [ledger.is_forgotten(command(1)), ledger.is_forgotten(command(4, life=2 * HOUR))]

    assert (full, later) == (False, True)
    assert forgotten == [True, False]
    assert Ledger(tmp_path).is_forgotten(command(1))


def test_a_damaged_memory_takes_nothing_that_may_have_been_handled(tmp_path: Path) -> None:
    Ledger(tmp_path).begin(command(1))
    (tmp_path / "handled.json").write_text("{")
    ledger = Ledger(tmp_path)
    tomorrow = datetime.now(UTC) + timedelta(days=1)  # noqa: TID251  # beside the file's own time

    assert ledger.is_forgotten(command(1, created=NOON - timedelta(days=365)))
    assert not ledger.is_forgotten(command(2, created=tomorrow))
    assert (tmp_path / "handled.json.damaged").exists()


def test_a_folder_appears_whole_and_replaces_the_one_before(tmp_path: Path) -> None:
    place = tmp_path / "revision-1"
    make_folder(place, {"a": b"1", "b": b"2"})
    make_folder(place, {"a": b"3"})

    assert {path.name: path.read_bytes() for path in place.iterdir()} == {"a": b"3"}
    assert [path.name for path in tmp_path.iterdir()] == ["revision-1"]


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    replace_file(tmp_path / "state", b"old")
    replace_file(tmp_path / "state", b"new")

    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("state", b"new")]


def figures(name: str, *, is_good: bool, is_sound: bool = False) -> LinkFigures:
    return LinkFigures(
        name=name,
        is_open=True,
        requests=0,
        timeouts=0,
        exceptions=0,
        mismatches=0,
        reopens=0,
        frames=0,
        skipped=0,
        suspects=(),
        last_good={"HM-1": NOON} if is_good else {},
        has_sound_frame=is_sound,
    )


@pytest.mark.parametrize("was_sound", [True, False])
@pytest.mark.parametrize("passed_s", [1.0, 99.0])
def test_a_frame_of_good_values_alone_confirms(passed_s: float, *, was_sound: bool) -> None:
    links = [figures("a", is_good=True, is_sound=True), figures("b", is_good=False)]

    judged = judge(links, passed_s=passed_s, allowed_s=10.0, was_sound=was_sound)

    assert judged is Judgement.CONFIRM
    assert silent_links(links) == ("b",)


@pytest.mark.parametrize(
    ("is_good", "was_sound", "judgement"),
    [
        (True, True, Judgement.ROLL_BACK),
        (True, False, Judgement.CONFIRM),
        (False, True, Judgement.ROLL_BACK),
        (False, False, Judgement.ROLL_BACK),
    ],
)
def test_strange_values_confirm_only_where_they_were_there_before(
    judgement: Judgement, *, is_good: bool, was_sound: bool
) -> None:
    links = [figures("a", is_good=is_good), figures("b", is_good=False)]

    early = judge(links, passed_s=9.9, allowed_s=10.0, was_sound=was_sound)
    late = judge(links, passed_s=10.0, allowed_s=10.0, was_sound=was_sound)

    assert (early, late) == (Judgement.WAIT, judgement)


def meter(**changed: str | int) -> MeterConfig:
    values = {"serial": "HM-1", "profile": "heater@1", **changed}
    return MeterConfig(
        serial=str(values["serial"]),
        profile=str(values["profile"]),
        device_address=changed.get("device_address", 1),
        writes=("setpoint",) if "writes" not in changed else (),
    )


def site(one: MeterConfig, url: str = "tcp://10.0.0.5:502", *, writable: bool) -> GatewayConfig:
    link = LinkConfig(name="a", url=url, meters=(one,), is_writable=writable)
    return GatewayConfig(
        gateway_id="gw-01", data=Path("x"), mqtt=MqttConfig(host="b"), links=(link,)
    )


@pytest.mark.parametrize(
    ("changed", "url", "writes"),
    [
        ({}, "tcp://10.0.0.5:502", ("setpoint",)),
        ({"serial": "HM-2"}, "tcp://10.0.0.5:502", ()),
        ({"device_address": 2}, "tcp://10.0.0.5:502", ()),
        ({"profile": "heater@2"}, "tcp://10.0.0.5:502", ()),
        ({}, "tcp://10.0.0.6:502", ()),
    ],
)
def test_a_meter_that_a_revision_moves_loses_its_permission(
    changed: dict[str, str | int], url: str, writes: tuple[str, ...]
) -> None:
    local = site(meter(), writable=True)
    revised = site(meter(**changed, writes=""), url, writable=False)
    kept = keep_permissions(local, revised).links[0]

    assert kept.meters[0].writes == writes
    assert kept.is_writable is bool(writes)


@pytest.mark.parametrize("key", ["ed25519:AAAA", "rsa:AAAA", "", "ed25519:!"])
def test_what_is_no_key_is_not_trusted(key: str) -> None:
    with pytest.raises(KeyFormError, match="is no public key"):
        Trust([key])


@pytest.mark.parametrize(
    ("days", "said"),
    [(31, None), (29, "in 29 days"), (0, "expired on"), (-3, "expired on")],
)
def test_an_expiry_is_told_thirty_days_ahead(days: int, said: str | None) -> None:
    warning = expiry_warning(NOON + timedelta(days=days), NOON)

    assert (warning is None) is (said is None)
    assert said is None or said in str(warning)


def test_a_certificate_that_cannot_be_read_has_no_end(tmp_path: Path) -> None:
    file = tmp_path / "gw.pem"
    file.write_text("no certificate")

    assert good_until(file) is None
    assert good_until(tmp_path / "nowhere.pem") is None
    assert good_until(None) is None

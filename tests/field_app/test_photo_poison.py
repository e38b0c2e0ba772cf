"""One photo that the server answers badly at every contact delays no other (trap T11)."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
from fastapi import Request, Response

from field_app.crew import HeadlessCrew
from field_app.store import upload_store
from field_app.store.upload_store import PhotoJob, PhotoStatus
from field_app.sync.reasons import Reason
from field_app.sync.uploading import PhotoWait
from sync_server.blobs import bounds
from tests.field_app.office_parts import Office, serving
from tests.field_app.photo_parts import PIN, noisy_jpeg, photo_app
from tests.field_app.test_left_orders import told
from tests.field_app.vault_parts import quick_vault
from wire_contracts.orders import FactType
from wire_contracts.quantities import Medium
from wire_contracts.sync import PROTOCOL_HEADER


@dataclass(slots=True)
class Poison:
    """How the server answers whatever is about some blobs."""

    names: set[str] = field(default_factory=set)
    status: int = 500
    body: bytes = b""
    is_ours: bool = True
    asked: list[str] = field(default_factory=list)
    pieces_fail: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rig:
    office: Office
    crew: HeadlessCrew
    poison: Poison
    order_id: str
    folder: Path

    def jobs(self) -> list[PhotoJob]:
        """All blobs, in the order in which they are sent."""
        names = self.crew.tablet.database.read(upload_store.known_names)
        read = self.crew.tablet.database.read
        found = [read(partial(upload_store.find_job, sha256=each)) for each in names]
        jobs = [each for each in found if each is not None]
        return sorted(jobs, key=lambda each: (each.size_bytes > 40_000, each.made_at_ms))

    def contacts(self, count: int) -> Reason:
        reason = Reason.NONE
        for _ in range(count):
            self.office.clock.advance(minutes=20)
            reason = self.crew.sync_now().reason
        return reason

    def left(self) -> set[str]:
        return {each.sha256 for each in self.jobs() if each.status is not PhotoStatus.DONE}


@pytest.fixture
def rig(office: Office, tmp_path: Path) -> Iterator[Rig]:
    poison = Poison()
    app = photo_app(office, tmp_path).app

    @app.middleware("http")
    async def answer(
        request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        if request.method == "PATCH" and poison.pieces_fail:
            return Response(b"", 502)
        if request.method != "HEAD" and "/blobs" in request.url.path:
            about = request.url.path.encode() + await request.body()
            hit = [each for each in poison.names if each.encode() in about]
            poison.asked += hit
            if hit:
                headers = {PROTOCOL_HEADER: "2"} if poison.is_ours else {}
                return Response(poison.body, poison.status, headers)
        return await call_next(request)

    folder = tmp_path / "tablet"
    with (
        serving(app) as url,
        closing(HeadlessCrew(folder, office.clock, vault=quick_vault(folder))) as crew,
    ):
        crew.enrol(url, office.code())
        crew.tablet.set_pin(PIN)
        order_id = office.new_order()
        crew.sync_now()
        for seed in range(3):
            office.clock.advance(minutes=1)
            crew.tablet.photos.add(order_id, noisy_jpeg(seed, 300))
        yield Rig(office=office, crew=crew, poison=poison, order_id=order_id, folder=folder)


NEWER = b'{"code": "blob.newer", "text": "x"}'


@pytest.mark.parametrize(
    ("status", "body", "is_ours"),
    [(500, b"", True), (500, b"", False), (409, NEWER, True), (403, NEWER, True)],
)
@pytest.mark.parametrize("place", [0, -1])
def test_a_photo_that_fails_every_time_lets_all_others_pass_and_goes_once_it_may(
    rig: Rig, status: int, body: bytes, *, is_ours: bool, place: int
) -> None:
    bad = rig.jobs()[place].sha256
    rig.poison.names, rig.poison.status, rig.poison.body = {bad}, status, body
    rig.poison.is_ours = is_ours

    reason = rig.contacts(4)

    assert rig.left() == {bad}
    assert reason is not Reason.NONE
    rig.poison.names = set()
    assert rig.contacts(1) is Reason.NONE
    assert rig.left() == set()


def test_two_such_photos_in_front_stop_neither_what_is_behind_them_nor_what_is_new(
    rig: Rig,
) -> None:
    bad = {each.sha256 for each in rig.jobs()[:3]}
    rig.poison.names = bad

    rig.contacts(5)
    assert rig.left() == bad
    new = rig.crew.tablet.photos.add(rig.order_id, noisy_jpeg(9, 300))
    rig.contacts(1)

    assert rig.left() == bad
    assert new not in rig.left()


def test_gas_that_was_begun_at_an_order_that_left_is_told_before_any_photo(rig: Rig) -> None:
    office, desk = rig.office, rig.crew.tablet.desk
    gas = office.new_order(Medium.GAS)
    rig.contacts(1)
    rig.crew.go_to_work(gas)
    rig.contacts(1)
    rig.crew.tablet.photos.add(rig.order_id, noisy_jpeg(8, 300))
    rig.poison.names = {each.sha256 for each in rig.jobs()}
    desk.save_answers(gas, {"result": "leak", "measured.gas_lel_pct": "12"})
    office.assign(gas, "crew-2")

    reason = rig.contacts(2)

    assert reason is Reason.SERVER
    assert [each["lel_pct"] for _, each in told(office, gas, FactType.HANDOVER)] == [12]
    ((_, answers),) = told(office, gas, FactType.FORM_ANSWERSET)
    assert answers["is_unfinished"] is True


def test_a_server_that_is_not_well_is_asked_about_two_photos_and_not_about_all(rig: Rig) -> None:
    rig.poison.names = {each.sha256 for each in rig.jobs()}

    assert rig.contacts(1) is Reason.SERVER

    assert len(set(rig.poison.asked)) == 2


def unreadable(rig: Rig, sha256: str) -> tuple[Path, Path]:
    """Put a file there that gives an input/output error; return it and where the real one is."""
    file = next(rig.folder.rglob(f"{sha256}.vault"))
    kept = file.rename(file.with_suffix(".kept"))
    file.symlink_to("/proc/self/mem")
    return file, kept


@pytest.mark.parametrize("place", [0, -1])
def test_a_photo_that_the_disk_does_not_give_lets_all_pass_and_goes_once_it_does(
    rig: Rig, place: int
) -> None:
    bad = rig.jobs()[place].sha256
    file, kept = unreadable(rig, bad)

    reason = rig.contacts(4)

    assert rig.left() == {bad}
    assert reason is Reason.NONE
    assert rig.crew.tablet.photo_wait() is PhotoWait.DISK
    kept.replace(file)
    rig.contacts(1)
    assert rig.left() == set()
    assert rig.crew.tablet.photo_wait() is PhotoWait.NONE


def test_uploads_begun_in_vain_are_finished_although_no_more_may_be_begun(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "OPEN_PARTIALS", 2)
    rig.poison.pieces_fail = True
    rig.contacts(3)

    rig.poison.pieces_fail = False
    rig.contacts(2)

    assert rig.left() == set()


def test_a_used_up_share_is_said_and_the_rest_waits_for_the_next_day(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "QUOTA_BLOBS", 2)

    rig.contacts(2)
    assert len(rig.left()) == len(rig.jobs()) - 2
    assert rig.crew.tablet.photo_wait() is PhotoWait.SHARE
    rig.office.clock.advance(days=1)
    monkeypatch.undo()
    rig.contacts(1)

    assert rig.left() == set()

"""Runs a file of readings through ingest, detection and alerts on a database of its own.

The readings' arrival is the clock. After every lot the place in the file is in the same
transaction as the readings, so that a run that was ended goes on where it was.
"""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import blake2b
from itertools import islice
from pathlib import Path

import orjson
from sqlalchemy import Connection, Engine, select

from sync_server.alerts.alert import AlertFilter
from sync_server.alerts.alert_list_store import list_alerts
from sync_server.assets.asset_store import add_gateway, add_meters, map_new_devices
from sync_server.assets.assets import NewMeter
from sync_server.db.bulk_io import OnExisting, write_rows
from sync_server.db.engine_io import open_trial_engine, reading
from sync_server.db.migrate_io import migrate
from sync_server.db.server_tables import SERVER_STATE
from sync_server.detection.watch.fleet_store import MeterTrait, put_children, put_traits
from sync_server.detection.watch.fleet_watch import FleetWatch, next_look_ms
from sync_server.detection.watch.surroundings_store import put_weather
from sync_server.readings.arrivals import FrameKey
from sync_server.readings.reading_store import ReadingStore
from sync_server.trials.alert_lines import alert_lines
from sync_server.trials.meter_files_io import (
    TrialMeter,
    read_meters,
    read_topology,
    read_weather,
)
from sync_server.trials.reading_file_io import Lot, Place, read_lots
from sync_server.trials.reading_lines import ReadingLine, parse_line
from sync_server.trials.trial_errors import TrialError, refused
from wire_contracts.frames import Batch, Frame, utc_from_ms

GATEWAY = "trial"
PROFILE = "trial@1"
GROUP = "trial"
_EPOCH = 1
_WEATHER_ROWS = 20_000
_MOST_ALERTS = 10_000_000
_PLACES = ("trial_offset", "trial_line", "trial_received_ms", "trial_look_ms")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayFiles:
    """What a replay reads; weather and topology may be missing."""

    readings: Path
    meters: Path
    weather: Path | None = None
    topology: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What a replay did: readings of this run, and alerts in all."""

    reading_count: int
    alert_count: int


Progress = Callable[[float, int], None]
"""Told after each lot: the share of the file that is done, and the readings so far."""


def replay(files: ReplayFiles, alerts: Path, work: Path, progress: Progress) -> Replayed:
    """Run the readings and write the alerts; what an ended run left in `work` is gone on with.

    Raises:
        TrialError: A file cannot be used, or `work` belongs to a run over other files.
    """
    if not files.readings.is_file():
        raise refused(str(files.readings), "file", "is not there", "give a file of readings")
    meters = read_meters(files.meters)
    _claim(work, files)
    engine = open_trial_engine(work / "trial.sqlite3")
    try:
        migrate(engine)
        _settle(engine, meters, files)
        count = _run(engine, meters, files.readings, progress)
        with reading(engine) as connection:
            wanted = AlertFilter(is_open=None, visibility=None, limit=_MOST_ALERTS)
            lines = list(alert_lines(list_alerts(connection, wanted)))
    finally:
        engine.dispose()
    _write_whole(alerts, lines)
    shutil.rmtree(work)
    return Replayed(reading_count=count, alert_count=len(lines))


def _claim(work: Path, files: ReplayFiles) -> None:
    """Make the folder of the run, or find that it belongs to a run over the same files."""
    mark = work / "files.json"
    content = orjson.dumps(_fingerprint(files), option=orjson.OPT_SORT_KEYS)
    if mark.is_file():
        if mark.read_bytes() != content:
            raise TrialError(
                f"{work}: files.json: belongs to a run over other files; "
                "remove that folder or choose another with --work"
            )
        return
    if work.exists() and any(work.iterdir()):
        raise refused(str(work), "folder", "is not empty", "choose another with --work")
    work.mkdir(parents=True, exist_ok=True)
    mark.write_bytes(content)


def _fingerprint(files: ReplayFiles) -> Mapping[str, str]:
    parts = {
        "readings": files.readings,
        "meters": files.meters,
        "weather": files.weather,
        "topology": files.topology,
    }
    return {name: _hash(path) for name, path in parts.items() if path is not None}


def _hash(path: Path) -> str:
    """Return the size and the hash of the first and the last megabyte."""
    digest = blake2b(digest_size=16)
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            digest.update(file.read(1 << 20))
            file.seek(max(size - (1 << 20), 0))
            digest.update(file.read())
    except OSError as error:
        raise TrialError(f"{path}: file: cannot be read ({error}); give a readable file") from error
    return f"{size}:{digest.hexdigest()}"


def _settle(engine: Engine, meters: Sequence[TrialMeter], files: ReplayFiles) -> None:
    """Store meters, stations and weather once."""
    with engine.begin() as connection:
        if _place(connection) is not None:
            return
        now_utc = utc_from_ms(0)
        add_gateway(connection, GATEWAY, "trial", now_utc)
        add_meters(connection, [_new_meter(meter) for meter in meters], now_utc)
        map_new_devices(connection, [(meter.meter_id, meter.meter_id) for meter in meters])
        put_traits(connection, [_trait(meter) for meter in meters])
        if files.topology is not None:
            known = frozenset(meter.meter_id for meter in meters)
            put_children(connection, read_topology(files.topology, known))
        if files.weather is not None:
            weather = read_weather(files.weather)
            while chunk := list(islice(weather, _WEATHER_ROWS)):
                hours = [(one.weather_id, one.hour_at_ms, one.outdoor_temp_degc) for one in chunk]
                put_weather(connection, hours)
        _save_place(connection, Place(), 0)


def _new_meter(meter: TrialMeter) -> NewMeter:
    return NewMeter(
        meter_id=meter.meter_id,
        medium=meter.medium,
        meter_class=meter.meter_class,
        address=meter.meter_id,
        interval=timedelta(seconds=meter.interval_s),
        is_mains_powered=False,
    )


def _trait(meter: TrialMeter) -> MeterTrait:
    return MeterTrait(
        meter_id=meter.meter_id,
        peer_class=meter.peer_class,
        volume_modulus_m3=meter.volume_modulus_m3,
        volume_resolution_m3=meter.volume_resolution_m3,
        energy_resolution_kwh=meter.energy_resolution_kwh,
        weather_id=meter.weather_id,
        judged_from_ms=meter.judged_from_ms,
        in_service_until_ms=meter.in_service_until_ms,
    )


def _run(engine: Engine, meters: Sequence[TrialMeter], path: Path, progress: Progress) -> int:
    media = {meter.meter_id: meter.medium for meter in meters}
    size = max(path.stat().st_size, 1)
    store, watch = ReadingStore(), FleetWatch(engine)
    with reading(engine) as connection:
        begin, look_ms = _place(connection) or (Place(), 0)
    if look_ms:
        watch.look(utc_from_ms(look_ms))
    count = 0
    for lot in read_lots(
        path, begin, lambda place, raw: parse_line(place, raw, media), next_look_ms
    ):
        with engine.begin() as connection:
            _store(connection, store, lot)
        watch.look(utc_from_ms(lot.look_at_ms))
        count += len(lot.lines)
        progress(lot.end_offset / size, count)
    return count


def _store(connection: Connection, store: ReadingStore, lot: Lot) -> None:
    """Send a lot through the ingest; the number of a frame is that of its line."""
    first_seq = lot.end_line - len(lot.lines) + 1
    arrived_ms = {first_seq + at: line.received_at_ms for at, line in enumerate(lot.lines)}
    frames = [_frame(first_seq + at, line) for at, line in enumerate(lot.lines)]
    newest_ms = lot.lines[-1].received_at_ms

    def arrived(key: FrameKey) -> int:
        return arrived_ms[key.seq]

    batch = Batch(gateway_id=GATEWAY, epoch=_EPOCH, frames=frames)
    store.store_batches(connection, [batch], utc_from_ms(newest_ms), arrived)
    place = Place(offset=lot.end_offset, line=lot.end_line, received_at_ms=newest_ms)
    _save_place(connection, place, lot.look_at_ms)


def _frame(seq: int, line: ReadingLine) -> Frame:
    return Frame(
        seq=seq,
        device=line.meter_id,
        measured_at_utc=utc_from_ms(line.measured_at_ms),
        profile=PROFILE,
        group=GROUP,
        values=line.values,
    )


def _place(connection: Connection) -> tuple[Place, int] | None:
    rows = connection.execute(select(SERVER_STATE).where(SERVER_STATE.c.name.in_(_PLACES)))
    found = {row.name: row.number for row in rows}
    if not found:
        return None
    offset, line, received_at_ms, look_ms = (found[name] for name in _PLACES)
    return Place(offset=offset, line=line, received_at_ms=received_at_ms), look_ms


def _save_place(connection: Connection, place: Place, look_ms: int) -> None:
    numbers = (place.offset, place.line, place.received_at_ms, look_ms)
    rows = list(zip(_PLACES, numbers, strict=True))
    write_rows(connection, SERVER_STATE, rows, OnExisting.REPLACE)


def _write_whole(path: Path, lines: Sequence[bytes]) -> None:
    """Write the file so that it is there whole or not at all."""
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(b"".join(lines))
        part.replace(path)
    except OSError as error:
        raise TrialError(f"{path}: file: cannot be written ({error}); choose another") from error

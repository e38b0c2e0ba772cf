"""What is wrong with a meter is nowhere but in the truth file."""

import stat
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select

from demo.consumption import models_of
from demo.faults import Fault, FaultKind
from demo.faults_io import TruthFile
from demo.gateway_configs_io import write_gateway_configs
from demo.history import Past, meter_history
from demo.places import Places
from demo.seed_server_io import seed_assets
from demo.town import Town
from demo.town_clock import DEFAULT_START_UTC
from demo.uses import Use
from sync_server.db.asset_tables import COMMUNITY, DEVICE_METER, GATEWAY, METER
from sync_server.db.engine_io import open_engine
from sync_server.db.migrate_io import migrate
from wire_contracts.frames import dump_batch, frame_json

MARK = "fault-that-nobody-else-may-know"


def leak_of(town: Town) -> Fault:
    school = next(meter for meter in town.meters if meter.use is Use.SCHOOL)
    return Fault(
        fault_id=MARK,
        meter_id=school.meter_id,
        kind=FaultKind.LEAK,
        start_utc=DEFAULT_START_UTC - timedelta(hours=6),
        flow_m3h=1.0,
    )


def test_only_its_owner_can_read_the_truth_file(town: Town, tmp_path: Path) -> None:
    truth = TruthFile(tmp_path / "truth.jsonl")
    truth.inject(leak_of(town))

    assert stat.S_IMODE(truth.path.stat().st_mode) == 0o600


def test_no_fault_and_no_use_is_in_what_reaches_server_and_gateways(
    town: Town, tmp_path: Path
) -> None:
    places = Places(tmp_path)
    write_gateway_configs(town, places, 1883, {f"gw-{number:02d}": 502 for number in range(1, 21)})
    configs = "".join(path.read_text() for path in tmp_path.rglob("*.toml"))
    past = Past(town=town, until_utc=DEFAULT_START_UTC, days=1, faults=[leak_of(town)])
    frames = b"".join(
        dump_batch(batch.gateway_id, batch.epoch, [frame_json(frame) for frame in batch.frames])
        for batch in meter_history(past)
    )
    engine = open_engine(f"sqlite:///{tmp_path / 'server.sqlite3'}")
    migrate(engine)
    with engine.begin() as connection:
        seed_assets(connection, town, DEFAULT_START_UTC)
        stored = " ".join(
            str(value)
            for table in (METER, GATEWAY, COMMUNITY, DEVICE_METER)
            for row in connection.execute(select(table))
            for value in row
        )
    engine.dispose()
    forbidden = [MARK, *(kind.value for kind in FaultKind), *(use.value for use in Use)]
    named_as_their_class = {"substation", "makeup"}

    assert not [word for word in forbidden if word in configs]
    assert not [word for word in forbidden if word.encode() in frames]
    assert {word for word in forbidden if word in stored} == named_as_their_class


def test_the_model_under_a_fault_differs_only_at_the_meter_and_its_parents(town: Town) -> None:
    leak = leak_of(town)
    healthy = models_of(town)
    faulty = models_of(town, [leak])
    changed = [
        meter_id
        for meter_id, model in faulty.items()
        if model.quantities(DEFAULT_START_UTC) != healthy[meter_id].quantities(DEFAULT_START_UTC)
    ]

    assert changed == [leak.meter_id]

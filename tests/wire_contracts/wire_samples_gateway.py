"""One message of each kind between gateways and server, version 1, frozen as a file."""

from datetime import UTC, datetime, timedelta

from wire_contracts.acks import Ack, EpochAck, dump_ack
from wire_contracts.frames import Frame, GapRecord, TimeQuality, dump_batch, frame_json, gap_json
from wire_contracts.gateway_commands import (
    ApplyConfig,
    Command,
    CommandOutcome,
    CommandResult,
    GetConfig,
    IdentifyMeter,
    Order,
    Ping,
    ReadNow,
    RevisionProfile,
    RollbackConfig,
    SignedText,
    WriteRegister,
    dump_command,
    dump_result,
    dump_signed,
)
from wire_contracts.gateway_health import (
    GatewayHealth,
    LinkHealth,
    MeterHealth,
    QueueHealth,
    SettingsHealth,
    UplinkHealth,
    dump_health,
)
from wire_contracts.meter_frames import MeterFrame, dump_meter_frame
from wire_contracts.quality import BAD_TIMEOUT
from wire_contracts.quantities import Quantity

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
GATEWAY = "gw-07"

FRAME = Frame(
    seq=41,
    device="HM-7",
    measured_at_utc=NOON,
    profile="tuf_2000m@2",
    group="fast",
    values={Quantity.FLOW_M3H: 1.25, Quantity.VOLUME_M3: 1234.5},
    quality={Quantity.ENERGY_KWH: BAD_TIMEOUT},
    events=("clock_set",),
    raw=bytes(range(16)),
    time_quality=TimeQuality.REPAIRED,
)
LATE = Frame(
    seq=42,
    device="HM-8",
    measured_at_utc=NOON - timedelta(hours=1),
    profile="mbus@1",
    group="telegram",
    values={},
)
GAP = GapRecord(seq=43, first=10, last=19, count=10, why="thinned")

ACK = Ack(
    server_epoch=7,
    epochs=(EpochAck(epoch=3, upto=40, ranges=((42, 43),), refused=((41, "frame.time"),)),),
    server_at_ms=1_795_348_800_000,
)

ORDERS: dict[str, Order] = {
    "ping": Ping(),
    "read_now": ReadNow(meter="HM-7", group="fast"),
    "identify": IdentifyMeter(meter="HM-7"),
    "get_config": GetConfig(),
    "apply_config": ApplyConfig(
        number=3,
        settings='[[link]]\nname = "plant"\n',
        profiles=(RevisionProfile(file_name="own@1.toml", text="[profile]\n"),),
    ),
    "rollback_config": RollbackConfig(number=3),
    "write_register": WriteRegister(meter="HM-7", register="setpoint", value="55.5"),
}


def command(order: Order) -> Command:
    return Command(
        command_id="0000-0001",
        gateway_id=GATEWAY,
        created_at_utc=NOON,
        expires_at_utc=NOON + timedelta(hours=1),
        by="engineer",
        order=order,
    )


SIGNED = SignedText(
    key_id="0123456789abcdef", body=dump_command(command(Ping())), signature=bytes(range(64))
)
RESULT = CommandResult(
    command_id="0000-0001",
    gateway_id=GATEWAY,
    at_utc=NOON,
    outcome=CommandOutcome.DONE,
    text="HM-7: setpoint: 50 -> 55.5, read back",
    facts={"old": "50", "new": "55.5"},
)

HEALTH = GatewayHealth(
    gateway_id=GATEWAY,
    at_utc=NOON,
    queue=QueueHealth(
        epoch=3,
        last_seq=43,
        open_count=2,
        open_bytes=512,
        kept_count=41,
        kept_bytes=9000,
        oldest_at_utc=NOON - timedelta(minutes=5),
    ),
    uplink=UplinkHealth(published=50, republished=2, acknowledged=41, refused=1, late=3),
    links=(
        LinkHealth(
            name="plant",
            is_open=True,
            requests=200,
            timeouts=3,
            exceptions=2,
            mismatches=1,
            reopens=1,
            frames=50,
            skipped=4,
            crc_errors=5,
            late_answers=6,
            probes=7,
            suspects=("HM-8",),
            load=0.5,
            p50_ms=21.5,
            p99_ms=80.0,
            meters=(MeterHealth(serial="HM-7", good_at_utc=NOON), MeterHealth(serial="HM-8")),
            stretched={"HM-7": 2},
            unknown=("HM-9",),
            clocks={"HM-7": 1.5},
        ),
    ),
    settings=SettingsHealth(
        revision=3, is_on_trial=True, fingerprint="ab12", certificate_until_utc=NOON
    ),
    clock="synchronised",
)

METER_FRAME = MeterFrame(meter_id="M-1", frame=FRAME)

FILES: dict[str, bytes] = {
    "ack.json": dump_ack(ACK),
    "batch.json": dump_batch(GATEWAY, 3, [frame_json(FRAME), frame_json(LATE), gap_json(GAP)]),
    "health.json": dump_health(HEALTH),
    "meter_frame.json": dump_meter_frame(METER_FRAME),
    "result.json": dump_result(RESULT),
    "signed.json": dump_signed(SIGNED),
} | {
    f"command_{name}.json": dump_command(command(order)).encode() for name, order in ORDERS.items()
}
"""Name of the frozen file to the message as today's code writes it."""

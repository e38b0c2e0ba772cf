"""What strangers' bytes reach first: each target takes any bytes and may refuse them in words.

A target returns when the bytes are read or refused as documented; whatever else it raises is a
find. Where a checksum guards a format, it is made right, so that what lies behind is reached.
"""

import json
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import orjson

from meter_telegrams.cjt188.telegram import decode_cjt188
from meter_telegrams.errors import TelegramError
from meter_telegrams.mbus.joining import decode_readout
from meter_telegrams.mbus.telegram import decode_mbus
from meter_telegrams.wmbus.telegram import decode_wmbus
from sync_server.assets.assets import AssetError
from sync_server.assets.import_io import COLUMNS as METER_COLUMNS
from sync_server.assets.import_io import parse_meter
from sync_server.assets.network_geojson import parse_geojson
from sync_server.assets.network_import_io import middle_of, read_collection
from sync_server.customers.import_io import COLUMNS as HOME_COLUMNS
from sync_server.customers.import_io import parse_home
from sync_server.forms.builtin_io import CHECKLISTS
from sync_server.forms.form_problems import FormRefusedError
from sync_server.forms.intake_io import compile_sheets, read_form
from sync_server.forms.sheets_io import SHEETS, Sheets, cell_text
from sync_server.readings.arrivals import hash_columns, hash_frame
from sync_server.sales.sale_rows import RowError, parse_bill, parse_sale
from sync_server.sheets.table_file_io import FileRow, TableRefusedError, read_table
from sync_server.trials.reading_lines import parse_line
from sync_server.trials.trial_errors import TrialError
from wire_contracts.errors import ContractError
from wire_contracts.fields import FieldReader, JsonValue
from wire_contracts.frame_columns import split_batch
from wire_contracts.frames import (
    MAX_FRAMES,
    Batch,
    dump_batch,
    frame_json,
    gap_json,
    ms_from_utc,
    ordinary_frame,
    parse_batch,
    parse_frame,
)
from wire_contracts.payloads import unpack
from wire_contracts.quantities import Medium

DATA = Path(__file__).resolve().parent.parent / "data"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A parser to try: `seeds` are bytes that it reads, from which a fuzzer goes on."""

    name: str
    run: Callable[[bytes], None]
    seeds: Sequence[bytes]


class FoundError(AssertionError):
    """The bytes were read, and read wrongly."""


def _batch_of(data: bytes, loads: Callable[[bytes], object] | None) -> Batch | None:
    """Return the batch, None when it is refused."""
    try:
        return parse_batch(unpack("fuzz", data, loads))
    except ContractError as refused:
        str(refused)
        return None


def _verdict(found: Batch | None) -> object:
    """Return what must be the same; the reason may differ: orjson makes floats of huge integers."""
    if found is None:
        return None
    refused = [each.seq for each in found.rejected]
    return (found.gateway_id, found.epoch, found.frames, found.gaps, refused)


def edited(value: JsonValue, data: bytes) -> JsonValue:
    """Return a copy of a JSON value with changes that the bytes choose: where, and what instead.

    Bytes seldom hit the syntax of JSON; so a fuzzer reaches what stands behind it.
    """
    root: list[JsonValue] = [json.loads(json.dumps(value))]
    steps = iter(data[:64])
    for first in steps:
        _edit(root, first, steps)
    return root[0]


def _edit(root: list[JsonValue], step: int, steps: Iterator[int]) -> None:
    """Walk down by some bytes, then put something odd, or nothing, in the place."""
    place: list[JsonValue] | dict[str, JsonValue] = root
    key: int | str = 0
    while True:
        inner = place[key]  # type: ignore[index]  # the key is one of this place
        if not isinstance(inner, list | dict) or not inner or step % 5 == 4:
            break
        keys = sorted(inner) if isinstance(inner, dict) else list(range(len(inner)))
        place, key = inner, keys[step % len(keys)]
        step = next(steps, 4)
    if step % 7 == 0 and place is not root:
        del place[key]  # type: ignore[arg-type]  # as above
    else:
        place[key] = deepcopy(ODD[next(steps, 0) % len(ODD)])  # type: ignore[index]  # as above


ODD: Sequence[JsonValue] = (
    None,
    True,
    -1,
    0,
    1,
    2**31,
    2**53 + 1,
    2**64,
    1e308,
    -0.0,
    1.5,
    "",
    "x",
    "\0",
    "a" * 500,
    "\u202e",
    "2026-01-01T00:00:00Z",
    "1e999",
    [],
    {},
    [[]],
    [1, 2],
    ["a", "b"],
    {"gap": {}},
)


def run_batch(data: bytes) -> None:
    """Both readers say the same, and what they read comes back as it was."""
    if data[:1] == b"!":
        data = _json(edited(BATCH, data[1:]))
    found = _batch_of(data, None)
    if _verdict(found) != _verdict(_batch_of(data, orjson.loads)):
        message = f"two readers of JSON disagree over {data!r}"
        raise FoundError(message)
    _check_columns(data)
    if isinstance(found, Batch):
        _check_ordinary(data)
        bodies = [*map(frame_json, found.frames), *map(gap_json, found.gaps)]
        again = _batch_of(dump_batch(found.gateway_id, found.epoch, bodies), None)
        if not isinstance(again, Batch) or (again.frames, again.gaps) != (found.frames, found.gaps):
            message = f"a batch does not come back: {data!r}"
            raise FoundError(message)


def _check_ordinary(data: bytes) -> None:
    """The quick way over ordinary frames reads what the slow one reads."""
    for body in unpack("fuzz", data).objects("f", longest=MAX_FRAMES):
        quick = ordinary_frame(body.values)
        if quick is not None and quick != parse_frame(body):
            message = f"an ordinary frame is read in two ways: {body.values!r}"
            raise FoundError(message)


def _check_columns(data: bytes) -> None:
    """Frames as columns say what they say one by one, and none is lost."""
    try:
        split = split_batch(unpack("fuzz", data))
    except ContractError:
        return
    if split is None:
        return
    whole, columns = split.whole(), split.columns
    seqs = {item.seq for kind in (whole.frames, whole.gaps, whole.rejected) for item in kind}
    frames = {frame.seq: frame for frame in whole.frames}
    told = [
        (frame.device, ms_from_utc(frame.measured_at_utc), frame.profile, frame.group, frame.raw)
        for frame in (frames[seq] for seq in columns.seqs)
    ]
    found = zip(
        columns.devices,
        columns.instants_ms,
        columns.profiles,
        columns.groups,
        columns.raws,
        strict=True,
    )
    others = [item for kind in (split.odd.frames, split.gaps, split.odd.rejected) for item in kind]
    is_whole = seqs == {*columns.seqs, *(item.seq for item in others)} == set(split.seqs)
    hashes = [
        hash_frame(frames[seq], at_ms)
        for seq, at_ms in zip(columns.seqs, columns.instants_ms, strict=True)
    ]
    values = [frames[seq].values for seq in columns.seqs]
    if (
        not is_whole
        or told != list(found)
        or values != list(columns.values)
        or hashes != list(hash_columns(columns))
        or any(frame != frames[frame.seq] for frame in split.odd.frames)
    ):
        message = f"frames are read in two ways: {data!r}"
        raise FoundError(message)


def run_mbus(data: bytes) -> None:
    """Wired M-Bus: as it came, as a readout of several, and with its length and checksum right."""
    body = data[:250]
    long_frame = bytes([0x68, len(body), len(body), 0x68, *body, sum(body) & 0xFF, 0x16])
    for read, telegram in (
        (decode_mbus, data),
        (decode_readout, data),
        (decode_mbus, long_frame),
        (decode_readout, long_frame * 2),
    ):
        _refused(read, telegram)


def run_wmbus(data: bytes) -> None:
    """Wireless M-Bus, which may come without the checksums of the link layer; and with a key."""
    framed = bytes([len(data) & 0xFF]) + data[:255]
    _refused(decode_wmbus, data)
    _refused(decode_wmbus, framed)
    _refused(lambda telegram: decode_wmbus(telegram, key=bytes(16)), framed)


def run_cjt188(data: bytes) -> None:
    """CJ/T 188: as it came, and with start, length and checksum right."""
    head, body = data[:9].ljust(9, b"\0"), data[9:200]
    inner = bytes([0x68, *head, len(body), *body])
    _refused(decode_cjt188, data)
    _refused(decode_cjt188, bytes([*inner, sum(inner) & 0xFF, 0x16]))


def _refused(read: Callable[[bytes], object], telegram: bytes) -> None:
    try:
        read(telegram)
    except TelegramError as error:
        str(error)


def run_xlsform(data: bytes) -> None:
    """An XLSX as it came; and its sheets as lines of text, so that the compiler is reached."""
    try:
        if data.startswith(b"PK"):
            read_form(data)
            return
        compile_sheets(_sheets_of(data.decode("utf-8", "replace")))
    except FormRefusedError as refused:
        str(refused)


def _sheets_of(text: str) -> Sheets:
    """Return sheets from a text: a line is a row, `|` parts cells, `=` name and text of one."""
    rows: dict[str, list[Mapping[str, str]]] = {name: [] for name in SHEETS}
    headings: dict[str, list[str]] = {name: [] for name in SHEETS}
    sheet = SHEETS[0]
    for line in text.splitlines()[:60]:
        if line in rows:
            sheet = line
            continue
        cells = dict(each.split("=", 1) for each in line.split("|")[:20] if "=" in each)
        cells = {cell_text(name): cell_text(told) for name, told in cells.items()}
        cells = {name: told for name, told in cells.items() if name and told}
        rows[sheet].append(cells)
        headings[sheet] += [each for each in cells if each not in headings[sheet]]
    return Sheets(rows=rows, headings=headings)


def run_table(data: bytes) -> None:
    """A table of a stranger's file, and each row as a home, a meter, a sale and a bill."""
    try:
        table = read_table("fuzz", data)
    except TableRefusedError:
        return
    for row in table.rows[:50]:
        for parse in _ROWS:
            try:
                parse(row)
            except (AssetError, RowError) as refused:
                str(refused)


_ROWS: Sequence[Callable[[FileRow], object]] = (
    lambda row: parse_home("row", {name: row.cells.get(name, "") for name in HOME_COLUMNS}),
    lambda row: parse_meter("row", {name: row.cells.get(name, "") for name in METER_COLUMNS}),
    lambda row: parse_sale(row.cells),
    lambda row: parse_bill(row.cells),
)


def run_network(data: bytes) -> None:
    """A map of pipes; and a line of readings of a replay."""
    if data[:1] == b"!":
        data = _json(edited(_MAP if data[1:2] < b"\x80" else _READING, data[2:]))
    try:
        values = read_collection("fuzz", data)
        parse_geojson(FieldReader(place="fuzz", values=values), middle_of("fuzz", values))
    except (AssetError, ContractError) as refused:
        str(refused)
    try:
        parse_line("fuzz", data, {"M-1": Medium.WATER})
    except TrialError as refused:
        str(refused)


def _wired() -> Sequence[bytes]:
    """Return the recorded answers of meters, whole and without what `run_mbus` puts around."""
    lines = (DATA / "mbus/frames.jsonl").read_text(encoding="utf-8").splitlines()
    whole = [bytes.fromhex(json.loads(line)["hex"]) for line in lines]
    return [*whole, *(each[4:-2] for each in whole)]


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


_FRAME: JsonValue = {
    "s": 812,
    "d": "HM-100001",
    "t": 1795292648000,
    "p": "tuf_2000m@2",
    "g": "fast",
    "v": {"flow_m3h": 1.25, "volume_m3": 12},
    "q": {"supply_temp_degc": "bad_timeout"},
    "e": ["leak_water"],
    "raw": "AAEC",
}
_GAP: JsonValue = {"s": 9, "gap": {"from": 3, "to": 7, "n": 5, "why": "disk"}}
BATCH: JsonValue = {"v": 1, "gw": "gw-07", "ep": 3, "f": [_FRAME, _GAP]}
_BATCH = _json(BATCH)
_LINE: JsonValue = {"type": "LineString", "coordinates": [[116.1, 39.9], [116.2, 39.8]]}
_PIPE: JsonValue = {"id": "p", "area_id": "a", "medium": "gas", "level": "main", "diameter_mm": 100}
_MAP: JsonValue = {
    "type": "FeatureCollection",
    "features": [{"type": "Feature", "geometry": _LINE, "properties": _PIPE}],
}
_READING: JsonValue = {
    "meter": "M-1",
    "ts": "2026-01-01T00:00:00Z",
    "recv": 1767225600,
    "volume_m3": 1.5,
}
_SURVEY = """survey
type=begin group|name=g|label=G|relevant=${a} > 1
type=integer|name=a|label::English (en)=A|label::中文 (zh)=甲|constraint=. < 9|required=yes
type=select_one yn|name=b|label=B|calculation=if(${a} = 1, 'x', concat(., 'y'))
type=end group
choices
list_name=yn|name=yes|label=Yes
list_name=yn|name=no|label=No
settings
form_title=T|form_id=trial|version=1
"""
_HOME = ("p-1", "1 Lane", "c-1", "k-1", "Li", "13800000000", "household", "", "zh", "", "no", "yes")
_METER = ("M-1", "water", "household", "DN15", "", "1 Lane", "3600", "no", "")
_RADIO = (
    "1b44b031785634120107780c1378563412046d1b0d981102fd170000",
    "1b44b0317856341201073a1f780c1378563412046d1b0d981102fd1785cd0000ffff",
    "44b031785634120107780c1378563412046d1b0d981102fd170000",
    "44b0317856341201077a2a00200554ed71f8ed82805df5ea2a932882b141817f05520266555c2cb57692d3263c4e",
)
"""In the clear with and without checksums, and enciphered with sixteen zeros (mode 5)."""
_ANSWER = (
    "901f0108020000000802000000170000000035000000002c34100000352500662500000000530012100715200000"
    "3116"
)
_ANSWERS = (f"682032413140000000812e{_ANSWER}", f"203241314000000081{_ANSWER[:-4]}")
"""The published answer of a heat meter, whole and without what `run_cjt188` puts around."""


def _csv(heading: Sequence[str], row: Sequence[str]) -> bytes:
    return f"{','.join(heading)}\r\n{','.join(row)}\r\n".encode()


def targets() -> Sequence[Target]:
    """Return every target with its seeds."""
    form = (CHECKLISTS / "cold-room.xlsx").read_bytes()
    return (
        Target(
            name="batch", run=run_batch, seeds=[_BATCH, zlib.compress(_BATCH), b"!", b"!\3\0\4\13"]
        ),
        Target(name="mbus", run=run_mbus, seeds=_wired()),
        Target(name="wmbus", run=run_wmbus, seeds=[bytes.fromhex(each) for each in _RADIO]),
        Target(name="cjt188", run=run_cjt188, seeds=[bytes.fromhex(each) for each in _ANSWERS]),
        Target(name="xlsform", run=run_xlsform, seeds=[_SURVEY.encode(), form]),
        Target(
            name="imports",
            run=run_table,
            seeds=[_csv(HOME_COLUMNS, _HOME), _csv(METER_COLUMNS, _METER), form],
        ),
        Target(
            name="network",
            run=run_network,
            seeds=[_json(_MAP), _json(_READING), b"!\0\0\4\5", b"!\xff\0\4"],
        ),
    )

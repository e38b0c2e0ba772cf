"""What must hold of every tablet once everything has come to rest, and held on the way."""

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import reduce
from operator import xor

from field_app.store.personal_rows import CIPHERTEXT
from field_app.store.upload_store import PhotoStatus
from sync_server.blobs.blob_store import BlobState
from sync_server.work_orders.dispatch import KEEP_ON_TABLETS
from sync_server.work_orders.order import OrderRecord
from sync_server.work_orders.order_rows_store import buckets_of
from tests.sync_simulation.ledgers import Row, ServerAtRest
from tests.sync_simulation.office import CUSTOMER
from tests.sync_simulation.tablets import SIDE_FILES, SimulatedTablet
from tests.sync_simulation.world import MOST_FAIR_ROUNDS, World
from wire_contracts import order_person
from wire_contracts.fields import JsonObject
from wire_contracts.frames import ms_from_utc
from wire_contracts.orders import ENTITY, order_json
from wire_contracts.payloads import read_json
from wire_contracts.pulls import hash_row
from wire_contracts.work_order_states import ENDED, WorkOrderState

UNDER_WAY = frozenset(
    {
        WorkOrderState.ACCEPTED,
        WorkOrderState.EN_ROUTE,
        WorkOrderState.ON_SITE,
        WorkOrderState.WORKING,
    }
)

_WORDS_ON_THE_WAY = """
    SELECT 1 FROM outbox_op WHERE order_id = ?
        AND (look = 1 OR status IN ('queued', 'sending', 'received', 'held'))
    UNION ALL SELECT 1 FROM draft_answer WHERE order_id = ?"""


def every_base_is_the_servers_scope_query(world: World, found: ServerAtRest) -> list[str]:
    """I3: each tablet's base == the server's scope query, rows and hashes."""
    broken: list[str] = []
    for tablet in _served(world):
        held = {key: document for key, (document, _) in _base(tablet).items()}
        wanted = _wanted(tablet, found, world)
        orders = {key: document for key, document in held.items() if key[1] == ENTITY}
        broken += [f"{tablet.name} lacks {key}" for key in wanted.keys() - orders.keys()]
        broken += [
            f"{tablet.name} has another {key}"
            for key in wanted.keys() & orders.keys()
            if orders[key] != wanted[key]
        ]
        broken += _others_that_differ(tablet, found)
    return broken


def _served(world: World) -> list[SimulatedTablet]:
    """Return the tablets that the office has not withdrawn, or has enrolled anew since."""
    return [tablet for tablet in world.tablets if not _is_out(tablet)]


def _is_out(tablet: SimulatedTablet) -> bool:
    """Return whether a tablet gets nothing, also where a restored server forgot why."""
    return tablet.line.is_shut_out() or tablet.is_withdrawn()


def _base(tablet: SimulatedTablet) -> dict[Row, tuple[JsonObject, int]]:
    query = "SELECT bucket, entity, entity_id, document, row_hash FROM base_row WHERE bucket != ''"
    return {
        (str(bucket), str(entity), str(entity_id)): (json.loads(str(document)), int(str(row_hash)))
        for bucket, entity, entity_id, document, row_hash in tablet.rows(query)
    }


def _wanted(tablet: SimulatedTablet, found: ServerAtRest, world: World) -> dict[Row, JsonObject]:
    """Return the orders that the tablet must hold, from the orders themselves."""
    scope = found.scopes[tablet.name]
    return {
        (bucket, ENTITY, order_id): order_json(order.document)
        for order_id, order in found.orders.items()
        for bucket in buckets_of(order) & scope
        if not _was_taken_off((bucket, ENTITY, order_id), order, found, world)
    }


def _was_taken_off(row: Row, order: OrderRecord, found: ServerAtRest, world: World) -> bool:
    """Return whether upkeep took an order off the tablets, as it may when it ended long ago."""
    ended_before_utc = world.clock.now_utc() - KEEP_ON_TABLETS
    is_old = order.state in ENDED and order.changed_at_utc < ended_before_utc
    return is_old and row not in found.shown


def _others_that_differ(tablet: SimulatedTablet, found: ServerAtRest) -> Iterator[str]:
    """Compare what is no order (people, things of a newer server) by hash."""
    scope = found.scopes[tablet.name]
    held: dict[Row, int] = {}
    for key, (document, row_hash) in _base(tablet).items():
        if hash_row(key[1], key[2], _as_it_came(key, document)) != row_hash:
            yield f"{tablet.name} does not hold {key} as it came"
        if key[1] != ENTITY:
            held[key] = row_hash
    wanted = {
        key: row_hash
        for key, (_, row_hash) in found.shown.items()
        if key[0] in scope and key[1] != ENTITY
    }
    for key in held.keys() | wanted.keys():
        if held.get(key) != wanted.get(key):
            yield f"{tablet.name} has another {key} than the server"


def _as_it_came(key: Row, document: JsonObject) -> JsonObject:
    """Return the document that the server sent: who is to be met is kept as ciphertext."""
    if key[1] != order_person.ENTITY:
        return document
    plain = base64.b64decode(str(document.get(CIPHERTEXT, "")))
    return dict(read_json("row", plain).values) if plain else {}


def nothing_outside_the_scope_stays(world: World, found: ServerAtRest) -> list[str]:
    """I4: no row outside the scope, except ones with words of the crew's own on the way."""
    broken = [*world.watch.of("I4"), *_left_on_withdrawn_tablets(world)]
    broken += _customers_in_words(world)
    broken += _customers_out_of_their_window(world, found)
    for tablet in _served(world):
        wanted = _wanted(tablet, found, world)
        broken += [
            f"{tablet.name} still has {key}"
            for key in _base(tablet)
            if key[1] == ENTITY and key not in wanted
        ]
        for (order_id,) in tablet.rows("SELECT entity_id FROM base_row WHERE bucket = ''"):
            if not tablet.rows(_WORDS_ON_THE_WAY, str(order_id), str(order_id)):
                broken.append(f"{tablet.name} keeps {order_id} for nothing")
        full = tablet.rows("SELECT name FROM bucket WHERE row_count != 0 OR checksum != 0")
        names = {str(name) for (name,) in full}
        if not names <= found.scopes[tablet.name]:
            broken.append(f"{tablet.name} has buckets {names - found.scopes[tablet.name]}")
    return broken


def _left_on_withdrawn_tablets(world: World) -> Iterator[str]:
    for tablet in world.tablets:
        if _is_out(tablet) and (_base(tablet) or tablet.orders()):
            yield f"{tablet.name} was withdrawn and keeps what it had received"


def _customers_in_words(world: World) -> Iterator[str]:
    for tablet in world.tablets:
        for name in SIDE_FILES:
            path = tablet.folder / name
            if path.exists() and CUSTOMER.encode() in path.read_bytes():
                yield f"{tablet.name}: {name} holds a customer's name"


def _customers_out_of_their_window(world: World, found: ServerAtRest) -> Iterator[str]:
    """Compare who is on tablets with who should be: the next two days, and work under way (R19)."""
    latest_ms = ms_from_utc(world.clock.now_utc() + timedelta(hours=48))
    wanted = {
        (f"personal:{order.document.crew_id}", order_person.ENTITY, order_id)
        for order_id, order in found.orders.items()
        if order_id in found.appointments
        and order.document.crew_id is not None
        and (
            order.state in UNDER_WAY
            or (
                order.state is WorkOrderState.RELEASED and found.appointments[order_id] <= latest_ms
            )
        )
    }
    shown = {key for key in found.shown if key[1] == order_person.ENTITY}
    for key in wanted ^ shown:
        yield f"{key} is {'not shown' if key in wanted else 'shown'} to its crew"


def no_token_went_back_or_passed_a_change(world: World, found: ServerAtRest) -> list[str]:
    """I5: the token never moves back within one replica; what it covers is reflected."""
    del found
    return world.watch.of("I5")


def own_words_are_always_read(world: World, found: ServerAtRest) -> list[str]:
    """I9: a tablet always reads its own pending writes, and never an older row than before."""
    del found
    return world.watch.of("I9")


def every_photo_is_there_or_awaited(world: World, found: ServerAtRest) -> list[str]:
    """I11: blob bytes hash to their name; every photo is there or awaited; none deleted before."""
    return [
        *_blobs_that_are_something_else(world, found),
        *_photos_of_nowhere(found),
        *_photos_let_go(world, found),
    ]


def _blobs_that_are_something_else(world: World, found: ServerAtRest) -> Iterator[str]:
    files = world.blob_files
    for sha256 in files.names():
        if hashlib.sha256(files.path_of(sha256).read_bytes()).hexdigest() != sha256:
            yield f"the bytes of {sha256[:12]} are not what their name says"
    for sha256, state in found.blobs.items():
        if state == BlobState.HAVE and files.size_of(sha256) is None:
            yield f"{sha256[:12]} is said to be here, and is not"


def _photos_of_nowhere(found: ServerAtRest) -> Iterator[str]:
    for sha256 in found.photos:
        if found.blobs.get(sha256) not in {BlobState.HAVE, BlobState.AWAITING}:
            yield f"the photo {sha256[:12]} is neither here nor awaited"


def _photos_let_go(world: World, found: ServerAtRest) -> Iterator[str]:
    for tablet in world.tablets:
        for name, status in tablet.rows("SELECT sha256, status FROM photo_job"):
            sha256 = str(name)
            is_kept = status != PhotoStatus.DONE and tablet.real._photo_files.has(sha256)
            if found.blobs.get(sha256) != BlobState.HAVE and not is_kept:
                yield f"{tablet.name} has let go of {sha256[:12]} before it was here"


def every_checksum_adds_up(world: World, found: ServerAtRest) -> list[str]:
    """I12: the incremental checksum of every bucket == the one computed anew, on both sides."""
    broken = [f"server: {bucket}" for bucket in found.broken]
    for tablet in world.tablets:
        sums = _sums(tablet)
        for name, count, checksum in tablet.rows("SELECT name, row_count, checksum FROM bucket"):
            if sums.get(str(name), (0, 0)) != (count, checksum):
                broken.append(f"{tablet.name}: {name}")
        reports = tablet.rows("SELECT body FROM sync_report WHERE kind = 'bucket_mismatch'")
        broken += [f"{tablet.name}: {body}" for (body,) in reports]
    return broken


def _sums(tablet: SimulatedTablet) -> Mapping[str, tuple[int, int]]:
    hashes: dict[str, list[int]] = {}
    for (bucket, _, _), (_, row_hash) in _base(tablet).items():
        hashes.setdefault(bucket, []).append(row_hash)
    return {bucket: (len(each), reduce(xor, each, 0)) for bucket, each in hashes.items()}


def every_outbox_drains(world: World, found: ServerAtRest) -> list[str]:
    """I13: with a fair network every outbox drains; one poison operation delays no other."""
    del found
    broken = [
        f"the outbox of {tablet.name} does not drain"
        for tablet in world.tablets
        if not world.is_at_rest(tablet)
    ]
    broken += [f"{name}: {reason}" for name, reason in world.unwell.items()]
    broken += world.watch.of("I13")
    if world.fair_rounds > MOST_FAIR_ROUNDS:
        broken.append(f"it took {world.fair_rounds} fair syncs of every tablet")
    return broken


def times_are_monotone_within_a_boot(world: World, found: ServerAtRest) -> list[str]:
    """I14: corrected times are monotone within a boot."""
    broken: list[str] = []
    latest: dict[tuple[str, str], int] = {}
    for made in sorted(world.made.values(), key=lambda made: made.mono_ms):
        line = found.ledger.get(made.op_id)
        if line is None:
            continue
        boot = (made.made_by, str(made.at["boot_id"]))
        if line.happened_at_ms < latest.get(boot, 0):
            broken.append(f"{made.op_id} happened before what {made.made_by} did earlier")
        latest[boot] = max(latest.get(boot, 0), line.happened_at_ms)
    return broken


def older_versions_understand_every_answer(world: World, found: ServerAtRest) -> list[str]:
    """I15: wire and store of protocol n-1 and n-2 interoperate."""
    del found
    return [f"{tablet.name}: {each}" for tablet in world.tablets for each in tablet.line.misread]

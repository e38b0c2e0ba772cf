"""What the review page says of a kind of item: its chip, why it is there, what is to be done."""

from collections.abc import Mapping

from sync_server.sync.review_store import ReviewKind
from sync_server.web.words import mark

KIND_WORDS: Mapping[ReviewKind, tuple[str, str, str]] = {
    ReviewKind.REFUSED: ("warn", "lock", mark("refused")),
    ReviewKind.CONFLICT: ("danger", "merge", mark("conflict")),
    ReviewKind.MERGED: ("info", "merge", mark("merged")),
    ReviewKind.DONE_AFTER_CANCEL: ("warn", "check", mark("done after cancel")),
    ReviewKind.ORPHAN_FACT: ("warn", "link", mark("not linked")),
    ReviewKind.OP_ID_REUSE: ("danger", "warn", mark("id used twice")),
    ReviewKind.CLONED_STORE: ("danger", "tablet", mark("cloned tablet")),
    ReviewKind.REVOKED_TABLET: ("warn", "tablet", mark("revoked tablet")),
    ReviewKind.SEALED_UNREAD: ("danger", "lock", mark("cannot be opened")),
    ReviewKind.SEALED_UNUSED: ("warn", "lock", mark("cannot be used")),
    ReviewKind.SELF_CHECK: ("danger", "warn", mark("self-check")),
    ReviewKind.CREW_DANGER: ("danger", "warn", mark("crew in danger")),
    ReviewKind.HANDED_OVER: ("info", "link", mark("handed over")),
    ReviewKind.PHOTO_REFUSED: ("warn", "warn", mark("photo not taken")),
    ReviewKind.UNKNOWN_AUTHOR: ("warn", "tablet", mark("unknown author")),
    ReviewKind.STORE_DAMAGED: ("warn", "tablet", mark("damaged tablet file")),
    ReviewKind.LOST_ORDER: ("danger", "board", mark("lost order")),
    ReviewKind.ROWS_DIFFER: ("warn", "tablet", mark("rows differ")),
    ReviewKind.LEFT_CLOSED: ("danger", "lock", mark("valve left closed")),
}
"""Kind of review -> class and icon of its chip, and what it is called."""

REASONS: Mapping[str, str] = {
    "state": mark("The order did not stand where the step begins."),
    "taken": mark("Another crew had taken the order."),
    "not_yours": mark("The order, or the person, was not this tablet’s."),
    "evidence.missing": mark("Result and form were missing."),
    "gone": mark("The order is not known here."),
    "field.office": mark("The office decides this field."),
    "field.unknown": mark("An order has no such field."),
    "field.range": mark("The field does not take this value."),
    "entity.unknown": mark("This server does not know that kind of thing."),
    "role.refused": mark("This step belongs to the office."),
    "op_id_reuse": mark("The same operation came with two contents; both are kept."),
    "operation.failed": mark("The server could not apply it; see its log."),
    "version.unsupported": mark("The form’s version is not known here."),
    "pull.reset": mark(
        "A tablet knows changes that this server has not: the database was put back by hand."
    ),
    "conflict": mark("Two hands wrote it, or it came twice with two contents; all is kept."),
    "not_found": mark("What it needs is not here: a key, or the order."),
    "token.revoked": mark("The tablet’s access had been ended."),
    "store.damaged": mark("What the tablet could read out of it was sent on."),
    "payload.form": mark("The key fits, but what is inside is damaged or of no known kind."),
    "blob.content": mark("What came is no picture; it is kept aside."),
    "blob.hash": mark("What came was damaged three times; it is still on the tablet."),
    "payload.too_large": mark("It is larger than any photo may be; it is still on the tablet."),
    "field.missing": mark("What came is not whole: a part is missing."),
    "field.type": mark("What came is damaged: a part is of another kind."),
    "json.syntax": mark("What came is damaged and cannot be read."),
    "help.wanted": mark("Call the crew now; send somebody when nobody answers."),
    "handed.over": mark("The order is half done: see its hand-over and release it to a crew."),
}
"""Code -> why, for a dispatcher; another code is shown as it is."""

OWN_WORDS: Mapping[ReviewKind, tuple[str, str]] = {
    ReviewKind.SELF_CHECK: (
        mark("The server compared its records with each other, and some do not fit."),
        mark("Tell the technician: `sync-server check-sync` names each record."),
    ),
    ReviewKind.LOST_ORDER: (
        mark("It was made after the copy that this server was restored from."),
        mark(
            "Look whether its work is under another order by now. If not, make it again: what crews"
            " told of it counts then, and what they tell later. Enter again whom the crew meets."
        ),
    ),
    ReviewKind.ROWS_DIFFER: (
        mark("It fetched everything anew, and still something is missing or too much."),
        mark(
            "Compare the crew’s list with its orders by telephone, and tell the technician: the"
            " tablet’s report is in the folder `stores`."
        ),
    ),
    ReviewKind.LEFT_CLOSED: (
        mark("The order is done or cancelled, and no crew looks at its valves any more."),
        mark(
            "Ask the crew whether the valve is open again. If it is not, make an order to open it;"
            " customers behind it have no supply."
        ),
    ),
}
"""Kind whose codes say nothing of it -> why it is here, and what is to be done."""

_BY_HAND = mark("Ask the crew what it wanted to write, and enter it by hand.")
_PHOTO = mark("Ask the crew for the photo again, or note at the order that there is none.")

ADVICE: Mapping[str, str] = {
    "state": mark("Open the order: if the work was done, take the order on there; else nothing."),
    "taken": mark("Ask both crews who is there; leave the order with one of them."),
    "not_yours": mark("Ask the crew whether it did the work; if so, note it at the order."),
    "evidence.missing": mark("Ask the crew for result and form; it finishes the order again."),
    "gone": mark("Ask the crew what it was about; enter it again where it belongs."),
    "field.office": mark("Choose the value that is right; the crew reads your reason."),
    "field.unknown": _BY_HAND,
    "field.range": _BY_HAND,
    "field.missing": _BY_HAND,
    "field.type": _BY_HAND,
    "json.syntax": _BY_HAND,
    "entity.unknown": _BY_HAND,
    "version.unsupported": _BY_HAND,
    "role.refused": mark("Make the step at the order yourself when it is right."),
    "op_id_reuse": mark("Compare both, enter the right one; let the tablet be looked at."),
    "operation.failed": mark("Enter by hand what is shown here, and tell the technician."),
    "pull.reset": mark(
        "Stop the server, run `sync-server new-epoch`, start it: tablets offer their work again."
    ),
    "conflict": mark("Choose the value that stands; the crew reads your reason."),
    "not_found": mark("Ask the crew which order or person it belongs to, and note it there."),
    "token.revoked": mark("Ask the crew whether it did this; enter by hand what is true."),
    "store.damaged": mark("Ask the crew what it did lately, and compare with its orders."),
    "payload.form": mark("Ask the crew what it did lately, and compare with its orders."),
    "blob.content": _PHOTO,
    "blob.hash": _PHOTO,
    "payload.too_large": _PHOTO,
    "help.wanted": mark("Write here who was reached and what was done."),
    "handed.over": mark("Open the order, read its hand-over, release it to the next crew."),
}
"""Code -> what the person in the office does about it."""

THINGS: Mapping[str, str] = {
    "work_order": mark("an order that is not known here"),
    "tablet": mark("a tablet that is not known here"),
    "account": mark("a person who is not known here"),
    "patrol_plan": mark("route"),
    "checkpoint": mark("Checkpoint"),
    "household": mark("Home"),
    "round_meter": mark("Meter"),
    "blob": mark("Photo"),
    "draft": mark("Draft"),
    "operation": mark("an operation that cannot be read"),
    "sealing_key": mark("a key that is not here"),
    "server_epoch": mark("The server’s database"),
}
"""Thing of a review item -> what it is called where it has no number or name."""

SELF_CHECKS: Mapping[str, str] = {
    "bucket sums": mark("sums of what tablets were given"),
    "changes beyond the head": mark("changes with a number that was never given"),
    "documents and hashes": mark("documents that do not fit their check value"),
    "orders in a foreign bucket": mark("orders shown to a crew that has them not"),
    "effects without an operation": mark("effects that no operation made"),
    "operations without their effect": mark("operations without their effect"),
    "refusals nobody was shown": mark("refusals that nobody was shown"),
    "paths of orders": mark("orders whose steps do not follow each other"),
}
"""Rule of the server's own check -> what it found wrong."""

FACT_PARTS: Mapping[str, str] = {
    "about": mark("About"),
    "accuracy_m": mark("Accuracy, m"),
    "appointment": mark("Appointment"),
    "at": mark("Time"),
    "by": mark("By whom"),
    "checked_at": mark("Time"),
    "defect": mark("Defect"),
    "distance_m": mark("Distance, m"),
    "instructions": mark("Instructions"),
    "kind": mark("Kind"),
    "latitude_deg": mark("Latitude, °"),
    "longitude_deg": mark("Longitude, °"),
    "measured_at": mark("Time"),
    "medium": mark("Medium"),
    "minutes": mark("Minutes"),
    "name": mark("Name"),
    "number": mark("Number"),
    "order_type": mark("Kind"),
    "outcome": mark("Result"),
    "phone": mark("Phone"),
    "place": mark("Place"),
    "quantity": mark("Quantity"),
    "reason": mark("Reason"),
    "serial": mark("Device"),
    "tag_number": mark("Number of the tag"),
    "text": mark("In words"),
    "unit": mark("Unit"),
    "value": mark("Value"),
}
"""Part of what a crew sent -> what it is called, beside the fields of an order."""

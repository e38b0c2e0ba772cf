"""What a person has to look at because of a crew's work: with an owner and a due time."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, Row, Select, bindparam, select, update

from sync_server.access.refusals import not_found
from sync_server.access.roles import Action, Role
from sync_server.access.secrets_io import new_id
from sync_server.db.bulk_io import put_cells
from sync_server.db.feed_store import Topic, append_feed, append_feed_all
from sync_server.db.order_tables import FACT, WORK_ORDER
from sync_server.db.sync_tables import REVIEW_ITEM
from sync_server.work_orders.order_store import check_may
from sync_server.work_orders.policy_store import review_due_at
from wire_contracts.codes import Code
from wire_contracts.frames import ms_from_utc, utc_from_ms
from wire_contracts.texts import BilingualText

SERVER = "server"
"""Who resolved an item that settled itself."""


class ReviewKind(StrEnum):
    """Why somebody must look."""

    REFUSED = "refused"
    CONFLICT = "conflict"
    MERGED = "merged"
    DONE_AFTER_CANCEL = "done_after_cancel"
    ORPHAN_FACT = "orphan_fact"
    OP_ID_REUSE = "op_id_reuse"
    CLONED_STORE = "cloned_store"
    REVOKED_TABLET = "revoked_tablet"
    SEALED_UNREAD = "sealed_unread"
    SEALED_UNUSED = "sealed_unused"
    SELF_CHECK = "self_check"
    CREW_DANGER = "crew_danger"
    HANDED_OVER = "handed_over"
    PHOTO_REFUSED = "photo_refused"
    STORE_DAMAGED = "store_damaged"
    UNKNOWN_AUTHOR = "unknown_author"
    LOST_ORDER = "lost_order"
    ROWS_DIFFER = "rows_differ"
    LEFT_CLOSED = "left_closed"


OWNER: dict[ReviewKind, Role] = {
    ReviewKind.REFUSED: Role.DISPATCHER,
    ReviewKind.CONFLICT: Role.DISPATCHER,
    ReviewKind.MERGED: Role.DISPATCHER,
    ReviewKind.DONE_AFTER_CANCEL: Role.DISPATCHER,
    ReviewKind.ORPHAN_FACT: Role.DISPATCHER,
    ReviewKind.OP_ID_REUSE: Role.CONTROL_ROOM,
    ReviewKind.CLONED_STORE: Role.CONTROL_ROOM,
    ReviewKind.REVOKED_TABLET: Role.DISPATCHER,
    ReviewKind.SEALED_UNREAD: Role.CONTROL_ROOM,
    ReviewKind.SEALED_UNUSED: Role.CONTROL_ROOM,
    ReviewKind.SELF_CHECK: Role.CONTROL_ROOM,
    ReviewKind.CREW_DANGER: Role.CONTROL_ROOM,
    ReviewKind.HANDED_OVER: Role.DISPATCHER,
    ReviewKind.PHOTO_REFUSED: Role.DISPATCHER,
    ReviewKind.STORE_DAMAGED: Role.CONTROL_ROOM,
    ReviewKind.UNKNOWN_AUTHOR: Role.DISPATCHER,
    ReviewKind.LOST_ORDER: Role.DISPATCHER,
    ReviewKind.ROWS_DIFFER: Role.CONTROL_ROOM,
    ReviewKind.LEFT_CLOSED: Role.DISPATCHER,
}
"""Only roles that may see and resolve the queue; `access.roles` says which, a test compares."""

TEXT: dict[ReviewKind, BilingualText] = {
    ReviewKind.REFUSED: BilingualText(en="The crew's step was refused", zh="班组的操作被拒绝"),
    ReviewKind.CONFLICT: BilingualText(
        en="The crew wrote a value that does not stand", zh="班组填写的值未被采用"
    ),
    ReviewKind.MERGED: BilingualText(
        en="Office and crew wrote the same field", zh="办公室与班组同时修改了同一字段"
    ),
    ReviewKind.DONE_AFTER_CANCEL: BilingualText(
        en="The crew finished an order that was cancelled or given to another crew",
        zh="班组完成了已取消或已转派的工单",
    ),
    ReviewKind.ORPHAN_FACT: BilingualText(
        en="The crew's record waits for an order or a form that is not known here",
        zh="班组的记录所属工单或表单版本在此不存在，已暂存",
    ),
    ReviewKind.OP_ID_REUSE: BilingualText(
        en="One operation id came with two contents", zh="同一操作编号出现两种内容"
    ),
    ReviewKind.CLONED_STORE: BilingualText(
        en="Two copies of one tablet's store are in use", zh="同一平板数据出现两个副本"
    ),
    ReviewKind.REVOKED_TABLET: BilingualText(
        en="This came in from a tablet that was revoked", zh="此内容来自已被收回的平板"
    ),
    ReviewKind.SEALED_UNREAD: BilingualText(
        en="Something came in sealed and cannot be opened: its key is not here",
        zh="收到加密内容，但本机没有对应密钥，无法打开",
    ),
    ReviewKind.SEALED_UNUSED: BilingualText(
        en="Something came in sealed that is not what it says; it is kept as it came",
        zh="收到的加密内容与其说明不符，已按原样保存",
    ),
    ReviewKind.SELF_CHECK: BilingualText(
        en="The server's own check of its records failed", zh="服务器自检发现记录不一致"
    ),
    ReviewKind.CREW_DANGER: BilingualText(
        en="Somebody of a crew calls for help or does not answer",
        zh="班组人员呼救或未按时应答",
    ),
    ReviewKind.HANDED_OVER: BilingualText(
        en="A crew handed over a half-done order: give it to the next one",
        zh="班组移交了未完成的工单，请安排下一班组",
    ),
    ReviewKind.PHOTO_REFUSED: BilingualText(
        en="A photo of the crew could not be taken: ask for another one",
        zh="班组的一张照片无法接收：请其重新提供",
    ),
    ReviewKind.STORE_DAMAGED: BilingualText(
        en="A tablet's file was damaged; the file and what was read out of it are here",
        zh="一台平板的数据文件损坏，该文件及恢复情况已上传",
    ),
    ReviewKind.UNKNOWN_AUTHOR: BilingualText(
        en="Work of a person or crew that this server does not know there: ask, put it right",
        zh="收到本机未登记的人员、或不属于该班组的人员或工单的操作：请向班组核实并更正",
    ),
    ReviewKind.LOST_ORDER: BilingualText(
        en="Tablets had an order that this server does not know: make it again?",
        zh="平板上有一张本机没有的工单：是否重新建立？",
    ),
    ReviewKind.ROWS_DIFFER: BilingualText(
        en="What a tablet lists does not add up to what this server gave it",
        zh="一台平板上的数据与服务器下发的不一致",
    ),
    ReviewKind.LEFT_CLOSED: BilingualText(
        en="A valve stays closed at an order in which nobody goes on",
        zh="工单已结束，但仍有阀门处于关闭状态",
    ),
}


_DUE_LIKE: dict[ReviewKind, ReviewKind] = {
    ReviewKind.PHOTO_REFUSED: ReviewKind.REFUSED,
    ReviewKind.STORE_DAMAGED: ReviewKind.CLONED_STORE,
    ReviewKind.SEALED_UNUSED: ReviewKind.SEALED_UNREAD,
    ReviewKind.UNKNOWN_AUTHOR: ReviewKind.REFUSED,
    ReviewKind.LOST_ORDER: ReviewKind.REFUSED,
    ReviewKind.ROWS_DIFFER: ReviewKind.CLONED_STORE,
    ReviewKind.LEFT_CLOSED: ReviewKind.HANDED_OVER,
}
"""Kinds that have no due time of their own in the policies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewReview:
    """Something to look at: what, because of which operation, about which thing."""

    kind: ReviewKind
    op_id: str | None
    entity: str
    entity_id: str
    code: Code


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewItem:
    """A review item as a person sees it; `op_id` leads to the kept operation and conflict."""

    review_id: str
    kind: ReviewKind
    op_id: str | None
    entity: str
    entity_id: str
    code: Code
    text: BilingualText
    owner_role: Role
    created_at_utc: datetime
    due_at_utc: datetime
    resolved_at_utc: datetime | None
    resolved_by: str | None
    resolution: str | None
    choice: str | None = None
    chosen_value: str | None = None


def add_review(connection: Connection, new: NewReview, now_utc: datetime) -> str:
    """Return the id of a new item; its owner and due time follow from its kind."""
    review_id = new_id(now_utc)
    text = TEXT[new.kind]
    due_like = _DUE_LIKE.get(new.kind, new.kind)
    cells = {
        "review_id": review_id,
        "kind": str(new.kind),
        "op_id": new.op_id,
        "entity": new.entity,
        "entity_id": new.entity_id,
        "code": str(new.code),
        "text_en": text.en,
        "text_zh": text.zh,
        "owner_role": str(OWNER[new.kind]),
        "created_at_ms": ms_from_utc(now_utc),
        "due_at_ms": ms_from_utc(review_due_at(connection, due_like, now_utc)),
    }
    put_cells(connection, REVIEW_ITEM, [cells])
    append_feed(connection, Topic.REVIEW, review_id, now_utc)
    return review_id


def add_review_once(connection: Connection, new: NewReview, now_utc: datetime) -> None:
    """Make a review item, unless an open one of that kind about that thing says so already."""
    is_open = select(REVIEW_ITEM.c.review_id).where(
        REVIEW_ITEM.c.kind == str(new.kind),
        REVIEW_ITEM.c.entity == new.entity,
        REVIEW_ITEM.c.entity_id == new.entity_id,
        REVIEW_ITEM.c.resolved_at_ms.is_(None),
    )
    if connection.execute(is_open).first() is None:
        add_review(connection, new, now_utc)


def list_reviews(connection: Connection, *, is_open: bool | None = True) -> list[ReviewItem]:
    """Return the items, those due first at the top; `is_open` None returns resolved ones too."""
    query = _query().order_by(REVIEW_ITEM.c.due_at_ms, REVIEW_ITEM.c.review_id)
    if is_open is not None:
        is_unresolved = REVIEW_ITEM.c.resolved_at_ms.is_(None)
        query = query.where(is_unresolved if is_open else ~is_unresolved)
    return [_item(row) for row in connection.execute(query)]


def get_review(connection: Connection, review_id: str) -> ReviewItem | None:
    """Return one item, resolved or not; None when there is none of that id."""
    row = connection.execute(_query().where(REVIEW_ITEM.c.review_id == review_id)).one_or_none()
    return None if row is None else _item(row)


def close_linked(connection: Connection, now_utc: datetime) -> int:
    """Return how many items of parked facts were closed because the fact is linked by now."""
    closed = connection.execute(_CLOSE_LINKED, {"now_ms": ms_from_utc(now_utc)}).scalars()
    review_ids = sorted(closed)
    append_feed_all(connection, Topic.REVIEW, review_ids, now_utc)
    return len(review_ids)


_CLOSE_LINKED = (
    update(REVIEW_ITEM)
    .where(
        REVIEW_ITEM.c.kind == str(ReviewKind.ORPHAN_FACT),
        REVIEW_ITEM.c.resolved_at_ms.is_(None),
        REVIEW_ITEM.c.op_id.in_(select(FACT.c.op_id).where(FACT.c.waits_for.is_(None))),
    )
    .values(resolved_at_ms=bindparam("now_ms"), resolved_by=SERVER, resolution="linked")
    .returning(REVIEW_ITEM.c.review_id)
)
"""Built once: asked every few minutes."""


def close_found(connection: Connection, now_utc: datetime) -> int:
    """Return how many questions for lost orders were closed because the order is here by now."""
    closed = connection.execute(_CLOSE_FOUND, {"now_ms": ms_from_utc(now_utc)}).scalars()
    review_ids = sorted(closed)
    append_feed_all(connection, Topic.REVIEW, review_ids, now_utc)
    return len(review_ids)


_CLOSE_FOUND = (
    update(REVIEW_ITEM)
    .where(
        REVIEW_ITEM.c.kind == str(ReviewKind.LOST_ORDER),
        REVIEW_ITEM.c.resolved_at_ms.is_(None),
        REVIEW_ITEM.c.entity_id.in_(select(WORK_ORDER.c.order_id)),
    )
    .values(resolved_at_ms=bindparam("now_ms"), resolved_by=SERVER, resolution="linked")
    .returning(REVIEW_ITEM.c.review_id)
)


ANSWERED = "answered"
"""How a call for somebody who did not answer is resolved when the answer comes."""


def close_answered(connection: Connection, review_id: str, now_utc: datetime) -> None:
    """Close a question about a person who has answered by now, where nobody has."""
    connection.execute(
        update(REVIEW_ITEM)
        .where(REVIEW_ITEM.c.review_id == review_id, REVIEW_ITEM.c.resolved_at_ms.is_(None))
        .values(resolved_at_ms=ms_from_utc(now_utc), resolved_by=SERVER, resolution=ANSWERED)
    )
    append_feed(connection, Topic.REVIEW, review_id, now_utc)


def reviews_of(connection: Connection, entity: str, entity_id: str) -> list[ReviewItem]:
    """Return every item about one thing, the oldest first."""
    query = _query().where(REVIEW_ITEM.c.entity == entity, REVIEW_ITEM.c.entity_id == entity_id)
    return [_item(row) for row in connection.execute(query.order_by(REVIEW_ITEM.c.review_id))]


def resolve_review(
    connection: Connection, review_id: str, actor: str, resolution: str, now_utc: datetime
) -> None:
    """Close an item with what was decided; raise ContractError when it is not open."""
    check_may(connection, actor, Action.RESOLVE_REVIEW)
    done = connection.execute(
        update(REVIEW_ITEM)
        .where(REVIEW_ITEM.c.review_id == review_id, REVIEW_ITEM.c.resolved_at_ms.is_(None))
        .values(resolved_at_ms=ms_from_utc(now_utc), resolved_by=actor, resolution=resolution)
    )
    if done.rowcount == 0:
        raise not_found(f"review item {review_id!r}", "open review item")
    append_feed(connection, Topic.REVIEW, review_id, now_utc)


def _query() -> Select[str]:
    return select(REVIEW_ITEM)


def _item(row: Row[str]) -> ReviewItem:
    return ReviewItem(
        review_id=row.review_id,
        kind=ReviewKind(row.kind),
        op_id=row.op_id,
        entity=row.entity,
        entity_id=row.entity_id,
        code=Code(row.code),
        text=BilingualText(en=row.text_en, zh=row.text_zh),
        owner_role=Role(row.owner_role),
        created_at_utc=utc_from_ms(row.created_at_ms),
        due_at_utc=utc_from_ms(row.due_at_ms),
        resolved_at_utc=None if row.resolved_at_ms is None else utc_from_ms(row.resolved_at_ms),
        resolved_by=row.resolved_by,
        resolution=row.resolution,
        choice=row.choice,
        chosen_value=row.chosen_value,
    )

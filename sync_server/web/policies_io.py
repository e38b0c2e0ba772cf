"""The routes of the policies: every rule of the utility with its versions, and a new version."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from sync_server.access.roles import Action, may
from sync_server.db.engine_io import reading
from sync_server.web.guarded_io import ChangePolicy, SeePolicies
from sync_server.web.page_queries_store import account_names
from sync_server.web.pages_io import Notice, Pages, Reader, see_other
from sync_server.web.policy_names import policy_name
from sync_server.web.policy_words import shipped_words
from sync_server.web.words import Words, mark, number
from sync_server.work_orders.policy_store import PolicyRow, list_policies, set_policy
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError

_MOST: Final = 1_000_000.0


class PolicyForm(BaseModel):
    """A new version of a policy."""

    name: str = Field(min_length=1, max_length=120)
    value: float = Field(ge=0, le=_MOST, allow_inf_nan=False)
    valid_from: str = Field(default="", max_length=40)
    source: str = Field(min_length=3, max_length=1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version: `phase` is past, now or later."""

    value: str
    valid_from: str
    source: str
    approved_by: str
    phase: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyLine:
    """One policy with all its versions, the newest first; `name` is its code."""

    name: str
    title: str
    group: str
    value: str
    unit: str
    source: str
    versions: Sequence[Version]


def policies_router(pages: Pages) -> APIRouter:
    """Return the routes of the policies."""
    router = APIRouter()

    @router.get("/policies")
    def policies(request: Request, person: SeePolicies, q: str = "", done: str = "") -> Response:
        """Show the policies whose name or source has the words."""
        return _page(pages, request, pages.reader(person), q[:100], done=done[:120])

    @router.post("/policies")
    def change(
        request: Request, person: ChangePolicy, form: Annotated[PolicyForm, Form()]
    ) -> Response:
        """Add a version of a policy that exists; past versions stay."""
        reader = pages.reader(person)
        now_utc = pages.clock.now_utc()
        try:
            valid_from_utc = _moment(form.valid_from.strip(), pages, now_utc)
            with pages.engine.begin() as connection:
                _check_known(list_policies(connection), form.name, valid_from_utc)
                row = PolicyRow(
                    name=form.name,
                    valid_from_utc=valid_from_utc,
                    value=form.value,
                    source=form.source.strip(),
                    approved_by=person.account_id,
                )
                set_policy(connection, row, now_utc)
        except ContractError as problem:
            return _page(pages, request, reader, form.name, problem=str(problem))
        return see_other(f"/policies?q={form.name}&done={form.name}")

    return router


def _moment(typed: str, pages: Pages, now_utc: datetime) -> datetime:
    if not typed:
        return now_utc
    try:
        moment = datetime.fromisoformat(typed)
    except ValueError as error:
        raise _refused("valid_from", f"{typed!r} is no time", "write 2026-12-01 00:00") from error
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=pages.settings.zone)
    if moment < now_utc:
        raise _refused("valid_from", "is in the past", "past decisions keep their rule")
    return moment


def _check_known(rows: Sequence[PolicyRow], name: str, valid_from_utc: datetime) -> None:
    same = [each for each in rows if each.name == name]
    if not same:
        raise _refused("name", f"{name!r} is no policy", "choose one of the list")
    if any(each.valid_from_utc == valid_from_utc for each in same):
        raise _refused("valid_from", "has a version already", "choose another moment")


def _refused(field: str, problem: str, remedy: str) -> ContractError:
    return ContractError(
        place="policy", field=field, problem=problem, remedy=remedy, code=Code.FIELD_RANGE
    )


def _page(  # noqa: PLR0913  # what is sought, and what went well or wrong
    pages: Pages,
    request: Request,
    reader: Reader,
    search: str,
    *,
    done: str = "",
    problem: str = "",
) -> Response:
    words, now_utc = reader.words, pages.clock.now_utc()
    with reading(pages.engine) as connection:
        rows = list_policies(connection)
        names = account_names(connection)
    wanted = search.casefold().strip()
    shown = [each for each in rows if wanted in _sought(each, words)]
    text = words.gettext(mark("{name} has a new version")).format(
        name=policy_name(done, words) or done
    )
    return pages.page(
        request,
        reader,
        "policies.html",
        "policies",
        search=search,
        lines=_lines(shown, words, now_utc, names),
        can_change=may(reader.person.role, Action.CHANGE_POLICY),
        notice=Notice(text=text, tone="ok") if done else None,
        problem_text=problem,
        status=400 if problem else 200,
    )


def _sought(row: PolicyRow, words: Words) -> str:
    texts = (row.name, policy_name(row.name, words), row.source, shipped_words(row.source, words))
    return " ".join(texts).casefold()


def unit_of_policy(name: str, words: Words) -> str:
    """Return in what a policy is counted; empty where it is a bare number."""
    if name.endswith("working_days"):
        return words.gettext(mark("working days"))
    if name.endswith(".seconds"):
        return "s"
    if name.endswith(".days"):
        return words.gettext(mark("days"))
    is_minutes = name.startswith(("sla.", "order.due_minutes", "review.due_minutes"))
    return "min" if is_minutes or name.endswith(".minutes") else ""


def _lines(
    rows: Sequence[PolicyRow], words: Words, now_utc: datetime, names: dict[str, str]
) -> list[PolicyLine]:
    by_name: dict[str, list[PolicyRow]] = {}
    for row in rows:
        by_name.setdefault(row.name, []).append(row)
    return [_line(versions, words, now_utc, names) for _, versions in sorted(by_name.items())]


def _line(
    versions: Sequence[PolicyRow], words: Words, now_utc: datetime, names: dict[str, str]
) -> PolicyLine:
    held = [each for each in versions if each.valid_from_utc <= now_utc]
    current = held[-1] if held else versions[0]
    return PolicyLine(
        name=current.name,
        title=policy_name(current.name, words),
        group=current.name.partition(".")[0],
        value=number(current.value),
        unit=unit_of_policy(current.name, words),
        source=shipped_words(current.source, words),
        versions=[
            Version(
                value=number(each.value),
                valid_from=_since(each, words),
                source=shipped_words(each.source, words),
                approved_by=names.get(each.approved_by) or shipped_words(each.approved_by, words),
                phase=_phase(each, current, now_utc),
            )
            for each in reversed(versions)
        ],
    )


def _since(row: PolicyRow, words: Words) -> str:
    is_ever = row.valid_from_utc.timestamp() == 0
    return words.gettext(mark("from the start")) if is_ever else words.moment(row.valid_from_utc)


def _phase(row: PolicyRow, current: PolicyRow, now_utc: datetime) -> str:
    if row is current:
        return "now"
    return "later" if row.valid_from_utc > now_utc else "past"

"""The pages' texts: in both languages, with the same placeholders, short enough."""

from datetime import UTC

from babel.messages.catalog import Message
from sqlalchemy import Engine

from sync_server.db.engine_io import reading
from sync_server.web.catalogue_io import load_catalogues
from sync_server.web.catalogue_tool_io import extracted, load_po, mo_bytes, po_path
from sync_server.web.policy_names import policy_name
from sync_server.web.policy_words import DEFAULT_APPROVER, SHIPPED_SOURCES, shipped_words
from sync_server.web.words import Words
from sync_server.work_orders.policy_store import list_policies


def key(message: Message) -> tuple[str, ...]:
    return (message.id,) if isinstance(message.id, str) else tuple(message.id)


def test_every_text_of_the_pages_has_a_chinese_translation_and_none_is_left_over() -> None:
    in_source = {key(message) for message in extracted() if message.id}
    translated = {
        key(message)
        for message in load_po("zh")
        if message.id
        and not message.fuzzy
        and message.string
        and (isinstance(message.string, str) or all(message.string))
    }

    assert translated == in_source


def test_placeholders_are_the_same_in_both_languages() -> None:
    wrong = [
        message.id
        for message in load_po("zh")
        if isinstance(message.id, str)
        and isinstance(message.string, str)
        and sorted(part.split("}")[0] for part in message.id.split("{")[1:])
        != sorted(part.split("}")[0] for part in message.string.split("{")[1:])
    ]

    assert wrong == []


def test_the_compiled_catalogue_is_the_one_that_translators_wrote() -> None:
    compiled = po_path("zh").with_suffix(".mo").read_bytes()

    assert compiled == mo_bytes(load_po("zh"))


def test_chips_and_buttons_stay_short_enough_for_their_places() -> None:
    chinese = load_catalogues()["zh"]
    chips = ("Unack’d", "Ack’d", "Returned", "Latched", "Cleared", "Shelved", "Out of service")
    rail = ("Alerts", "Orders", "Meters", "Gateways", "Review", "Tablets", "Accounts")

    too_long = [text for text in chips if len(text) > 14 or len(chinese.gettext(text)) > 6]
    too_long += [text for text in rail if len(text) > 8 or len(chinese.gettext(text)) > 3]

    assert too_long == []


def test_every_policy_that_the_product_brings_has_its_source_in_both_languages(
    sqlite_engine: Engine,
) -> None:
    with reading(sqlite_engine) as connection:
        rows = list_policies(connection)

    assert {each.source for each in rows} == set(SHIPPED_SOURCES)
    assert {each.approved_by for each in rows} == {DEFAULT_APPROVER}


def test_every_policy_that_the_product_brings_has_a_name_of_its_own_in_both_languages(
    sqlite_engine: Engine,
) -> None:
    chinese = load_catalogues()["zh"]
    readers = [
        Words(language="en", zone=UTC, gettext=str, ngettext=chinese.ngettext),
        Words(language="zh", zone=UTC, gettext=chinese.gettext, ngettext=chinese.ngettext),
    ]
    with reading(sqlite_engine) as connection:
        codes = {each.name for each in list_policies(connection)}

    names = [{code: policy_name(code, words) for code in codes} for words in readers]

    assert [code for code in codes if not names[0][code]] == []
    assert [len(set(each.values())) for each in names] == [len(codes)] * 2
    assert [code for code in codes if names[0][code] == names[1][code]] == []
    assert policy_name("order.due_minutes.of_their_own.A", readers[0]) == ""


def test_a_source_of_the_utility_keeps_its_own_words() -> None:
    chinese = load_catalogues()["zh"]
    words = Words(language="zh", zone=UTC, gettext=chinese.gettext, ngettext=chinese.ngettext)

    told = [shipped_words(each, words) for each in (DEFAULT_APPROVER, "Alerts")]

    assert told == ["产品默认值", "Alerts"]

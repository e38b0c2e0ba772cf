"""The table `[link]` of a profile file becomes a Link: how the meter wants to be asked."""

from dataclasses import replace
from datetime import timedelta

from firmware_profiles.link import DEFAULT_MAX_REGISTERS, Link
from firmware_profiles.table_reader import TableReader
from firmware_profiles.vocabulary import KEYS


def parse_link(root: TableReader) -> Link:
    """Return the link of a file; what is refused is kept by the reader, with its field."""
    link = root.keep(lambda: root.table("link"), replace(root, values={}))
    link.refuse_unknown(KEYS["link"])
    keep = link.keep

    def number(key: str, low: int, high: int) -> int | None:
        return keep(lambda: link.integer_or_none(key, low=low, high=high), None)

    minimum_s = number("min_refresh_s", 0, 86400)
    return Link(
        transports=keep(lambda: tuple(_transport(link, x) for x in link.items("transport")), ()),
        function_codes=keep(lambda: _function_codes(link), ()),
        max_registers=number("max_registers", 1, DEFAULT_MAX_REGISTERS) or DEFAULT_MAX_REGISTERS,
        forbidden=keep(lambda: tuple(_parse_range(link, x) for x in link.items("forbidden")), ()),
        default_device_address=number("unit_default", 0, 247),
        baud=number("baud_default", 50, 4_000_000),
        speeds=keep(lambda: _parse_speeds(link), ()),
        parity=keep(lambda: link.text_or_none("parity"), None),
        stop_bits=number("stopbits", 1, 2),
        timeout=keep(lambda: link.milliseconds("timeout_ms"), None),
        gap=keep(lambda: link.milliseconds("gap_ms"), None),
        min_poll=keep(lambda: link.milliseconds("min_poll_ms"), None),
        min_refresh=None if minimum_s is None else timedelta(seconds=minimum_s),
        is_login_needed=link.has("login"),
        port=number("port", 1, 65535),
        fastest_baud=number("baud_max", 50, 4_000_000),
        turnaround=keep(lambda: link.milliseconds("turnaround_ms"), None),
        after_connect=keep(lambda: link.milliseconds("after_connect_ms"), None),
        has_echo=keep(lambda: link.flag("echo"), fallback=False),
        address_rule=keep(lambda: link.text("unit_rule", ""), ""),
    )


def _parse_speeds(link: TableReader) -> tuple[int, ...]:
    """Return the speeds of `baud`, which is one or a list."""
    if not isinstance(link.values.get("baud"), list):
        speed = link.integer_or_none("baud", low=50, high=4_000_000)
        return () if speed is None else (speed,)
    speeds = tuple(item for item in link.items("baud") if isinstance(item, int))
    if len(speeds) != len(link.items("baud")):
        raise link.refuse("baud", "holds what is no number", "write baud = [2400, 9600]")
    return speeds


def _function_codes(link: TableReader) -> tuple[int, ...]:
    return tuple(item for item in link.items("function_codes") if isinstance(item, int))


def _transport(link: TableReader, item: object) -> str:
    if item not in ("rtu", "ascii", "tcp"):
        raise link.refuse("transport", f"{item!r} is unknown", "use rtu, ascii or tcp")
    return str(item)


def _parse_range(link: TableReader, item: object) -> tuple[int, int]:
    if isinstance(item, list) and len(item) == len(("first", "last")):
        first, last = item
        if isinstance(first, int) and isinstance(last, int) and 0 <= first <= last:
            return first, last
    raise link.refuse("forbidden", f"{item!r} is no range", "write [[FIRST, LAST], ...]")

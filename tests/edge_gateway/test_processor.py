"""The gateway keeps to one processor where it may, and works where it may not."""

import errno
import os

import pytest

from edge_gateway.processor_io import keep_to_one_processor


def test_a_filter_of_system_calls_that_refuses_stops_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refused(_pid: int, _processors: set[int]) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0, 1})
    monkeypatch.setattr(os, "sched_setaffinity", refused)

    assert keep_to_one_processor() is None


def test_with_one_processor_allowed_nothing_is_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[object]()
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {1})
    monkeypatch.setattr(os, "sched_setaffinity", lambda *call: asked.append(call))

    assert keep_to_one_processor() is None
    assert asked == []

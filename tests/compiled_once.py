"""Lets every engine of a test process use the statements that a former one has compiled.

What is compiled belongs to an engine and its dialect. The server has one engine for all its life
and a tablet two; here there is one for every test, and a fifth of a test's work was compiling.
Pool, connections and listeners stay each engine's own.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import ModuleType

import pytest
from sqlalchemy import Engine
from sqlalchemy.util import LRUCache

from field_app.store import connections_io
from sync_server.db import engine_io

MOST_KEPT = 5_000
"""Statements: more than all parts have."""


@dataclass(slots=True)
class CompiledOnce:
    """Stands for a module's `create_engine`."""

    make: Callable[..., Engine]
    first: dict[str, Engine] = field(default_factory=dict)
    compiled: LRUCache[object, object] = field(default_factory=lambda: LRUCache(MOST_KEPT))

    def __call__(self, *arguments: object, **options: object) -> Engine:
        engine = self.make(*arguments, **options)
        engine.update_execution_options(compiled_cache=self.compiled)
        first = self.first.setdefault(engine.dialect.name, engine)
        if first.dialect.server_version_info is None:  # it never met its database
            self.first[engine.dialect.name] = engine
        else:
            engine.dialect = first.dialect
        return engine


@contextmanager
def compiled_once() -> Iterator[None]:
    """Share what is compiled among the server's engines, and among the tablets', in the block."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (engine_io, connections_io):
            patch.setattr(module, "create_engine", CompiledOnce(_create_engine(module)))
        yield


def _create_engine(module: ModuleType) -> Callable[..., Engine]:
    found: Callable[..., Engine] = module.create_engine
    return found

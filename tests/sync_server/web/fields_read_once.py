"""Lets every application of a test process use the form fields that a former one has read.

The server builds its application once in its life; here there is one for every test, of 200 routes,
and half of building it was reading the same annotations anew. Routes, endpoints and what they hold
stay each application's own: shared is only what pydantic makes of a type, which nothing changes.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import get_args

import pytest
from fastapi._compat import create_body_model, v2
from pydantic import BaseModel, ConfigDict, TypeAdapter


@dataclass(slots=True)
class AdaptersOnce:
    """Stands for FastAPI's `TypeAdapter`; two fields are one if type and every setting agree."""

    make: Callable[..., TypeAdapter[object]]
    kept: dict[tuple[object, str], TypeAdapter[object]] = field(default_factory=dict)

    def __call__(self, annotated: object, *, config: ConfigDict | None) -> TypeAdapter[object]:
        annotation, *settings = get_args(annotated)
        key = annotation, repr((settings, config))
        if key not in self.kept:
            self.kept[key] = self.make(annotated, config=config)
        return self.kept[key]


@dataclass(slots=True)
class BodiesOnce:
    """Stands for FastAPI's `create_body_model`, which makes a class of a form's fields."""

    make: Callable[..., type[BaseModel]]
    kept: dict[tuple[object, ...], type[BaseModel]] = field(default_factory=dict)

    def __call__(
        self, *, fields: Sequence[v2.ModelField], model_name: str, config: ConfigDict | None = None
    ) -> type[BaseModel]:
        if config is not None:  # it names the fields of this application
            return self.make(fields=fields, model_name=model_name, config=config)
        read = ((each.name, each.field_info.annotation, repr(each.field_info)) for each in fields)
        key = model_name, *read
        if key not in self.kept:
            self.kept[key] = self.make(fields=fields, model_name=model_name)
        return self.kept[key]


@contextmanager
def fields_read_once() -> Iterator[None]:
    """Share what FastAPI has read among the applications that are built in the block."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(v2, "TypeAdapter", AdaptersOnce(TypeAdapter))
        patch.setattr("fastapi.dependencies.utils.create_body_model", BodiesOnce(create_body_model))
        yield

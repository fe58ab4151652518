"""A section of a study: unknown keys are errors, and every number has a range."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationInfo, field_validator

from layers.cells import legible
from layers.secrets import all_masked, masked

LARGEST = 1e12
"""No number of a study is larger, whatever its own range."""


Words = Annotated[str, AfterValidator(masked)]
"""Text that is printed as it stands: passwords of addresses in it are masked when the study is read."""


def _kinds(annotation: Any) -> Iterator[Any]:
    """Yield the plain types that a field may hold, at whatever depth; a part of the study looks after itself."""
    if get_origin(annotation) is Literal:
        yield from map(type, get_args(annotation))
    elif get_args(annotation):
        for inner in get_args(annotation):
            yield from _kinds(inner)
    else:
        yield annotation


def _leaves(value: Any, kinds: set[Any]) -> Iterator[Any]:
    """Yield the values in lists and tables.

    Those of a part of the study are its own to check, so that a message names the very setting.
    """
    if isinstance(value, dict):
        if any(isinstance(kind, type) and issubclass(kind, Part) for kind in kinds):
            return
        for inner in value.values():
            yield from _leaves(inner, kinds)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _leaves(inner, kinds)
    else:
        yield value


class Part(BaseModel):
    """A section of a study: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _numbers_in_range(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse what no number of a study can be: true and false, and more than a trillion of anything."""
        kinds = set(_kinds(cls.model_fields[str(info.field_name)].annotation))
        for number in _leaves(value, kinds):
            if isinstance(number, str) and legible(number) != number:
                raise ValueError("allowed are letters that every file can hold, no control characters")
            if isinstance(number, bool) and bool not in kinds and kinds & {int, float}:
                raise ValueError(f"{str(number).lower()} is no number")
            # What is not finite is refused by the type, which says so.
            if isinstance(number, int | float) and LARGEST < abs(number) < float("inf"):
                raise ValueError(f"allowed are numbers from −{LARGEST:,.0f} to {LARGEST:,.0f}")
        return value

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        for name, value in super().__repr_args__():
            yield name, value if isinstance(value, Part) else all_masked(value)

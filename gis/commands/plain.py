"""Help as people read it: a switch has no type."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand, TyperGroup


def _without_types(params: list[Any]) -> list[Any]:
    """Return the options, without the word bool behind those that take no value: newer releases of typer print it."""
    for param in params:
        if getattr(param, "is_flag", False):
            param.metavar = ""
    return params


class PlainCommand(TyperCommand):
    """A command whose switches have no type in its help."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the options in the order of the help."""
        return _without_types(super().get_params(ctx))


class PlainGroup(TyperGroup):
    """The same for a group of commands."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the options in the order of the help."""
        return _without_types(super().get_params(ctx))

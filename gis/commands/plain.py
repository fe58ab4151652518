"""Help as people read it: a switch has no type, and what stands in brackets is no markup."""

from __future__ import annotations

import re
from typing import Any

from typer.core import TyperCommand, TyperGroup


def _without_types(params: list[Any]) -> list[Any]:
    """Return the options, without the word bool behind those that take no value: newer releases of typer print it."""
    for param in params:
        if getattr(param, "is_flag", False):
            param.metavar = ""
    return params


def _verbatim(params: list[Any]) -> None:
    """Keep what typer's rich help would take for markup and drop, such as the name of a table of a study."""
    for param in params:
        if getattr(param, "help", None):
            param.help = re.sub(r"(?<!\\)\[(?=[a-z])", r"\\[", param.help)


class PlainCommand(TyperCommand):
    """A command whose switches have no type in its help."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help with its brackets."""
        _verbatim(self.params if self.rich_markup_mode == "rich" else [])
        super().format_help(ctx, formatter)

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the options in the order of the help."""
        return _without_types(super().get_params(ctx))


class PlainGroup(TyperGroup):
    """The same for a group of commands."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the options in the order of the help."""
        return _without_types(super().get_params(ctx))

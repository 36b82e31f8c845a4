"""The one environment of templates: everything is escaped unless it is marked as made by us."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment


@cache
def environment() -> Environment:
    """Return the environment; a name that a template uses and was not given is an error."""
    import jinja2

    return jinja2.Environment(
        loader=jinja2.PackageLoader("karavan.report"), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip

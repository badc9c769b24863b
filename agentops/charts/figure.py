"""A chart with its title, and the same numbers as a table."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from agentops.tools.escape import visible

from .numbers import Number, checked, exact


def figure(
    drawing: SafeString, title: str, labels: Sequence[str], values: Sequence[Number | None], *, unit: str = ""
) -> SafeString:
    """A chart under its title, with the same numbers as a table one click away."""
    numbers = checked(labels, values)
    cells = ((visible(label), exact(value, unit)) for label, value in zip(labels, numbers, strict=True))
    rows = format_html_join("", '<tr><th scope="row" dir="auto">{}</th><td>{}</td></tr>', cells)
    heading = format_html("{} <small>{}</small>", visible(title), visible(unit)) if unit else visible(title)
    return format_html(
        '<figure class="plot-figure"><figcaption dir="auto">{}</figcaption>{}'
        "<details><summary>{}</summary><table><tbody>{}</tbody></table></details></figure>",
        heading, drawing, _("The same as a table"), rows,
    )  # fmt: skip

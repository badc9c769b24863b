"""How the console writes things down: text made safe to look at, money, time, numbers, icons."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from agentops.core.errors import AgentOpsError
from agentops.tools import escape

from . import markdown

register = template.Library()

LONG = 240
"""Characters from which a value gets a block of its own."""
_KINDS = ("short", "empty", "long", "data")


@register.simple_tag
def sheets(*names: str) -> SafeString:
    """Links to our style sheets. Each file names its layer, so their order in a page does not matter."""
    return format_html_join("", '<link rel="stylesheet" href="{}">', ((static(f"css/{name}.css"),) for name in names))


@register.filter
def visible(value: object) -> str:
    """One line, with control and bidirectional characters written out."""
    return escape.visible(str(value))


@register.filter
def visible_text(value: object) -> str:
    """The same for text of several lines."""
    return escape.visible(str(value), multiline=True)


@register.filter
def prose(value: object) -> SafeString:
    """An agent's Markdown as HTML: no raw HTML, no images, nothing remote."""
    return markdown.render(escape.visible(str(value), multiline=True))


@register.filter
def pretty(value: Any) -> str:
    """JSON for people, hidden characters written out."""
    return escape.visible(json.dumps(value, indent=2, ensure_ascii=False, default=str), multiline=True)


@register.filter
def arguments(value: Any) -> list[dict[str, Any]]:
    """A JSON object as rows of `name`, `text` and `kind`, short ones first: a long text hides none of them."""
    rows = value.items() if isinstance(value, dict) else [(_("value"), value)]
    shown = [{"name": str(name), **_shown(item)} for name, item in rows]
    return sorted(shown, key=lambda row: _KINDS.index(row["kind"]))


def _shown(item: Any) -> dict[str, str]:
    if item is None or item == "" or item == [] or item == {}:
        return {"text": "none" if item is None else _("empty"), "kind": "empty"}
    if isinstance(item, str):
        return {"text": visible_text(item), "kind": "long" if len(item) > LONG or "\n" in item else "short"}
    if isinstance(item, list) and all(isinstance(part, str) and len(part) < 80 for part in item):
        return {"text": visible(", ".join(item)), "kind": "short"}
    if isinstance(item, dict | list):
        return {"text": pretty(item), "kind": "data"}
    return {"text": pretty(item), "kind": "short"}


@register.filter
def usd(value: Decimal | float | int | None) -> str:
    """Money: four decimals under one dollar, else two."""
    if value is None:
        return "–"
    amount = Decimal(value)
    return f"${amount:,.4f}" if 0 < abs(amount) < 1 else f"${amount:,.2f}"


@register.filter
def compact(value: int | None) -> str:
    """12 345 → 12.3k. The whole number belongs in a title."""
    number = value or 0
    for size, unit in ((1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")):
        if number >= size:
            short = f"{number / size:.1f}" if number < 100 * size else f"{number / size:.0f}"
            return short.removesuffix(".0") + unit
    return str(number)


@register.filter
def milliseconds(value: int | None) -> str:
    if value is None:
        return "–"
    return f"{value} ms" if value < 1000 else seconds(value / 1000)


@register.filter
def seconds(value: float | timedelta | None) -> str:
    """1.4 s, 42 s, 3 min 20 s, 2 h 5 min."""
    if value is None:
        return "–"
    total = value.total_seconds() if isinstance(value, timedelta) else float(value)
    if total < 10:
        return f"{total:.1f}".removesuffix(".0") + " s"
    if total < 60:
        return f"{total:.0f} s"
    minutes, rest = divmod(round(total), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest and minutes < 10 else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


@register.filter
def moment(value: datetime | None, style: str = "ago") -> SafeString | str:
    """A time: relative (`ago`), of day (`clock`) or `exact`. The browser writes it in the person's zone."""
    if value is None:
        return "–"
    words = {"ago": _ago, "clock": _clock, "exact": _exact}[style](value)
    exact = timezone.localtime(value).strftime("%Y-%m-%d %H:%M:%S %Z")
    return format_html(
        '<time datetime="{}" data-time="{}" title="{}">{}</time>', value.isoformat(), style, exact, words
    )


def _ago(value: datetime) -> str:
    since = timezone.now() - value
    if since < timedelta(minutes=1):
        return _("just now")
    return _("%(time)s ago") % {"time": timesince(value, depth=1).replace("\xa0", " ")}


def _clock(value: datetime) -> str:
    return timezone.localtime(value).strftime("%H:%M:%S")


def _exact(value: datetime) -> str:
    return timezone.localtime(value).strftime("%Y-%m-%d %H:%M:%S")


@register.filter
def epoch(value: datetime | None) -> str:
    """Milliseconds since 1970, for countdowns in the browser."""
    return str(int(value.timestamp() * 1000)) if value else ""


@register.filter
def countdown(value: datetime | None) -> str:
    """4:05 until then; 0:00 when it has passed."""
    if value is None:
        return ""
    left = max(0, int((value - timezone.now()).total_seconds()))
    hours, rest = divmod(left, 3600)
    minutes, secs = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{secs:02}" if hours else f"{minutes}:{secs:02}"


@register.simple_tag
@lru_cache(maxsize=512)
def icon(name: str, label: str = "") -> SafeString:
    """One symbol of the sprite. With a label it speaks, without it is decoration."""
    address = static("img/icons.svg")
    if label:
        return format_html(
            '<svg class="icon" role="img" aria-label="{}"><use href="{}#{}"/></svg>', label, address, name
        )
    return format_html('<svg class="icon" aria-hidden="true"><use href="{}#{}"/></svg>', address, name)


@register.simple_tag(takes_context=True)
def server_milliseconds(context: template.Context) -> str:
    """The server's clock, so that countdowns do not trust the browser's."""
    return str(int(timezone.now().timestamp() * 1000))


@register.simple_tag(takes_context=True)
def query(context: template.Context, **changes: object) -> str:
    """This page's query string with some values changed; an empty value leaves the key out. Starts with `?`."""
    values = context["request"].GET.copy()
    for name, value in changes.items():
        values.pop(name, None)
        if value not in ("", None):
            values[name] = str(value)
    return "?" + values.urlencode()


def message_of(error: AgentOpsError) -> str:
    return escape.visible(str(error))


@register.simple_tag
def duration_of(run: Any) -> str:
    """From its start to its end, or to now."""
    if run.started_at is None:
        return "–"
    return seconds((run.ended_at or timezone.now()) - run.started_at)

"""When a schedule is due: a cron expression in a time zone, also on the days on which clocks change."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from agentops.accounts.profiles import time_zones
from agentops.core.errors import InvalidInput

from .models import Trigger

LONGEST = 120
STRIDES = (60, 24, 31, 12, 7)
"""The longest step of each field."""
LATE = timedelta(minutes=1)
"""What is due for longer was missed: nothing was running then."""
MOST_MISSED = 24
"""Runs started afterwards by the policy “all”."""

_STRIDE = re.compile(r"/([0-9]+)")


def times(cron: str, zone: str, after: datetime) -> Iterator[datetime]:
    """Every due time after `after`, in UTC.

    A time that the clock skips in spring is due when the clock goes on; one that it shows twice in autumn is due once,
    unless minutes or hours are a `*`: such a schedule follows real time.
    """
    last = after.astimezone(UTC)
    ticks = CronSim(cron, last.astimezone(ZoneInfo(zone)))
    while (tick := next(ticks, None)) is not None:
        # Two skipped times become the same moment, and a clock set back names moments that have passed.
        if (due := tick.astimezone(UTC)) > last:
            last = due
            yield due


def next_after(cron: str, zone: str, after: datetime) -> datetime | None:
    return next(times(cron, zone, after), None)


def coming(cron: str, zone: str, after: datetime, count: int = 5) -> list[datetime]:
    return list(islice(times(cron, zone, after), count))


def coming_of(trigger: Trigger, count: int = 5) -> list[datetime]:
    """The next times of a schedule; nothing for one that is switched off, and for a webhook."""
    if trigger.next_at is None:
        return []
    return [trigger.next_at, *coming(trigger.cron, trigger.timezone, trigger.next_at, count - 1)]


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be done about the times that have passed."""

    fire: list[datetime]
    left_out: int
    """Times for which no run is started."""
    first: datetime
    next: datetime | None


def due(cron: str, zone: str, since: datetime, now: datetime, missed: str) -> Due:
    """`since` is the first time that was not dealt with; `missed` one of Trigger.Missed."""
    latest, count, coming_up = deque([since], MOST_MISSED), 1, None
    for tick in times(cron, zone, since):
        if tick > now:
            coming_up = tick
            break
        latest.append(tick)
        count += 1
    fire = list(latest)
    if missed == Trigger.Missed.ONCE:
        fire = fire[-1:]
    elif missed == Trigger.Missed.SKIP:
        fire = [tick for tick in fire[-1:] if now - tick <= LATE]
    return Due(fire, count - len(fire), since, coming_up)


def in_words(cron: str) -> str:
    """In English, which is what the library speaks; else the expression itself."""
    if not (get_language() or "en").startswith("en"):
        return cron
    try:
        return CronSim(cron, datetime.now(UTC)).explain()
    except CronSimError:
        return cron


def check(cron: str, zone: str, now: datetime) -> datetime:
    """When it is due for the first time. Raises InvalidInput for `cron` or `timezone`."""
    if zone != "UTC" and zone not in time_zones():
        raise InvalidInput(
            _("There is no time zone “%(zone)s”. Write one as Europe/Berlin, or UTC.") % {"zone": zone[:64]}, "timezone"
        )
    if len(cron.split()) == 5 and len(cron) > LONGEST:
        raise InvalidInput(_("This is too long: %(most)s characters at most.") % {"most": LONGEST}, "cron")
    if len(cron.split()) != 5:
        raise InvalidInput(
            _("Write five fields: minute, hour, day of month, month, day of week; 0 9 * * 1-5 is 9:00 on weekdays."),
            "cron",
        )
    _check_strides(cron)
    try:
        first = next_after(cron, zone, now)
    except CronSimError as error:
        raise InvalidInput(_wrong(str(error)), "cron") from error
    if first is None:
        raise InvalidInput(
            _("No day of the next 50 years fits this: check day of month, month and day of week."), "cron"
        )
    return first


def _check_strides(cron: str) -> None:
    """A step such as */90 in minutes would be due once in each hour, which nobody means."""
    for field, most in zip(cron.split(), STRIDES, strict=True):
        for stride in _STRIDE.findall(field):
            if int(stride[:9]) > most:
                raise InvalidInput(
                    _(
                        "A step of %(stride)s is beyond its field: with every new hour, day, month or year it begins "
                        "anew, so %(most)s is the most there. Make several schedules instead."
                    )
                    % {"stride": stride[:9], "most": most},
                    "cron",
                )


def _wrong(said: str) -> str:
    """What may stand in the field that the library refused."""
    fields = {
        "minute": _("The minute is 0 to 59, *, */5, a range (0-30) or a list (0,30)."),
        "hour": _("The hour is 0 to 23, *, */2, a range (9-17) or a list (9,17)."),
        "day-of-month": _("The day of the month is 1 to 31, *, L (the last) or LW (the last weekday), and one that the "
                          "month has."),
        "month": _("The month is 1 to 12, JAN to DEC, *, a range or a list."),
        "day-of-week": _("The day of the week is 0 to 7 (0 and 7 are Sunday), SUN to SAT, *, a range, a list, FRI#2 "
                         "(the second) or 5L (the last Friday)."),
    }  # fmt: skip
    return fields.get(said.removeprefix("Bad "), _("This is no cron expression. Try 0 9 * * 1-5."))

"""Makes the figures by the hour from runs, calls and decisions, again and again: each round replaces whole hours.

What happened is counted in the hour of a time that is written once: a run's end, a call's end, a model call's start.
A round makes anew the last minutes' hours, for what was committed after the round before, and the hours that
triggers noted because rows of theirs changed later. So the figures are right after any downtime, up to the time that
the clock says.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Min

from . import estimating
from .models import FiguresClock, HourlySpend, ModelCall, Run, StaleHour
from .rollup_sql import CLEAR, DAYS, FILL

log = structlog.get_logger(__name__)

OVERLAP = timedelta(minutes=15)
"""Made again each round. More than the ten minutes after which a trigger notes the hour of a late bill."""
CHUNK = timedelta(hours=24)
CHUNKS_A_ROUND = 30
LOCK = 5_081_937_402
REST = 10
"""A round rests so many times as long as the one before took: figures must not cost more than what they count."""


def refresh() -> int:
    """Bring the figures up to now, a day at a time; how many were done. Nothing happens while another is at it."""
    clock = FiguresClock.objects.first()
    if clock and clock.covered_until and _now() < clock.covered_until + timedelta(milliseconds=REST * clock.took_ms):
        return 0
    for done in range(1, CHUNKS_A_ROUND + 1):
        if not _advance():
            return done
    return CHUNKS_A_ROUND


def rebuild() -> None:
    """Forget the figures' clock: the next rounds make every hour anew, from the first row there is."""
    FiguresClock.objects.all().delete()


def _advance() -> bool:
    """One transaction: the next day of hours and what is stale before it. Says whether more is to be done."""
    began = time.monotonic()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s), now()", [LOCK])
            alone, now = cursor.fetchone()
        if not alone:
            return False
        clock, _created = FiguresClock.objects.get_or_create(pk=FiguresClock.ONLY)
        covered = clock.covered_until or _first() or now
        begin = _hour(covered - OVERLAP)
        until = min(now, begin + CHUNK)
        end = _hour(until) + timedelta(hours=1)
        for low, high in [*_stale(begin, end), (begin, end)]:
            _make(low, high)
        clock.covered_until = until
        clock.took_ms = round((time.monotonic() - began) * 1000)
        clock.save()
    return until < now


def _stale(begin: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """Noted hours before `begin`, taken; those of the coming stretch are made anyway, later ones have their turn."""
    noted = StaleHour.objects.filter(hour__lt=end)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM runs_stalehour WHERE hour < %s RETURNING hour", [end])
        hours = sorted({row[0] for row in cursor.fetchall() if row[0] < begin})
    if hours:
        log.info("figures_made_anew", hours=len(hours), left=noted.count())
    return [(hour, hour + timedelta(hours=1)) for hour in hours]


def _make(begin: datetime, end: datetime) -> None:
    """Replace the figures of whole hours."""
    zone = settings.TIME_ZONE
    with connection.cursor() as cursor:
        for table in FILL:
            cursor.execute(CLEAR.format(table=table), {"begin": begin, "end": end})
            cursor.execute(FILL[table], {"begin": begin, "end": end})
    _save_on_cache(begin, end)
    with connection.cursor() as cursor:
        for statement in DAYS:
            cursor.execute(statement, {"begin": begin, "end": end, "zone": zone})


def _save_on_cache(begin: datetime, end: datetime) -> None:
    """What the cache saved, at the prices of the moment in which the hour is made."""
    cached = HourlySpend.objects.filter(hour__gte=begin, hour__lt=end).exclude(
        cache_read_tokens=0, cache_write_tokens=0
    )
    changed = []
    for row in cached:
        rates, _source = estimating.pricing().rates(row.model)
        band = rates.bands[0]
        kept = row.cache_read_tokens * (band.input - band.cache_read)
        paid = row.cache_write_tokens * (band.cache_write - band.input)
        row.saved_usd = (kept - paid) / 1_000_000
        changed.append(row)
    HourlySpend.objects.bulk_update(changed, ["saved_usd"], batch_size=1000)


def _first() -> datetime | None:
    """The oldest row there is to count."""
    times = [
        Run.objects.aggregate(first=Min("created_at"))["first"],
        ModelCall.objects.aggregate(first=Min("started_at"))["first"],
    ]
    return min((at for at in times if at), default=None)


def _hour(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _now() -> datetime:
    return datetime.now(UTC)

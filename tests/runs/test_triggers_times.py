"""When schedules are due: in zones, on the days on which clocks change, after a time in which nothing was running."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentops.core.errors import InvalidInput
from runs import schedules

BERLIN, NEW_YORK, KATHMANDU = "Europe/Berlin", "America/New_York", "Asia/Kathmandu"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def first(cron: str, zone: str, after: str, count: int = 3) -> list[str]:
    return [f"{time:%m-%d %H:%M}" for time in schedules.coming(cron, zone, at(after), count)]


def test_a_time_is_that_of_the_schedules_zone() -> None:
    after = "2026-06-01T00:00"
    assert first("0 9 * * *", "UTC", after, 1) == ["06-01 09:00"]
    assert first("0 9 * * *", BERLIN, after, 1) == ["06-01 07:00"]
    assert first("0 9 * * *", NEW_YORK, after, 1) == ["06-01 13:00"]
    assert first("0 9 * * *", KATHMANDU, after, 1) == ["06-01 03:15"]


def test_a_time_keeps_its_hour_when_the_clocks_change() -> None:
    assert first("0 9 * * *", BERLIN, "2026-03-28T00:00") == ["03-28 08:00", "03-29 07:00", "03-30 07:00"]
    assert first("0 9 * * *", BERLIN, "2026-10-24T00:00") == ["10-24 07:00", "10-25 08:00", "10-26 08:00"]


def test_a_skipped_time_is_due_once_when_the_clock_goes_on() -> None:
    """At 2:00 on 29 March the clock of Berlin goes to 3:00, which is 1:00 UTC."""
    assert first("30 2 * * *", BERLIN, "2026-03-28T12:00", 2) == ["03-29 01:00", "03-30 00:30"]
    assert first("15,30,45 2 * * *", BERLIN, "2026-03-28T12:00", 2) == ["03-29 01:00", "03-30 00:15"]


def test_a_time_that_comes_twice_is_due_once() -> None:
    """At 3:00 on 25 October the clock of Berlin goes back to 2:00, which is 1:00 UTC then."""
    assert first("30 2 * * *", BERLIN, "2026-10-24T12:00", 2) == ["10-25 00:30", "10-26 01:30"]
    assert first("30 2 * * *", BERLIN, "2026-10-25T00:30", 1) == ["10-26 01:30"]
    assert first("30 2 * * *", BERLIN, "2026-10-25T01:05", 1) == ["10-26 01:30"], "in the second hour"


def test_every_quarter_of_an_hour_follows_real_time() -> None:
    for day in ("2026-03-29T00:00", "2026-10-25T00:00"):
        ticks = schedules.coming("*/15 * * * *", BERLIN, at(day), 20)
        assert {after - before for before, after in pairwise(ticks)} == {timedelta(minutes=15)}


def test_midnight_that_a_zone_skips_is_due_an_hour_later() -> None:
    """In Santiago clocks go from 0:00 to 1:00 on 6 September 2026, which is 4:00 UTC."""
    assert first("0 0 * * *", "America/Santiago", "2026-09-05T12:00", 2) == ["09-06 04:00", "09-07 03:00"]


@settings(max_examples=60)
@given(
    st.sampled_from(
        ["0 2 * * *", "*/7 1-3 * * *", "30 2 * * SUN", "5,10 * 25-31 3,10 *", "0 */2 * * *", "59 23 L * *"]
    ),
    st.sampled_from([BERLIN, NEW_YORK, KATHMANDU, "Australia/Lord_Howe", "America/Santiago", "UTC"]),
    st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1)),
)
def test_times_go_forward_and_none_is_left_out_on_the_way(cron: str, zone: str, after: datetime) -> None:
    ticks = schedules.coming(cron, zone, after.replace(tzinfo=UTC), 6)
    assert all(before < then for before, then in pairwise([after.replace(tzinfo=UTC), *ticks]))
    for number, tick in enumerate(ticks[:-1]):
        assert schedules.next_after(cron, zone, tick) == ticks[number + 1]


NOW = at("2026-11-21T12:00:20")


@pytest.mark.parametrize("missed", ["skip", "once", "all"])
def test_what_is_due_just_now_was_not_missed(missed: str) -> None:
    due = schedules.due("* * * * *", "UTC", at("2026-11-21T12:00"), NOW, missed)
    assert (due.fire, due.left_out, due.next) == ([at("2026-11-21T12:00")], 0, at("2026-11-21T12:01"))


def test_missed_times_are_left_out_but_the_present_one() -> None:
    since = at("2026-11-21T11:00")
    due = schedules.due("*/10 * * * *", "UTC", since, NOW, "skip")
    assert (due.fire, due.left_out, due.first) == ([at("2026-11-21T12:00")], 6, since)
    assert schedules.due("30 * * * *", "UTC", at("2026-11-21T10:30"), NOW, "skip").fire == []


def test_one_run_stands_for_all_missed_times() -> None:
    due = schedules.due("*/10 * * * *", "UTC", at("2026-11-21T11:00"), NOW, "once")
    assert (due.fire, due.left_out) == ([at("2026-11-21T12:00")], 6)


def test_all_missed_times_are_at_most_a_day_of_hours() -> None:
    due = schedules.due("0 * * * *", "UTC", at("2026-11-19T00:00"), NOW, "all")
    assert len(due.fire) == 24 and due.left_out == 61 - 24
    assert due.fire[0] == at("2026-11-20T13:00") and due.fire[-1] == at("2026-11-21T12:00")
    assert due.next == at("2026-11-21T13:00")


WRONG = {
    "61 * * * *": "minute is 0 to 59",
    "* 24 * * *": "hour is 0 to 23",
    "* * 32 * *": "day of the month",
    "0 0 30 2 *": "day of the month",
    "* * * 13 *": "month is 1 to 12",
    "* * * * 8": "day of the week",
    "": "five fields",
    "* * * *": "five fields",
    "0 * * * * *": "five fields",
    "@daily": "five fields",
    "a b c d e": "minute",
    "*/0 * * * *": "minute",
    "5-1 * * * *": "minute",
    "² * * * *": "minute",
    "1," * 100 + "1 * * * *": "120 characters",
    "*/90 * * * *": "step of 90 .* 60 is the most",
    "0 */48 * * *": "step of 48 .* 24 is the most",
    "0 0 1-31/9,*/32 * *": "step of 32",
    "0 0 */29 2 1#5": "No day",
}


@pytest.mark.parametrize("cron", WRONG)
def test_nonsense_is_refused_with_what_may_stand_there(cron: str) -> None:
    with pytest.raises(InvalidInput, match=WRONG[cron]) as refused:
        schedules.check(cron, "UTC", NOW)
    assert refused.value.field == "cron"


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "../../etc/passwd", "europe/berlin", "\x00", "CET\n"])
def test_an_unknown_zone_is_refused(zone: str) -> None:
    with pytest.raises(InvalidInput, match="Europe/Berlin") as refused:
        schedules.check("0 9 * * *", zone, NOW)
    assert refused.value.field == "timezone"


@settings(max_examples=300)
@given(st.lists(st.text("0123456789*/,-#LWMONJANFEB²", max_size=8), min_size=5, max_size=5).map(" ".join))
def test_no_text_is_an_error_of_ours(cron: str) -> None:
    try:
        assert schedules.check(cron, BERLIN, NOW) > NOW
    except InvalidInput as error:
        assert error.field == "cron"


def test_a_schedule_is_said_in_words() -> None:
    assert schedules.in_words("0 9 * * 1-5") == "At 09:00 on Monday through Friday"

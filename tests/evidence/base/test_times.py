"""Times with a zone, as UTC seconds and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.evidence.base.times import format_utc, parse_rfc3339, parse_rfc3339_us

SECONDS = st.integers(
    int(datetime(1, 1, 1, tzinfo=UTC).timestamp()), int(datetime(9999, 12, 31, tzinfo=UTC).timestamp())
)


@given(SECONDS)
def test_formatting_and_parsing_are_inverse(epoch_s: int) -> None:
    """Every second from year 1 to 9999 survives the way to text and back; the text has one length."""
    text = format_utc(epoch_s)
    assert len(text) == 20
    assert parse_rfc3339(text) == epoch_s


@given(
    st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1)),
    st.integers(-23 * 60 - 59, 23 * 60 + 59),
)
def test_parsing_agrees_with_the_standard_library(moment: datetime, minutes: int) -> None:
    """Zones and fractions are read as ``datetime.fromisoformat`` reads them."""
    text = moment.replace(tzinfo=timezone(timedelta(minutes=minutes))).isoformat(timespec="microseconds")
    exact = datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)
    assert parse_rfc3339_us(text) == exact // timedelta(microseconds=1)
    assert parse_rfc3339(text) == exact // timedelta(seconds=1)


@pytest.mark.parametrize(
    ("text", "microseconds"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01t00:00:00z", 0),
        ("1969-12-31T23:59:59.5Z", -500_000),
        ("1970-01-01T00:00:00.123456789Z", 123_456),
        ("2025-11-07T14:00:00+02:00", 1_762_516_800_000_000),
        ("2024-02-29T00:00:00-00:00", 1_709_164_800_000_000),
    ],
)
def test_known_times(text: str, microseconds: int) -> None:
    """Lower case, fractions, times before 1970 and zones."""
    assert parse_rfc3339_us(text) == microseconds
    assert parse_rfc3339(text) == microseconds // 1_000_000


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not an RFC 3339 time"),
        ("2025-11-07", "not an RFC 3339 time"),
        ("2025-11-07T12:00:00", "not an RFC 3339 time with a zone"),
        ("2025-11-07 12:00:00Z", "not an RFC 3339 time"),
        ("2025-11-07T12:00Z", "not an RFC 3339 time"),
        ("2025-11-07T12:00:00Z\n", "not an RFC 3339 time"),
        ("٢٠٢٥-11-07T12:00:00Z", "not an RFC 3339 time"),
        ("1762516800", "not an RFC 3339 time"),
        ("2025-02-29T00:00:00Z", "is not a real time"),
        ("2025-13-01T00:00:00Z", "is not a real time"),
        ("2025-01-01T24:00:00Z", "is not a real time"),
        ("2016-12-31T23:59:60Z", "is not a real time"),
        ("0000-01-01T00:00:00Z", "is not a real time"),
        ("2025-01-01T00:00:00+24:00", "impossible zone"),
        ("2025-01-01T00:00:00+00:60", "impossible zone"),
        ("0001-01-01T00:00:00+00:01", "outside the years 1 to 9999"),
        ("9999-12-31T23:59:59-00:01", "outside the years 1 to 9999"),
    ],
)
def test_what_is_no_time_is_refused(text: str, message: str) -> None:
    """Each refused form names the text and what is wrong with it."""
    for parse in (parse_rfc3339, parse_rfc3339_us):
        with pytest.raises(ValueError, match=message):
            parse(text)


def test_a_long_text_is_cut_in_the_message() -> None:
    """A megabyte given as a time does not fill the terminal."""
    with pytest.raises(ValueError, match="not an RFC 3339 time") as caught:
        parse_rfc3339("x" * 1_000_000)
    assert len(str(caught.value)) < 200

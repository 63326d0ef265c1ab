from __future__ import annotations

import pytest

from harness.durations import format_duration, parse_duration
from harness.errors import ConfigError


@pytest.mark.parametrize("text", ["", "soon", "-3m", "0", "0h", "1 30", "3m2", "m", "1e3s", "1:30"])
def test_what_is_no_length_of_time_is_refused(text):
    with pytest.raises(ConfigError, match="--budget: "):
        parse_duration(text, "--budget")


@pytest.mark.parametrize("seconds", [0.5, 1, 59.25, 60, 61, 3600, 3661, 90000])
def test_a_length_of_time_reads_back(seconds):
    assert parse_duration(format_duration(seconds), "") == seconds

"""Tests where a config would send its secrets to."""

from __future__ import annotations

from typing import Any

import pytest

from dashboard.feeds.completion import aim

HERE: dict[str, Any] = {
    "url": "https://api.example/v1?key=1",
    "verify": True,
    "authority": "",
    "encryption": "full",
    "broker_port": 8883,
    "interval": 1.0,
    "mirrors": ["https://one.example/a"],
    "inner": {"host": "a.example"},
}


@pytest.mark.parametrize(
    "change",
    [
        {"url": "https://api.example/v2"},
        {"url": "HTTPS://API.example/v1"},
        {"interval": 5.0},
        {"mirrors": ["https://one.example/b"]},
    ],
)
def test_what_is_asked_for_may_change(change: dict[str, Any]) -> None:
    assert aim({**HERE, **change}) == aim(HERE)


@pytest.mark.parametrize(
    "change",
    [
        {"url": "http://api.example/v1?key=1"},
        {"url": "https://api.example:444/v1?key=1"},
        {"url": "https://api.example@evil.example/v1"},
        {"url": "https://[broken"},
        {"verify": False},
        {"authority": "-----BEGIN CERTIFICATE-----"},
        {"encryption": "none"},
        {"broker_port": 1883},
        {"mirrors": ["https://one.example/a", "https://two.example/"]},
        {"mirrors": ["https://two.example/a"]},
        {"inner": {"host": "b.example"}},
    ],
)
def test_who_hears_it_may_not(change: dict[str, Any]) -> None:
    assert aim({**HERE, **change}) != aim(HERE)

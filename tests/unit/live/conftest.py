"""Shares the fixtures of the live room."""

from __future__ import annotations

from tests.unit.live.desk import clock, desk, hall, living_hall

__all__ = ["clock", "desk", "hall", "living_hall"]

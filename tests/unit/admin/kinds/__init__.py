"""Holds the one kind of source that the tests of the admin know."""

from __future__ import annotations

"""Turns a dashboard into what its page needs."""

from __future__ import annotations

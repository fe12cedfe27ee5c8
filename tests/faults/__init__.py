"""Breaks real clusters on purpose and holds what viewers saw against the log."""

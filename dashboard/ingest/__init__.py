"""Holds the way from a feed to the log."""

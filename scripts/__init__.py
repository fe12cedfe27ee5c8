"""Holds what the Makefile's verbs need beyond one line."""

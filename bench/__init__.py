"""Answers questions about speed by measuring, one file a question."""

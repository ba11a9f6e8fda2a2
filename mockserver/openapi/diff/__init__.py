"""Differences between two documents."""

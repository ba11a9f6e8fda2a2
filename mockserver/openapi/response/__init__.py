"""Responses validated."""

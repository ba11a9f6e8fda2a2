"""Requests decoded and validated."""

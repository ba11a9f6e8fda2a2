"""What can end or prevent a request to the target."""

from __future__ import annotations


class Refused(Exception):
    """The limits of the run forbid a request, or the target stayed too busy; the text says why and what to do."""


class Unreachable(Exception):
    """The target does not answer; the text says how."""


class NoControl(Exception):
    """The target has no usable control API; the text says what it answered."""

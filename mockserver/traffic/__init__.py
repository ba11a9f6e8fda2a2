"""Faults and rate limits: what may happen to a request before it reaches the API."""

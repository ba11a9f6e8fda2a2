"""Dedicated endpoints."""

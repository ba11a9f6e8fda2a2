"""Judges any server of the API, known only by its base URL. Imports nothing from `mockserver`."""

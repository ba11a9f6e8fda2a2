"""The pytest plugin: a mock server for the whole session, and a fresh world in it for each test."""

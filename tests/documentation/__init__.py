"""Reads README.md and docs/, runs their examples, and looks for what they must name."""

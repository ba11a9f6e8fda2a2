"""Lifecycles drawn as SVG."""

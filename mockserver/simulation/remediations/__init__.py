"""Remediations of nodes and the health alerts that recommend them."""

"""JSON Schema compiled to checks."""

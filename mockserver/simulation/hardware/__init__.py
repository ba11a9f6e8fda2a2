"""Hardware configurations and their availability."""

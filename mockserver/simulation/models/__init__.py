"""Models and the jobs that import them."""

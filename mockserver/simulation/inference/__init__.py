"""Inference requests and their completions."""

"""Inference requests.

- `requests`: which model or endpoint answers a request, and that a request keeps an endpoint from being idle
- `completions`: the text of an answer, token by token
"""

"""The account.

- `credit`: whether its credits are exhausted
"""

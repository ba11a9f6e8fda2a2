"""The account and its credits."""

"""One verdict in, reports out: for the terminal, for CI (JUnit XML) and as one page of HTML.

Each takes the verdict as the plain dict that `verdict.json` holds and nothing else, and shows only what was measured.
A verdict whose `side` is `client` judges what a client sent, any other what a server answered. Either is hostile until
shown: every report passes it through `wording.shown`.
"""

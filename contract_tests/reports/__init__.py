"""One verdict in, reports out: for the terminal, for CI (JUnit XML) and as one page of HTML.

Each takes the verdict as the plain dict that `verdict.json` holds and nothing else, and shows only what was measured.
What a server answered is hostile until shown: every report passes it through `wording.shown`.
"""

"""A corpus of requests and answers: recorded from any checkout through its command line, and compared with another one.

It shows that a change of the code does not change what the server answers:

    python -m tests.corpus record --root /path/to/older/checkout --python /path/to/its/python /tmp/before
    python -m tests.corpus record /tmp/after
    python -m tests.corpus compare /tmp/before /tmp/after
"""

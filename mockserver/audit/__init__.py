"""Was what the client sent right? Exchanges in, a verdict on the client out.

`journal` keeps what was asked and answered, and costs a request next to nothing; all else is done when somebody asks.
"""

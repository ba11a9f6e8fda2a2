"""Where worlds are remembered: a narrow interface that knows no rule of the domain."""

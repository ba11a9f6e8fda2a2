"""Every rule there is, by what it is about. `registry` says what a rule is."""

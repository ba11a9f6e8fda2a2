"""What the suites stand on: the document, the target, the rules, the record of a run, and a reference model."""

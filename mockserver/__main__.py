"""`python -m mockserver`."""

from mockserver.commands.cli import main

main()

"""The command line: `python -m tests.corpus record|compare`; see the package."""

import argparse
import sys
from pathlib import Path

from tests.corpus.comparing import compare
from tests.corpus.documents import use_documents
from tests.corpus.plans import plan
from tests.corpus.recording import record

HERE = Path(__file__).parents[2]


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.corpus", description=sys.modules["tests.corpus"].__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    recording = commands.add_parser("record", help="send all requests of the plan and write down the answers")
    recording.add_argument(
        "--quick", action="store_true", help="a small part of the plan: two scenarios, fewer mistakes"
    )
    recording.add_argument(
        "--root", type=Path, default=HERE, help="the checkout whose server is recorded (default: this)"
    )
    recording.add_argument(
        "--python", default=sys.executable, help="the interpreter that starts it (default: this one)"
    )
    recording.add_argument(
        "--documents", type=Path, default=HERE, help="the checkout whose documents give the requests (default: this)"
    )
    recording.add_argument("--only", default="", metavar="TEXT", help="only the sessions whose name contains TEXT")
    recording.add_argument("out", type=Path, help="a folder, made if need be; one file for each session")
    comparing = commands.add_parser(
        "compare", help="show the differences of two recordings; exit status 1 if there are any"
    )
    comparing.add_argument("--show", type=int, default=20, metavar="N", help="differences shown in full (default: 20)")
    comparing.add_argument("before", type=Path)
    comparing.add_argument("after", type=Path)
    return parser


def main() -> int:
    given = arguments().parse_args()
    if given.command == "compare":
        return compare(given.before, given.after, given.show)
    use_documents(given.documents.resolve())
    sessions = [session for session in plan(given.root.resolve(), given.quick) if given.only in session.name]
    total = record(sessions, given.root.resolve(), given.python, given.out)
    print(f"{given.out}: {total} exchanges of {len(sessions)} sessions")
    return 0


if __name__ == "__main__":
    sys.exit(main())

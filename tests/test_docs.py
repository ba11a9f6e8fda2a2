"""The documentation fails the build: its examples are executed, and what it must name is looked for.

The tools are in `documentation/`. Each check is also seen to fail, on a page with a mistake.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from tests.documentation import named
from tests.documentation.curl import curl
from tests.documentation.pages import DOCS, Page, broken_links, linking_paths, page_paths, read, unexplained
from tests.documentation.session import Session, run_page
from tests.documentation.transcript import as_expected

PAGES = pytest.mark.parametrize("path", page_paths(), ids=lambda path: path.name)


# ---- every page ----------------------------------------------------------------------------------------------------


@PAGES
def test_examples_do_what_the_page_shows(path: Path, tmp_path: Path) -> None:
    run_page(read(path), tmp_path)


@PAGES
def test_no_example_is_left_out_silently(path: Path) -> None:
    complain("neither executed, nor shown, nor marked no-run", unexplained(read(path)))


@pytest.mark.parametrize("path", linking_paths(), ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    complain("broken links", broken_links(read(path)))


def test_generated_parts_are_up_to_date() -> None:
    done = check_diagrams(DOCS)
    assert done.returncode == 0, done.stderr


# ---- what they must name -------------------------------------------------------------------------------------------


def test_every_command_and_option_is_documented() -> None:
    complain("README.md with docs/ does not name", named.missing_options(map(read, page_paths())))


@pytest.mark.parametrize(
    ("page", "missing"),
    [
        ("serve.md", named.wrong_defaults),
        ("scenarios.md", named.missing_scenarios),
        ("scenarios.md", named.missing_fields),
        ("control-api.md", named.missing_routes),
        ("lifecycles.md", named.missing_states),
    ],
)
def test_the_page_names_everything(page: str, missing: Callable[[Page], Iterator[str]]) -> None:
    complain(f"docs/{page} does not say", missing(read(DOCS / page)))


# ---- the checks, seen to fail --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("page", "missing", "taken", "noticed"),
    [
        ("serve.md", named.wrong_defaults, "| `8080` |", "--port is `8080` by default"),
        ("scenarios.md", named.missing_scenarios, "`capacity-crunch`", "capacity-crunch"),
        ("scenarios.md", named.missing_fields, "`account.owner`", "account.owner"),
        ("scenarios.md", named.missing_fields, "`retired`", "switches.v1_dedicated: `retired`"),
        ("scenarios.md", named.missing_fields, "`proj-9b6f2f53`", "account.project_id: | `proj-9b6f2f53` |"),
        ("scenarios.md", named.missing_fields, "`clusters[].volume`", "clusters[].volume"),
        ("control-api.md", named.missing_routes, "## GET /_mock/worlds", "GET /_mock/worlds"),
        ("control-api.md", named.missing_routes, "`waits_on`", "GET /_mock/timeline: waits_on"),
        ("control-api.md", named.missing_routes, "`until`", "POST /_mock/clock: until"),
        ("lifecycles.md", named.missing_states, "`access_revoked`", "volume: access_revoked"),
        ("lifecycles.md", named.missing_states, "`failed_node`", "cluster: what failed_node means"),
    ],
)
def test_what_is_left_out_is_noticed(
    page: str, missing: Callable[[Page], Iterator[str]], taken: str, noticed: str
) -> None:
    whole = read(DOCS / page)
    assert taken in whole.text
    found = list(missing(Page(whole.path, whole.text.replace(taken, ""))))
    assert any(one.startswith(noticed) for one in found), found


def test_an_option_that_is_nowhere_is_noticed() -> None:
    pages = [Page(path, path.read_text().replace("--ready-file", "")) for path in page_paths()]
    assert list(named.missing_options(pages)) == ["mockserver serve --ready-file", "mockserver proxy --ready-file"]


def test_a_stale_generated_part_is_noticed(tmp_path: Path) -> None:
    shutil.copytree(DOCS, tmp_path / "docs")
    page = tmp_path / "docs" / "lifecycles.md"
    page.write_text(page.read_text().replace("STARTING --> STARTED", "STARTING --> STOPPED"))
    done = check_diagrams(tmp_path / "docs")
    assert done.returncode == 1
    assert done.stderr == "lifecycles.md is out of date: run python docs/diagrams.py\n"


GOOD = """
[here](#a-page), [there](page.md#a-page)
# A page
```yaml title="tiny.yaml"
description: Tiny.
```
```console
$ mockserver serve --scenario tiny.yaml --clock manual
mockserver ...: scenario tiny.yaml, seed 1, clock manual
...
$ curl -i -H 'Authorization: Bearer demo' \\
    http://127.0.0.1:8080/v1/endpoints
HTTP/1.1 200 OK
...
{"object":"list","data":[]}
$ curl -H 'Authorization: Bearer demo' http://127.0.0.1:8080/v1/endpoints | python3 -m json.tool
{
    "object": "list",
    ...
}
$ cat tiny.yaml
description: Tiny.
```
```python
from urllib.request import urlopen
with urlopen("http://127.0.0.1:8080/openapi.json") as answer:
    assert answer.status == 200
```
```console
^C
mockserver: answered 2 requests, ...
$ mockserver serve --scenario no.yaml
mockserver: scenario no.yaml: there is no such scenario or file (...)
```
```sh
make serve  # and wait
```
```text
Not executed.
```
"""


def test_a_good_page_passes(tmp_path: Path) -> None:
    page = write(tmp_path, GOOD)
    run_page(page, tmp_path)
    assert [*unexplained(page), *broken_links(page)] == []


@pytest.mark.parametrize(
    ("text", "noticed"),
    [
        ("```console\n$ mockserver --version\nmockserver 0\n```", "page.md:2: $ mockserver --version\nthe page shows"),
        ("```console\n$ mockserver serve\nmockserver ...: seed 2\n```", "TOGETHER_API_KEY"),
        ("```console\n$ mockserver --version\n...\n^C\n```", "page.md:4: no server is running"),
        ("```console\n$ rm -r .\n```", "page.md:2: only curl, mockserver, pytest, unittest and cat are run, not rm"),
        ("```console\n$ mockserver --version | sort\n```", "page.md:2: no such filter"),
        ("```console\nmockserver --version\n```", "page.md:2: a console block begins with `$ `"),
        ("```yaml\na: 1\n```", 'page.md:1: a yaml block has a title="file.yaml"'),
        ('```yaml title="../a.yaml"\na: 1\n```', "the files of a page lie in one folder"),
        ('```yaml title="a.yaml"\ndescripton: A\n```', "did you mean description?"),
        ("```python\nassert 1 == 2\n```", "page.md:1: the example fails"),
        ('```python title="test_a.py"\npass\n```', "page.md:1: no command of the page names test_a.py"),
        (
            '```python title="t.py"\ndef test_a(): assert 0\n```\n```console\n$ pytest -q t.py\n1 passed...\n```',
            "1 failed",
        ),
    ],
)
def test_an_example_that_is_not_true_is_noticed(text: str, noticed: str, tmp_path: Path) -> None:
    with pytest.raises(AssertionError) as failure:
        run_page(write(tmp_path, text), tmp_path)
    assert noticed in str(failure.value)


@pytest.mark.parametrize(
    ("expected", "output", "same"),
    [
        ("a", "a", True),
        ("a", "a\n", True),
        ("a", "b", False),
        ("a", "a\na", False),
        ("a", "", False),
        ("", "", True),
        ("a...c", "abbc", True),
        ("a...c", "ab\nbc", False),
        ("a\n...", "a", True),
        ("a\n...\nc", "a\nb\nb\nc", True),
        ("a\n  ...\nc", "a\nb\nd", False),
        ("(a.c)", "(abc)", False),
    ],
)
def test_three_dots_stand_for_anything_and_nothing_else_does(expected: str, output: str, same: bool) -> None:
    assert as_expected(tuple(expected.splitlines()), output) is same


@pytest.mark.parametrize("block", ["```\n```", "```bash\n```", "```sh\nmake nonsense\n```", "```sh\nrm -r .\n```"])
def test_an_example_that_nothing_executes_is_noticed(block: str, tmp_path: Path) -> None:
    assert list(unexplained(write(tmp_path, block)))
    marked = block.replace("\n", " no-run\n", 1).replace("``` ", "```text ")
    assert list(unexplained(write(tmp_path, marked))) == [
        "page.md:1: no-run without a line <!-- no-run: REASON --> above it"
    ]
    assert not list(unexplained(write(tmp_path, f"<!-- no-run: it needs a screen -->\n{marked}")))


def test_a_block_that_uses_the_sdk_names_its_version(tmp_path: Path) -> None:
    block = "```python\nfrom together import Together\n```"
    assert list(unexplained(write(tmp_path, block))) == [
        'page.md:1: a block that uses the SDK names its version: sdk="VERSION"'
    ]
    assert not list(unexplained(write(tmp_path, block.replace("python", 'python sdk="2.42.0"'))))


@pytest.mark.parametrize("target", ["other.md", "#nowhere", "page.md#nowhere", "../page.md"])
def test_a_broken_link_is_noticed(target: str, tmp_path: Path) -> None:
    page = write(tmp_path, f"# A page\n\n[x]({target}) [y](#a-page) [z](https://example.org/no) `[c](no)`\n")
    assert [one.partition(":")[0] for one in broken_links(page)] == ["page.md"]


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl to compare with")
def test_the_stand_in_for_curl_says_what_curl_says(tmp_path: Path) -> None:
    key = ["-H", "Authorization: Bearer demo"]
    with Session(tmp_path) as session:
        session.start(["--scenario", "empty", "--clock", "manual"])
        for arguments in (
            ["-s", *key, f"{session.origin}/v1/endpoints"],
            ["-si", *key, f"{session.origin}/v1/endpoints?type=dedicated"],
            ["-i", "-X", "DELETE", *key, f"{session.origin}/v1/endpoints/nothing"],
            ["-i", *key, f"{session.origin}/_mock/clock", "-d", '{"advance": 0}'],
            ["-i", "-XPOST", *key, f"{session.origin}/_mock/reset"],
            ["-i", *key, f"{session.origin}/v1/endpoints", "-d", "{}"],
            ["-i", *key, "-H", "content-type: application/json", f"{session.origin}/v1/endpoints", "-d", "{}"],
        ):
            done = subprocess.run(["curl", "-s", *arguments], capture_output=True, text=True, check=True)
            assert steady(curl(arguments, tmp_path)) == steady(done.stdout), arguments


# ---- tools ---------------------------------------------------------------------------------------------------------


def complain(what: str, found: Iterable[str]) -> None:
    """Fail with all that was found, not with the first of it."""
    lines = list(found)
    assert not lines, f"{what}:\n" + "\n".join(f"  {line}" for line in lines)


def check_diagrams(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(folder / "diagrams.py"), "--check"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def steady(said: str) -> list[str]:
    """The lines of an answer, save those that differ from one answer to the next."""
    return [line for line in said.splitlines() if not line.startswith(("date:", "x-request-id:", "cf-ray:"))]


def write(folder: Path, text: str) -> Page:
    path = folder / "page.md"
    path.write_text(text, encoding="utf-8")
    return read(path)

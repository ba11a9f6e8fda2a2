"""`GET /` says what this server is and where to go; the pages of the documentation are served under /_mock/docs."""

from __future__ import annotations

import re

from mockserver import __version__
from mockserver.errors import NotFound
from mockserver.server.http.responses import Response, dumps, typed_response
from mockserver.settings import data_folder

DOCS = "/_mock/docs"
"""Where the pages of the documentation are served, as Markdown."""
_PAGE = re.compile(r"[a-z0-9-]+(?=(\.md)?$)")
_ABOUT = "A local mock of the Together AI compute API, in virtual time. Nothing here is the real service."
_LINKS = {
    "document": ("/openapi.json", "the API that is served, as an OpenAPI document"),
    "documentation": (DOCS, "the pages of the documentation"),
    "control_document": ("/_mock/openapi.json", "the control API under /_mock: clock, events, faults, snapshots"),
    "health": ("/_mock/health", "the scenario, the seed and how many requests were answered"),
    "worlds": ("/_mock/worlds", "the accounts in use: one for each API key"),
    "report": ("/_mock/report?world=*", "what the clients did right and wrong"),
}
_JSON = dumps(
    {
        "name": "together-mockserver",
        "version": __version__,
        "about": _ABOUT,
        **{name: path for name, (path, _) in _LINKS.items()},
    }
)
_ITEMS = "\n".join(f'<li><a href="{path}">{path}</a>: {text}</li>' for path, text in _LINKS.values())
_HTML = f"""\
<!doctype html>
<html lang="en"><meta charset="utf-8"><title>together-mockserver</title>
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:3rem auto;padding:0 1rem}}</style>
<h1>together-mockserver {__version__}</h1>
<p>{_ABOUT}</p>
<p>Clients use the base URL of this page followed by <code>/v1</code> (together 3.x: without it) and any API key.</p>
<ul>
{_ITEMS}
</ul>
</html>
""".encode()


def home(accept: bytes) -> Response:
    """The page for browsers, which accept HTML, and the same as JSON for everybody else."""
    if b"text/html" in accept:
        return typed_response(_HTML, 200, "text/html; charset=utf-8")
    return typed_response(_JSON, 200, "application/json")


def documentation_page(name: str) -> Response:
    """A page of the documentation as Markdown, or the list of pages for "". Raises NotFound."""
    folder = data_folder("docs")
    pages = sorted(path.stem for path in folder.glob("*.md"))
    if not name:
        listed = "\n".join(f"- {DOCS}/{page}" for page in pages)
        return _markdown(f"# The documentation of together-mockserver\n\n{listed}\n".encode())
    match = _PAGE.match(name)
    if match is None or match[0] not in pages:
        raise NotFound(f"The documentation has no page {name[:100]!r}; GET {DOCS} lists the pages.")
    return _markdown((folder / f"{match[0]}.md").read_bytes())


def _markdown(text: bytes) -> Response:
    # As plain text, which browsers show; Markdown they would save.
    return typed_response(text, 200, "text/plain; charset=utf-8")

"""Changes of the credentials that an operation asks for."""

from collections.abc import Iterator, Mapping
from typing import Any

from mockserver.openapi.diff.changes import Effect
from mockserver.openapi.document.loading import Document
from mockserver.openapi.document.operations import Operation
from mockserver.openapi.schema.references import Place

Way = frozenset[tuple[str, str]]  # (scheme, scope) that a call must all have; the scope "" is the credential itself


def security_changes(
    old_document: Document, old: Operation, new_document: Document, new: Operation
) -> Iterator[tuple[Effect, str, bool]]:
    """Credentials that are no longer sufficient, and credentials that are now."""
    old_ways, new_ways = _ways(old_document, old), _ways(new_document, new)
    for way in old_ways:
        if not any(other <= way for other in new_ways):
            needs = " or ".join(dict.fromkeys(map(_credentials, new_ways)))
            text = f"no longer lets in calls with {_credentials(way)} (but with {needs})"
            yield "narrowed", text if way else f"now needs a credential: {needs}", True
    for way in new_ways:
        if not any(other <= way for other in old_ways):
            text = f"now lets in calls with {_credentials(way)}" if way else "no longer needs a credential"
            yield "widened", text, False


def _ways(document: Document, operation: Operation) -> list[Way]:
    """The alternatives of an operation's security; one that asks for nothing where there are none."""
    given = operation.raw.get("security", document.raw.get("security", []))
    schemes = document.raw.get("components", {}).get("securitySchemes", {})
    ways = []
    for way in given:
        needed: set[tuple[str, str]] = set()
        for name, scopes in way.items():
            scheme, _ = document.references.follow(schemes.get(name), Place(document.name))
            kind = _scheme(name, scheme if isinstance(scheme, dict) else {})
            needed.update((kind, scope) for scope in ("", *(scopes if isinstance(scopes, list) else ())))
        ways.append(frozenset(needed))
    return ways or [frozenset()]


def _scheme(name: str, scheme: Mapping[str, Any]) -> str:
    """What a scheme asks of a caller, whatever its name in the document."""
    kind = scheme.get("type")
    if kind == "http":
        return f"HTTP {str(scheme.get('scheme', '')).lower()}"
    if kind == "apiKey":
        return f"the API key `{scheme.get('name')}` ({scheme.get('in')})"
    return {"oauth2": "OAuth 2", "openIdConnect": "OpenID Connect", "mutualTLS": "mutual TLS"}.get(str(kind), name)


def _credentials(way: Way) -> str:
    kinds = sorted({kind for kind, _ in way})
    scopes = sorted(f"`{scope}`" for _, scope in way if scope)
    return (" and ".join(kinds) or "no credential") + (f" with {', '.join(scopes)}" if scopes else "")

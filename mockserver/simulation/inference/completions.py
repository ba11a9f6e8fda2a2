"""Completions of a simulated model: a short text that is a pure function of the seed, the model and the request."""

from __future__ import annotations

import re
from typing import NamedTuple

from mockserver.errors import Invalid
from mockserver.simulation.kernel import keyed_random
from mockserver.simulation.kernel.numbers import whole
from mockserver.simulation.kernel.transaction import Setup

MOST_CHOICES = 128
MOST_TOKENS = 1_000_000_000
MOST_SEED = 2**63 - 1
QUOTED = 80
"""Characters of the prompt that an answer repeats."""
VOCABULARY = 128_000

_TOKEN = re.compile(r"\s*(?:\w{1,6}|[^\w\s])|\s+")


class CompletionOptions(NamedTuple):
    """The options of a request as its body has them; numbers may be written as 8.0."""

    n: float = 1
    max_tokens: float | None = None
    stop: tuple[str, ...] = ()
    seed: float | None = None


class CompletionRequest(NamedTuple):
    """What a request asks for.

    `opening` begins the answer, `quoted` is the text that it repeats, `prompt` all that it depends on. Without
    `max_tokens` the answer is never cut, without `seed` each choice draws one of its own.
    """

    opening: str
    quoted: str
    prompt: str
    prompt_tokens: int
    n: int = 1
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None


class CompletionChoice(NamedTuple):
    """One answer, token by token; `finish_reason` is "stop", or "length" where `max_tokens` cut it."""

    tokens: tuple[str, ...]
    finish_reason: str
    seed: int


class Completion(NamedTuple):
    """The answer to a request: its choices, and how many tokens its prompt had."""

    id: str
    choices: tuple[CompletionChoice, ...]
    prompt_tokens: int

    @property
    def completion_tokens(self) -> int:
        """The tokens of all choices."""
        return sum(len(choice.tokens) for choice in self.choices)


def checked_request(opening: str, texts: list[str], prompt: str, options: CompletionOptions) -> CompletionRequest:
    """The request with its numbers checked; of the prompt's `texts` the last is quoted. Raises Invalid."""
    if not texts:
        raise Invalid("messages must hold at least one message.", param="messages")
    limit, seed = options.max_tokens, options.seed
    return CompletionRequest(
        opening=opening,
        quoted=texts[-1],
        prompt=prompt,
        prompt_tokens=sum(map(count_tokens, texts)),
        n=whole(options.n, "n", 1, MOST_CHOICES),
        max_tokens=None if limit is None else whole(limit, "max_tokens", 0, MOST_TOKENS),
        stop=tuple(filter(None, options.stop)),
        seed=None if seed is None else whole(seed, "seed", -MOST_SEED - 1, MOST_SEED),
    )


def complete(setup: Setup, model: str, request: CompletionRequest, at_ms: int) -> Completion:
    """The answer of a model; `model` is the name that the answer mentions."""
    key = (setup.seed, model, request.prompt, request.seed)
    return Completion(
        id=keyed_random.hexadecimal(24, setup.account, at_ms, *key),
        choices=tuple(_choice(model, request, key, index) for index in range(request.n)),
        prompt_tokens=request.prompt_tokens,
    )


def tokens(text: str) -> tuple[str, ...]:
    """The text in tokens, which joined are the text: up to six letters or one sign, with the space before it."""
    return tuple(_TOKEN.findall(text))


def count_tokens(text: str) -> int:
    """How many tokens a text has."""
    return _TOKEN.subn("", text)[1]  # makes neither matches nor pieces: a prompt may have megabytes


def token_id(token: str) -> int:
    """The number of a token in the vocabulary."""
    return keyed_random.number("token", token) % VOCABULARY


def _choice(model: str, request: CompletionRequest, key: tuple[object, ...], index: int) -> CompletionChoice:
    """The whole answer depends on the prompt alone, so that a limit or a stop sequence only cuts it."""
    quoted = " ".join(request.quoted[: 10 * QUOTED].split())
    if len(quoted) > QUOTED:
        quoted = f"{quoted[:QUOTED].rstrip()}…"
    tag = keyed_random.hexadecimal(6, "tag", index, *key)
    text = f'{request.opening} {model} to: "{quoted}" [{tag}]'
    ends = [end for stop in request.stop if (end := text.find(stop)) >= 0]
    pieces = tokens(text[: min(ends)] if ends else text)
    seed = keyed_random.number("seed", index, *key) >> 32 if request.seed is None else request.seed
    if request.max_tokens is not None and len(pieces) > request.max_tokens:
        return CompletionChoice(pieces[: request.max_tokens], "length", seed)
    return CompletionChoice(pieces, "stop", seed)

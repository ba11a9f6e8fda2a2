"""The `mockserver` command."""

from __future__ import annotations

import shlex
import sys
from dataclasses import replace
from enum import StrEnum
from math import isfinite
from pathlib import Path
from typing import Annotated

import typer

from mockserver import __version__
from mockserver.commands.options import (
    CheckOption,
    ClockMode,
    ClockOption,
    KeysOption,
    ScenarioOption,
    SdkOption,
    SeedOption,
    SpecsOption,
    SpeedOption,
    folder_of,
    settings_of,
)
from mockserver.errors import ConfigError
from mockserver.settings import DEFAULT_SEED, Settings, data_folder

app = typer.Typer(
    name="mockserver",
    help="A stateful local mock of the Together AI compute API, in virtual time.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
scenario_app = typer.Typer(help="Work with scenarios.", no_args_is_help=True, rich_markup_mode=None)
spec_app = typer.Typer(help="Work with OpenAPI documents.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(scenario_app, name="scenario")
app.add_typer(spec_app, name="spec")


class LogLevel(StrEnum):
    """How much is logged."""

    debug = "debug"
    info = "info"
    warning = "warning"
    error = "error"


class NoteFormat(StrEnum):
    """How `spec diff` writes what changed."""

    text = "text"
    markdown = "markdown"
    json = "json"


class FailOn(StrEnum):
    """Which changes `spec diff` fails on."""

    never = "never"
    breaking = "breaking"
    any = "any"


def _say_version(asked: bool) -> None:
    if asked:
        print(f"mockserver {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    """A stateful local mock of the Together AI compute API, in virtual time."""


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port to listen on; 0 picks a free one.")] = 8080,
    scenario: ScenarioOption = "default",
    seed: SeedOption = DEFAULT_SEED,
    clock: ClockOption = ClockMode.real,
    speed: SpeedOption = 1.0,
    api_key: KeysOption = None,
    spec: SpecsOption = None,
    check_responses: CheckOption = False,
    admin_token: Annotated[
        str | None, typer.Option(help="Lets other machines use the control API, as X-Mock-Admin-Token.")
    ] = None,
    log_level: Annotated[LogLevel, typer.Option(help="How much to log, to standard error.")] = LogLevel.warning,
    reload: Annotated[
        bool, typer.Option("--reload", help="Take up changes of --spec documents and scenario files as they are made.")
    ] = False,
    ready_file: Annotated[
        Path | None, typer.Option(help="Write base_url and pid here, as JSON, once the server answers.")
    ] = None,
) -> None:
    """Serve the API until SIGTERM or Ctrl-C."""
    served = settings_of(scenario, seed, clock, speed, api_key, spec, check_responses)
    if admin_token == "":
        raise ConfigError("--admin-token", "an empty token lets nobody in", "leave the option out, or give a token")
    from mockserver.server import process  # here, so that --help and the other commands start at once

    settings = replace(served, admin_token=admin_token, reload=reload)
    process.run(settings, host, port, log_level.value, ready_file)


@app.command(context_settings={"allow_interspersed_args": False})
def run(
    command: Annotated[list[str], typer.Argument(help="The client's program and its arguments, after --.")],
    scenario: ScenarioOption = "default",
    seed: SeedOption = DEFAULT_SEED,
    clock: ClockOption = ClockMode.real,
    speed: SpeedOption = 1.0,
    api_key: KeysOption = None,
    spec: SpecsOption = None,
    check_responses: CheckOption = False,
    sdk: SdkOption = 2,
    timeout: Annotated[
        float | None, typer.Option(min=0.001, help="End the command after so many seconds, with status 124.")
    ] = None,
    report: Annotated[
        str | None, typer.Option(help="Write verdict.json, junit.xml and index.html into this folder.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Let warnings count as breaches, too.")] = False,
) -> None:
    """Serve on a free port, run a client against it, and say what it did right and wrong.

    The exit status is the client's own, or 3 where that is 0 and the client broke the contract.
    """
    served = settings_of(scenario, seed, clock, speed, api_key, spec, check_responses)
    if timeout is not None and not isfinite(timeout):
        raise ConfigError("--timeout", f"{timeout} is no time", "give a number of seconds")
    from mockserver.commands import run

    again = shlex.join(["mockserver", *sys.argv[1:]])
    asked = run.RunOptions(command, sdk == 3, timeout, folder_of(report), strict, again)
    raise typer.Exit(run.run(served, asked))


@app.command()
def proxy(
    upstream: Annotated[str, typer.Option(help="The real server's URL, such as https://HOST or https://HOST/v1.")],
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port to listen on; 0 picks a free one.")] = 8080,
    record: Annotated[
        Path | None, typer.Option(help="Record what is exchanged in this file, which is a scenario for serve.")
    ] = None,
    report: Annotated[
        str | None, typer.Option(help="Write both verdicts into the folders client and server of this folder.")
    ] = None,
    spec: SpecsOption = None,
    ready_file: Annotated[
        Path | None, typer.Option(help="Write base_url and pid here, as JSON, once the proxy answers.")
    ] = None,
) -> None:
    """Pass requests on to a real server, and judge both sides of the conversation.

    The exit status is 3 where either broke the contract.
    """
    from mockserver.commands import proxy

    asked = proxy.ProxyOptions(upstream, host, port, record, folder_of(report), ready_file)
    raise typer.Exit(proxy.proxy(Settings(specs=tuple(spec or ())), asked))


@app.command()
def scenarios() -> None:
    """List the scenarios that ship with the package."""
    from mockserver.scenarios import find_scenario, read_description, scenario_names

    fixtures = data_folder("fixtures")
    for name in scenario_names(fixtures):
        print(f"{name:20} {read_description(find_scenario(fixtures, name))}")


@scenario_app.command("check")
def check_scenario(path: Annotated[str, typer.Argument(help="A scenario's path or name.")]) -> None:
    """Check a scenario: exit 0 where it can be served, else say the place and the hint and exit 2."""
    from mockserver.contract.lifecycles import load_lifecycles
    from mockserver.scenarios import find_scenario, load_catalog, load_scenario

    fixtures = data_folder("fixtures")
    lifecycles = load_lifecycles(data_folder("spec") / "lifecycles.yaml")
    catalog = load_catalog(fixtures / "catalog.yaml")
    scenario = load_scenario(find_scenario(fixtures, path), fixtures, lifecycles, catalog, check=True)
    seeds = scenario.seeds()
    held = f"{len(seeds.endpoints)} endpoints, {len(seeds.clusters)} clusters, {len(seeds.volumes)} volumes"
    print(f"{path}: a good scenario, with {held}")


@spec_app.command("check")
def check_spec(path: Annotated[Path, typer.Argument(help="An OpenAPI document, YAML or JSON.")]) -> None:
    """Check that a document can be served: exit 0, or say the place and the hint and exit 2."""
    from mockserver.openapi import load_document
    from mockserver.server.handlers.generic import summary

    document = load_document(path)
    resources, stateful = summary(document)
    held = f", {stateful} of them on {resources} resources kept by convention" if resources else ""
    print(f"{path}: {len(document.operations)} operations, all of which can be served{held}")
    for note in document.notes:
        print(f"  let through: {note}")


@spec_app.command("diff")
def diff_specs(
    old: Annotated[str, typer.Argument(help="An OpenAPI document's path, or the name of one that ships (v1).")],
    new: Annotated[str, typer.Argument(help="What it became: a path or a name too.")],
    format: Annotated[NoteFormat, typer.Option(help="How to write what changed.")] = NoteFormat.text,
    fail_on: Annotated[
        FailOn, typer.Option(help="Exit with status 1 if there are changes of this sort.")
    ] = FailOn.never,
) -> None:
    """Tell what changed between two documents, and which changes break clients."""
    from mockserver.openapi import find_document, load_document
    from mockserver.openapi.diff import as_json, differences, release_note

    spec = data_folder("spec")
    found = differences(load_document(find_document(spec, old)), load_document(find_document(spec, new)))
    if format is NoteFormat.json:
        print(as_json(old, new, found), end="")
    else:
        print(release_note(found, markdown=format is NoteFormat.markdown), end="")
    if (fail_on is FailOn.any and found) or (fail_on is FailOn.breaking and any(one.breaking for one in found)):
        raise typer.Exit(1)


@app.command()
def verify(
    base_url: Annotated[
        str | None, typer.Argument(help="The server to judge, such as http://127.0.0.1:8080 or .../v1.")
    ] = None,
    api_key: Annotated[
        str | None, typer.Option(help="Its key; better set TOGETHER_API_KEY, which no list of processes shows.")
    ] = None,
    document: Annotated[
        list[str] | None,
        typer.Option(help="v1, guide-2024 or the path of a document (repeatable); by default what ships."),
    ] = None,
    allow_writes: Annotated[
        bool, typer.Option("--allow-writes", help="Create, change and delete things, too, and clean up.")
    ] = False,
    budget_cents: Annotated[
        float | None,
        typer.Option(min=0, help="What all that is created may cost; 1000 unless the server simulates time."),
    ] = None,
    max_resources: Annotated[int, typer.Option(min=1, help="How many things may be alive at once.")] = 12,
    name_prefix: Annotated[str, typer.Option(help="What the names of all that is created begin with.")] = "verify",
    patience: Annotated[
        float, typer.Option(min=1, help="Seconds to wait for one thing where time cannot be moved.")
    ] = 900.0,
    seed: Annotated[
        int | None, typer.Option(min=0, max=2**32 - 1, help="Decides every choice; by default a new one each time.")
    ] = None,
    max_examples: Annotated[int, typer.Option(min=1, max=100_000, help="A measure of how much is tried.")] = 12,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes that judge at once; writes stay on one.")] = 1,
    examples: Annotated[
        str, typer.Option(help="Where failing examples are kept: a folder, or redis://HOST:PORT/DB.")
    ] = ".verify/examples",
    ledger: Annotated[
        str, typer.Option(help="Where it is noted what was created and is not deleted yet.")
    ] = ".verify/ledger.jsonl",
    against: Annotated[
        Path | None, typer.Option(help="A recording of `mockserver proxy` that answers are compared with.")
    ] = None,
    report: Annotated[str | None, typer.Option(help="A folder for verdict.json, junit.xml and index.html.")] = None,
    clean_up: Annotated[
        bool, typer.Option("--clean-up", help="Only delete what an earlier run has left behind.")
    ] = False,
) -> None:
    """Judge a server by the contract: exit 0 where it is kept, 1 where it is broken, 2 where it could not be judged."""
    from mockserver.commands import verify

    asked = verify.VerifyOptions(
        base_url=base_url,
        api_key=api_key,
        documents=tuple(document or ()),
        allow_writes=allow_writes,
        budget_cents=budget_cents,
        max_resources=max_resources,
        name_prefix=name_prefix,
        patience_s=patience,
        seed=seed,
        max_examples=max_examples,
        workers=workers,
        examples=examples,
        ledger=verify.path_of("--ledger", ledger),
        against=against,
        report=None if report is None else verify.path_of("--report", report),
    )
    raise typer.Exit(verify.clean_up(asked) if clean_up else verify.judge(asked))


@app.command()
def exercise(
    command: Annotated[list[str], typer.Argument(help="The client's command, after --.")],
    scenario: ScenarioOption = "default",
    seed: SeedOption = DEFAULT_SEED,
    clock: ClockOption = ClockMode.step,
    speed: SpeedOption = 1.0,
    spec: SpecsOption = None,
    sdk: SdkOption = 2,
    budget: Annotated[int, typer.Option(min=1, help="At most so many runs after the first.")] = 200,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds after which a run counts as one without end.")] = 60,
    only: Annotated[
        list[str] | None,
        typer.Option(help="Only these variations: a kind, a name, or a pattern of names (repeatable)."),
    ] = None,
    expect_exit: Annotated[int, typer.Option(help="What COMMAND exits with where nothing is varied.")] = 0,
    workers: Annotated[int, typer.Option(min=1, max=64, help="How many runs go on at once.")] = 1,
    report: Annotated[str | None, typer.Option(help="A folder for exercise.json.")] = None,
) -> None:
    """Run a client again and again, each time served in one other valid way: exit 1 where one of them breaks it."""
    from mockserver.commands import exercise

    settings = settings_of(scenario, seed, clock, speed, None, spec, False)
    if not isfinite(timeout):
        raise ConfigError("--timeout", f"{timeout} is no time", "give a number of seconds")
    asked = exercise.ExerciseOptions(
        settings, command, budget, timeout, tuple(only or ()), folder_of(report), workers, expect_exit, is_bare=sdk == 3
    )
    raise typer.Exit(exercise.exercise(asked))


def main() -> None:
    """Run the command; whatever is wrong with what we were given is one line and exit status 2."""
    try:
        status = app(standalone_mode=False, prog_name="mockserver")
    except ConfigError as error:
        print(f"mockserver: {error}", file=sys.stderr)
        status = 2
    except typer.TyperException as error:
        message = error.format_message() if hasattr(error, "format_message") else str(error)
        if "\n" in message:  # asked for nothing: this is the help
            print(message, file=sys.stderr)
        else:
            print(f"mockserver: {message} (mockserver --help lists what there is)", file=sys.stderr)
        status = 2
    except typer.Abort:
        status = 130
    sys.exit(status)

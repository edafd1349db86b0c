"""The command `marcado`. LangChain is imported only by the commands that need it: it takes seconds."""

import json
import secrets
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn, TypeVar

import typer
from rich.console import Console

from cli.settings import Settings, SettingsError, load_settings, operator_catalogue, secrets_of

if TYPE_CHECKING:
    from cli.pausing import Done
    from meetings.business import Business

T = TypeVar("T")
words = operator_catalogue()
app = typer.Typer(help=words.text("help_app"), no_args_is_help=True, rich_markup_mode="rich", add_completion=False)
privacy = typer.Typer(help=words.text("help_privacy"), no_args_is_help=True)
app.add_typer(privacy, name="privacy")
out, err = Console(), Console(stderr=True)

BusinessOption = Annotated[Path | None, typer.Option("--business", help=words.text("help_business"))]
PortOption = Annotated[int, typer.Option("--port", min=0, max=65535, help=words.text("help_port"))]
PhoneArgument = Annotated[str, typer.Argument(help=words.text("help_phone"))]
VerboseOption = Annotated[bool, typer.Option("--verbose", "-v", help=words.text("help_verbose"))]


@app.command(help=words.text("help_run"))
def run(
    port: PortOption = 0,
    business: BusinessOption = None,
    tour: Annotated[bool, typer.Option("--tour", help=words.text("help_tour"))] = False,
    verbose: VerboseOption = False,
) -> None:
    _demo(port, business, tour=tour or not sys.stdin.isatty(), verbose=verbose)


@app.command(help=words.text("help_chat"))
def chat(port: PortOption = 0, business: BusinessOption = None, verbose: VerboseOption = False) -> None:
    _demo(port, business, tour=not sys.stdin.isatty(), verbose=verbose)


@app.command(help=words.text("help_serve"))
def serve(
    host: Annotated[str, typer.Option("--host", help=words.text("help_host"))] = "127.0.0.1",
    port: PortOption = 8000,
    business: BusinessOption = None,
) -> None:
    try:
        settings = load_settings({"BUSINESS_FILE": business} if business else None)
    except SettingsError as error:
        _stop(error.headline, error.problems, words.text("settings_next"))
    from cli.logs import configure_logs
    from cli.serving import PortTakenError, StartError, serve_forever

    configure_logs(settings.LOG_LEVEL, pretty=sys.stderr.isatty(), secrets=secrets_of(settings))
    if settings.PUBLIC_URL is None:
        err.print(words.text("no_public_url"), style="yellow")

    def started(url: str) -> None:
        err.print(words.text("serving", url=url), style="bold")
        err.print(words.text("serving_panel", url=url) if settings.PANEL_PASSWORD else words.text("serving_no_panel"))

    try:
        serve_forever(settings, host, port, started)
    except PortTakenError:
        _stop(words.text("port_taken", port=port), [], "")
    except StartError as error:
        _stop(words.text("not_started", problem=str(error)), [], "")


@app.command(help=words.text("help_pause"))
def pause(phone: PhoneArgument) -> None:
    from cli.pausing import pause_by_phone

    done = _pausing(pause_by_phone, phone)
    until = done.paused_until.astimezone().strftime("%d/%m/%Y %H:%M") if done.paused_until else ""
    out.print(words.text("pause_done", name=done.who, until=until), style="bold", highlight=False)


@app.command(help=words.text("help_resume"))
def resume(phone: PhoneArgument) -> None:
    from cli.pausing import resume_by_phone

    done = _pausing(resume_by_phone, phone)
    out.print(words.text("resume_done", name=done.who), style="bold", highlight=False)
    out.print(words.text("resume_answers", count=done.to_answer) if done.to_answer else words.text("resume_waits"))


@app.command(help=words.text("help_sandbox"))
def sandbox(
    first_port: Annotated[int, typer.Option("--first-port", min=0, max=65531, help=words.text("help_first_port"))] = 0,
) -> None:
    import signal

    from cli.show import where_table
    from sandbox.server import Sandbox

    names = ("kommo", "google", "evolution", "openai")
    ports = {name: first_port + n for n, name in enumerate(names)} if first_port else {}
    try:
        served = Sandbox(ports).start()
    except OSError:
        _stop(words.text("port_taken", port=first_port), [], "")
    out.print(where_table(words, served.urls, None))
    out.print(f"[bold]{words.text('sandbox_env_title')}[/bold]")
    for line in _env_lines(served.urls):
        out.print(line, soft_wrap=True, highlight=False)
    out.print(f"\n{words.text('sandbox_ready')}", style="bold")
    try:
        signal.sigwait({signal.SIGINT, signal.SIGTERM})
    finally:
        served.stop()


@app.command(name="eval", help=words.text("help_eval"))
def evaluate(
    paths: Annotated[list[Path] | None, typer.Argument(help=words.text("help_eval_paths"))] = None,
    model: Annotated[str | None, typer.Option("--model", help=words.text("help_eval_model"))] = None,
    runs: Annotated[int, typer.Option("--runs", min=1, max=100, help=words.text("help_eval_runs"))] = 1,
    customer: Annotated[Literal["scripted", "simulated"], typer.Option("--customer", help=words.text("help_eval_customer"))] = (
        "scripted"
    ),
    out_folder: Annotated[Path | None, typer.Option("--out", help=words.text("help_eval_out"))] = None,
    earlier: Annotated[Path | None, typer.Option("--compare", help=words.text("help_eval_compare"))] = None,
    price_in: Annotated[float | None, typer.Option("--price-in", min=0, help=words.text("help_eval_price_in"))] = None,
    price_out: Annotated[float | None, typer.Option("--price-out", min=0, help=words.text("help_eval_price_out"))] = None,
    business: BusinessOption = None,
    strict: Annotated[bool, typer.Option("--strict", help=words.text("help_eval_strict"))] = False,
) -> None:
    if customer == "simulated" and model is None:
        _stop(words.text("eval_needs_model"), [], words.text("eval_needs_model_next"))
    with out.status("…") as status:
        from datetime import UTC, datetime

        from cli.eval_report import ComparisonError, as_json, read_earlier, show, show_comparison, summarise, write
        from cli.evaluation import Exam, find_scenarios, model_access, sit
        from cli.logs import configure_logs
        from cli.scenario_schema import ScenarioError

        configure_logs("CRITICAL", pretty=True)
        try:
            exam = Exam(
                business_file=business or Path("business.toml"),
                locale=words.locale,
                model=model_access(model) if model else None,
                runs=runs,
                is_simulated=customer == "simulated",
                price_in=price_in,
                price_out=price_out,
            )
            scenarios = find_scenarios(paths or [Path("tests/conversations")])
            before = read_earlier(earlier) if earlier else None
        except SettingsError as error:
            _stop(error.headline, error.problems, "")
        except ScenarioError as error:
            _stop(words.text("eval_bad_scenario"), str(error).splitlines(), "")
        except ComparisonError as error:
            _stop(words.text("eval_bad_compare"), [str(error)], "")
        started = datetime.now(UTC)
        left_out = {name: why for name, scenario in scenarios.items() if (why := exam.why_left_out(scenario))}
        chosen = {name: scenario for name, scenario in scenarios.items() if name not in left_out}
        results = sit(
            exam, chosen, lambda name, n: status.update(words.text("eval_running", name=name, number=n, runs=exam.runs))
        )
    data = as_json(exam, results, left_out, started)
    folder = out_folder or Path("var/eval") / started.astimezone().strftime("%Y-%m-%d-%H%M%S")
    write(exam, results, data, folder, words)
    show(out, exam, results, left_out, words)
    if before:
        show_comparison(out, before, data, words)
    out.print(words.text("eval_written", folder=folder), style="dim", soft_wrap=True, highlight=False)
    if strict and summarise(results).passed_always < len(results):
        raise typer.Exit(1)


@app.command(help=words.text("help_why"))
def why(
    meeting: Annotated[str | None, typer.Argument(help=words.text("help_why_meeting"))] = None, business: BusinessOption = None
) -> None:
    settings, rules = _accounts(business)
    from cli.operate import show_story, tell_why

    if meeting is None:
        from cli.waiting import read_queue, show_proactive, show_queue

        queue = read_queue(settings)
        show_queue(out, queue, words)
        show_proactive(out, queue.stopped, rules, words)
        return
    story = tell_why(settings, meeting)
    if story is None:
        advice = words.text("why_unknown_next", database=settings.DATABASE_URL.split("@")[-1])
        _stop(words.text("why_unknown", wanted=meeting), [], advice)
    show_story(out, story, rules, words)


@app.command(help=words.text("help_proactive"))
def proactive(
    is_on: Annotated[bool, typer.Option("--resume", help=words.text("help_proactive_resume"))] = False,
    is_off: Annotated[bool, typer.Option("--stop", help=words.text("help_proactive_stop"))] = False,
    business: BusinessOption = None,
) -> None:
    settings, rules = _accounts(business)
    from cli.waiting import read_queue, resume, show_proactive, stop

    if is_on:
        resume(settings)
    elif is_off:
        stop(settings)
    show_proactive(out, read_queue(settings).stopped, rules, words)


@app.command(help=words.text("help_sweep"))
def sweep(
    dry_run: Annotated[bool, typer.Option("--dry-run", help=words.text("help_sweep_dry"))] = False,
    business: BusinessOption = None,
) -> None:
    settings, rules = _accounts(business)
    from cli.operate import show_comparison, show_hooks, sweep_now
    from clients.errors import ServiceError

    try:
        found, hooks = sweep_now(settings, rules, dry_run=dry_run)
    except ServiceError as error:
        _stop(words.text("sweep_unreadable", problem=str(error)), [], "")
    show_comparison(out, found, rules, words, dry_run=dry_run)
    show_hooks(out, hooks, words)


@app.command(help=words.text("help_storm"))
def storm(
    seeds: Annotated[int, typer.Option("--seeds", min=1, max=10_000, help=words.text("help_storm_seeds"))] = 5,
    seed: Annotated[int | None, typer.Option("--seed", min=1, help=words.text("help_storm_seed"))] = None,
    flows: Annotated[int, typer.Option("--flows", min=1, max=1000, help=words.text("help_storm_flows"))] = 200,
    strength: Annotated[float, typer.Option("--strength", min=0, max=4, help=words.text("help_storm_strength"))] = 1.0,
    is_flood: Annotated[bool, typer.Option("--flood", help=words.text("help_storm_flood"))] = False,
    business: BusinessOption = None,
) -> None:
    from cli.flood import flood
    from cli.flood import show as show_flood
    from cli.logs import configure_logs
    from cli.storm import DEFAULT_CALENDAR
    from cli.storm_plan import StormError
    from cli.storm_report import CalmRunError, blow, show
    from meetings.business import BusinessFileError, load_business

    configure_logs("CRITICAL", pretty=True)
    path = business or Path("business.toml")
    chosen = [seed] if seed is not None else list(range(1, seeds + 1))
    try:
        if is_flood:
            with out.status(words.text("flood_running")):
                flooded = flood(load_business(path, DEFAULT_CALENDAR), path)
            show_flood(out, words, flooded)
            raise typer.Exit(0 if flooded.is_good and flooded.is_in_time else 1)
        outcomes = blow(out, words, path, flows=flows, seeds=chosen, strength=strength)
    except BusinessFileError as error:
        _stop(str(error).splitlines()[0], str(error).splitlines()[1:], "")
    except StormError as error:
        _stop(words.text("storm_impossible"), [str(error)], "")
    except CalmRunError as error:
        _stop(words.text("storm_not_calm"), error.complaints[:10], words.text("storm_not_calm_next"))
    if not show(out, words, outcomes, flows=flows, strength=strength, business_file=business):
        raise typer.Exit(1)


@app.command(help=words.text("help_backup"))
def backup(target: Annotated[Path, typer.Argument(metavar="FILE", help=words.text("help_backup_file"))]) -> None:
    from cli.backup import OtherServerError, back_up
    from meetings.database import DatabaseError
    from meetings.files import BackupError

    try:
        copied = back_up(load_settings(), target)
    except SettingsError as error:
        _stop(error.headline, error.problems, words.text("settings_next"))
    except DatabaseError as error:
        _stop(str(error), [], "")
    except OtherServerError as error:
        _stop(words.text("backup_postgres"), [str(error)], words.text("backup_postgres_next"))
    except BackupError as error:
        _stop(words.text(f"backup_{error.args[0]}", file=error.args[1]), [], words.text("backup_none"))
    for one in copied:
        size = f"{one.size / 1024 / 1024:.1f} MB"
        out.print(words.text("backup_done", file=one.path, size=size), soft_wrap=True, highlight=False)
    out.print(words.text("backup_next"), style="dim")


SinceOption = Annotated[str | None, typer.Option("--since", help=words.text("help_replay_since"))]


@app.command(help=words.text("help_letters"))
def letters(since: SinceOption = None, business: BusinessOption = None) -> None:
    settings, rules = _accounts(business)
    from cli.replay import NoDatabaseError, list_letters, show_letters

    try:
        found = list_letters(settings, _since(since, rules))
    except NoDatabaseError:
        _stop(words.text("refused_no_database"), [], words.text("advice_no_database"))
    show_letters(out, found, rules, words)
    if found:
        out.print(words.text("letters_hint"), style="dim")


@app.command(help=words.text("help_replay"))
def replay(
    wanted: Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help=words.text("help_replay_ids"))] = None,
    everything: Annotated[bool, typer.Option("--all", help=words.text("help_replay_all"))] = False,
    since: SinceOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help=words.text("help_replay_dry"))] = False,
    webhooks: Annotated[bool, typer.Option("--webhooks", help=words.text("help_replay_webhooks"))] = False,
    business: BusinessOption = None,
) -> None:
    settings, rules = _accounts(business)
    from cli.replay import NoDatabaseError, replay_letters, replay_webhooks, show_letters

    if not (wanted or everything or since):
        _stop(words.text("replay_what"), [], words.text("letters_hint"))
    moment, names = _since(since, rules), wanted or []
    try:
        if webhooks:
            numbers = [int(name.removeprefix("webhook:")) for name in names]
            bodies = replay_webhooks(settings, rules, numbers, moment, dry_run=dry_run)
            chosen, went = len(bodies), sum(is_done for _, is_done in bodies)
        else:
            replayed = replay_letters(settings, rules, names, moment, dry_run=dry_run)
            show_letters(out, replayed.letters, rules, words)
            chosen, went = len(replayed.letters), len(replayed.done)
    except NoDatabaseError:
        _stop(words.text("refused_no_database"), [], words.text("advice_no_database"))
    except ValueError:
        _stop(words.text("replay_what"), [], words.text("letters_hint"))
    out.print(words.text("replay_dry" if dry_run else "replay_done", count=went, of=chosen), style="bold")


def _since(text: str | None, rules: "Business") -> datetime | None:
    from datetime import UTC

    from cli.replay import moment_of

    try:
        return moment_of(text, rules, datetime.now(UTC)) if text else None
    except ValueError:
        _stop(words.text("replay_since_unclear", text=text), [], "")


def _accounts(business: Path | None) -> "tuple[Settings, Business]":
    """The settings and the business file of the service that runs here, for commands that look at its records."""
    from cli.logs import configure_logs
    from meetings.business import BusinessFileError, load_business

    try:
        settings = load_settings({"BUSINESS_FILE": business} if business else None)
    except SettingsError as error:
        _stop(error.headline, error.problems, words.text("settings_next"))
    configure_logs("CRITICAL", pretty=True)
    try:
        return settings, load_business(settings.BUSINESS_FILE, settings.GOOGLE_CALENDAR_ID)
    except BusinessFileError as error:
        _stop(str(error).splitlines()[0], str(error).splitlines()[1:], "")


@app.command(help=words.text("help_usage"))
def usage(
    since: Annotated[datetime | None, typer.Option("--since", formats=["%Y-%m-%d"], help=words.text("help_usage_since"))] = None,
    by: Annotated[Literal["day", "customer", "meeting"], typer.Option("--by", help=words.text("help_usage_by"))] = "day",
    is_json: Annotated[bool, typer.Option("--json", help=words.text("help_usage_json"))] = False,
    business: BusinessOption = None,
) -> None:
    from cli.usage import NoUsageError, as_json, prices_of, read_report, show
    from meetings.business import BusinessFileError, load_business

    try:
        settings = load_settings({"BUSINESS_FILE": business} if business else None)
        rules = load_business(settings.BUSINESS_FILE, settings.GOOGLE_CALENDAR_ID)
        day = since.date() if since else None
        report = read_report(settings, rules, day)
    except SettingsError as error:
        _stop(error.headline, error.problems, words.text("settings_next"))
    except BusinessFileError as error:
        _stop(str(error).splitlines()[0], str(error).splitlines()[1:], "")
    except NoUsageError as error:
        _stop(words.text(error.key, where=error.where), [], words.text("usage_next"))
    prices = prices_of(settings)
    if is_json:
        typer.echo(json.dumps(as_json(report, by, day, prices), ensure_ascii=False, indent=2))
    else:
        show(out, report, by, day, prices, rules, words)


@privacy.command(name="export", help=words.text("help_privacy_export"))
def privacy_export(phone: PhoneArgument) -> None:
    from cli.privacy import export_person

    found = _about_data(export_person, phone)
    typer.echo(json.dumps(found, ensure_ascii=False, indent=2))


@privacy.command(name="erase", help=words.text("help_privacy_erase"))
def privacy_erase(
    phone: PhoneArgument, is_sure: Annotated[bool, typer.Option("--yes", help=words.text("help_privacy_yes"))] = False
) -> None:
    from cli.privacy import erase_person

    if not is_sure:
        typer.confirm(words.text("privacy_sure", phone=phone), abort=True)
    done = _about_data(erase_person, phone)
    if done.problems:
        _stop(words.text("privacy_left"), done.problems, words.text("privacy_again"))
    counts = {"records": sum(done.rows.values()) + done.bodies + done.workflows, "notes": done.notes}
    out.print(words.text("privacy_erased", **counts, tasks=done.tasks, events=done.events), highlight=False)
    if not done.is_compact:
        out.print(words.text("privacy_not_compact"), style="yellow")
    out.print(words.text("privacy_elsewhere"))


def _about_data(act: Callable[[Settings, str], T], phone: str) -> T:
    from cli.logs import configure_logs
    from cli.privacy import PrivacyError
    from clients.calendar import CredentialsFileError
    from clients.errors import ServiceError

    configure_logs("CRITICAL", pretty=True)
    try:
        return act(load_settings(), phone)
    except SettingsError as error:
        _stop(error.headline, error.problems, words.text("settings_next"))
    except PrivacyError as error:
        _stop(words.text(f"refused_{error.args[0]}"), [], words.text(f"advice_{error.args[0]}"))
    except (ServiceError, CredentialsFileError) as error:
        _stop(words.text("privacy_left"), [str(error)], words.text("privacy_again"))


def _env_lines(urls: dict[str, str]) -> list[str]:
    from cli.stack import SANDBOX_VALUES, sandbox_urls

    values = {**SANDBOX_VALUES, **sandbox_urls(urls), "PUBLIC_URL": "http://127.0.0.1:8000"}
    return [f"{name}={value}" for name, value in values.items()]


def _demo(port: int, business: Path | None, *, tour: bool, verbose: bool) -> None:
    with out.status("…"):
        from cli.logs import configure_logs
        from cli.people import PHONES, People
        from cli.show import where_table
        from cli.stack import ANY_HOUR, Stack
        from cli.tour import take_tour
        from cli.watch import Watcher
        from meetings.business import BusinessFileError

        configure_logs("INFO" if verbose else "CRITICAL", pretty=True)
        password = secrets.token_urlsafe(9)
        # A demo answers sooner than production would: nobody here types in bursts.
        stack = Stack(
            business_file=business or Path("business.toml"),
            business_changes=ANY_HOUR,
            overrides={
                "DEBOUNCE_SILENCE_S": 0.3 if tour else 1.0,
                "SELLER_UNDO_S": 3,
                "LOCALE": words.locale,
                "PANEL_PASSWORD": password,
            },
            port=port,
        )
        try:
            stack.__enter__()
        except BusinessFileError as error:
            _stop(str(error).splitlines()[0], str(error).splitlines()[1:], "")
        except OSError:
            _stop(words.text("port_taken", port=port), [], "")
    people = People(stack.sandbox.control_url, PHONES[words.locale])
    try:
        out.print(where_table(words, stack.sandbox.urls, stack.url))
        watcher = Watcher(people, words, stack.service.business.zone)
        if tour:
            if not sys.stdin.isatty():
                out.print(words.text("tour_hint"), style="dim")
            is_good = take_tour(stack, people, watcher, words, out)
            raise typer.Exit(0 if is_good else 1)
        from cli.chat import Chat

        out.print(words.text("demo_panel", url=stack.url, password=password), highlight=False)
        Chat(people, watcher, words, out).run()
    finally:
        people.close()
        stack.__exit__(None, None, None)


def _pausing(act: Callable[[Settings, str], "Done"], phone: str) -> "Done":
    from cli.pausing import PausingRefusedError

    try:
        settings = load_settings()
        return act(settings, phone)
    except SettingsError as error:
        _stop(error.headline, error.problems, words.text("settings_next"))
    except PausingRefusedError as error:
        _stop(words.text(f"refused_{error.args[0]}"), [], words.text(f"advice_{error.args[0]}"))


def _stop(headline: str, lines: list[str], advice: str) -> NoReturn:
    from cli.show import problem

    err.print(problem(headline, lines, advice))
    raise typer.Exit(2)

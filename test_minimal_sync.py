"""Test of the minimal sync between Kommo and Google Calendar.

    python test_minimal_sync.py          on the embedded sandbox: no account, no key, nothing outside this machine
    python test_minimal_sync.py --live   on the accounts in .env: asks first, marks all it makes, cleans up

Exit code 0 when every effect was there, 1 when one was not, 2 when it could not start. pytest collects it too.
"""

import argparse
import sys
from pathlib import Path

try:
    from rich.console import Console
except ModuleNotFoundError:
    sys.exit(
        "Marcado's packages are not installed in this Python. Run `make test` once, then .venv/bin/python test_minimal_sync.py"
    )

from cli.minimal_sync import TAG, run_live, run_on_sandbox
from cli.settings import SettingsError, load_settings, operator_catalogue

ROOT = Path(__file__).parent


def test_minimal_sync_works_on_the_sandbox() -> None:
    assert run_on_sandbox(operator_catalogue(None), Console(), business_file=ROOT / "business.toml")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--live", action="store_true", help="use the accounts in .env instead of the sandbox")
    parser.add_argument("--phone", help="with --live: a WhatsApp number of yours that gets the test messages, +5511987654321")
    parser.add_argument("--yes", action="store_true", help="with --live: do not ask before starting")
    parser.add_argument("--wait", type=float, default=30, help="seconds an effect may take to appear (default 30)")
    parser.add_argument(
        "--hand-wait", type=float, default=600, help="with --live: seconds to wait for you in Kommo (default 600)"
    )
    parser.add_argument("--verbose", action="store_true", help="show the log of calls")
    options = parser.parse_args(arguments)
    from cli.logs import configure_logs

    configure_logs("INFO" if options.verbose else "CRITICAL", pretty=True)
    console = Console()
    words = operator_catalogue()
    if not options.live:
        return 0 if run_on_sandbox(words, console, wait_s=options.wait, business_file=ROOT / "business.toml") else 1
    return live(options, console)


def live(options: argparse.Namespace, console: Console) -> int:
    from cli.stack import LiveStack
    from meetings.phones import to_e164

    words = operator_catalogue()
    phone = to_e164(options.phone or "")
    if phone is None:
        console.print(words.text("live_need_phone"), style="red")
        return 2
    try:
        settings = load_settings()
    except SettingsError as error:
        console.print(f"{error}\n\n{words.text('settings_next')}", style="red", highlight=False)
        return 2
    console.print(words.text("live_warning", phone=phone, tag=TAG), style="yellow")
    if not options.yes and not agreed(words.text("live_ask"), words.list("live_yes")):
        console.print(words.text("live_stopped"))
        return 2
    with LiveStack(settings) as stack:
        is_good = run_live(words, console, stack, phone, wait_s=options.wait, hand_wait_s=options.hand_wait)
    return 0 if is_good else 1


def agreed(question: str, yes: list[str]) -> bool:
    try:
        return input(f"{question} ").strip().lower() in yes
    except EOFError:
        return False  # nobody is there to answer


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

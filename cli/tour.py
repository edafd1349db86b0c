"""A short tour without a terminal: a booking by conversation, the seller's cancellation, and proof that all three agree."""

from rich.console import Console
from rich.rule import Rule

from cli.people import People
from cli.show import checks_table, show_all
from cli.stack import Stack
from cli.watch import Watcher
from prompts.catalogue import Catalogue


def take_tour(stack: Stack, people: People, watcher: Watcher, words: Catalogue, console: Console) -> bool:
    """Plays the tour and shows what happens; True when every promised effect was there."""
    console.print(Rule(words.text("tour_title"), style="cyan"))
    for line in words.list("tour_lines"):
        people.customer_says(line)
        stack.settle()
        show_all(console, watcher.look(), words)
    booked = _booking_checks(people, words)
    console.print(Rule(words.text("tour_seller"), style="yellow"))
    if people.tasks():
        people.seller_deletes_task()
        stack.settle()
        show_all(console, watcher.look(), words)
    checks = [*booked, *_cancellation_checks(people, words, stack.service.business.company.name)]
    console.print(checks_table(words, checks))
    is_good = all(is_so for _, is_so in checks)
    console.print(words.text("tour_done" if is_good else "tour_broken"), style="bold green" if is_good else "bold red")
    return is_good


def _booking_checks(people: People, words: Catalogue) -> list[tuple[str, bool]]:
    state = people.state()
    events = people.events(state)
    fields = people.lead(state)["fields"] if state["kommo"]["leads"] else {}
    return [
        (words.text("tour_booked"), len(events) == 1 and not events[0].is_cancelled),
        (words.text("tour_link"), bool(events) and fields.get("google_calendar_link") == events[-1].link),
        (words.text("tour_scheduled"), fields.get("meeting_status") == "scheduled"),
        (words.text("tour_confirmed"), any("✅" in text for text in people.told(state))),
    ]


def _cancellation_checks(people: People, words: Catalogue, company: str) -> list[tuple[str, bool]]:
    state = people.state()
    events = people.events(state)
    fields = people.lead(state)["fields"] if state["kommo"]["leads"] else {}
    return [
        (words.text("tour_cancelled"), bool(events) and all(e.is_cancelled for e in events)),
        (words.text("tour_status_cancelled"), fields.get("meeting_status") == "cancelled"),
        (words.text("tour_told"), bool(people.told(state)) and company in people.told(state)[-1]),
    ]

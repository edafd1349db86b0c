"""Commands for the operator of a running service: why a meeting is as it is, and what disagrees."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from rich import box
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from cli.settings import Settings
from cli.wiring import make_sweeper
from clients.errors import ServiceError
from meetings.business import Business
from meetings.database import Database
from meetings.hooks import Hooks
from meetings.story import Line, Story, Told, find_meeting, story_of
from meetings.sweep import Comparison, Disagreement
from meetings.tables import Meeting, Proof
from prompts.catalogue import Catalogue
from prompts.labels import short_label

_STYLES = {"proven": "green", "seller_told": "red", "unproven": "yellow"}


@dataclass(frozen=True)
class HooksSeen:
    """Our webhooks by service, as they were found (see `Hooks.look`), which of them were repaired, and what is wrong still."""

    states: Mapping[str, str] = field(default_factory=dict)
    repaired: frozenset[str] = frozenset()
    problems: tuple[str, ...] = ()


_RECEIPTS = ("event", "task", "lead", "notice")


def tell_why(settings: Settings, wanted: str) -> Story | None:
    """The story of a meeting by its number or its customer's phone, None when there is none."""

    async def read() -> Story | None:
        db = Database(settings.DATABASE_URL)
        try:
            meeting_id = await find_meeting(db, wanted)
            return None if meeting_id is None else await story_of(db, meeting_id)
        finally:
            await db.close()

    return asyncio.run(read())


def sweep_now(settings: Settings, business: Business, *, dry_run: bool) -> tuple[Comparison, HooksSeen]:
    """Compares all meetings, and looks at our webhooks; unless it is a dry run, the running service (or the next one) looks at
    what disagrees, and the webhooks are repaired.

    Raises:
        ServiceError: Kommo can't be read.
    """

    async def act() -> tuple[Comparison, HooksSeen]:
        async with make_sweeper(settings, business) as (sweeper, hooks):
            seen = await _look_at(hooks, dry_run=dry_run)
            return await (sweeper.compare() if dry_run else sweeper.sweep()), seen

    return asyncio.run(act())


async def _look_at(hooks: Hooks | None, *, dry_run: bool) -> HooksSeen:
    if hooks is None:
        return HooksSeen()
    try:
        states = await hooks.look()
    except ServiceError as error:
        return HooksSeen(problems=(str(error),))
    repaired = [] if dry_run else await hooks.ensure()
    return HooksSeen(states, frozenset(repaired), tuple(hooks.problems.values()))


def show_hooks(out: Console, seen: HooksSeen, words: Catalogue) -> None:
    """A line for each of our webhooks, and what is wrong with them still."""
    for service, state in seen.states.items():
        text = words.text("sweep_hook", service=service.capitalize(), state=words.text(f"hook_{state}"))
        is_repaired = service in seen.repaired
        out.print(f"{text} {words.text('hook_repaired')}" if is_repaired else text, style=None if state == "well" else "yellow")
    for problem in seen.problems:
        out.print(Text(problem), style="red")


def show_story(out: Console, story: Story, business: Business, words: Catalogue) -> None:
    """A panel with the meeting, a table of its changes, what the customer was told."""
    out.print(_head(story, business, words))
    table = Table(title=words.text("why_changes"), box=box.SIMPLE, title_justify="left", title_style="bold")
    for key in ("why_when", "why_what", "why_who", "why_because"):
        table.add_column(words.text(key), overflow="fold")
    for line in story.lines:
        table.add_row(
            short_label(line.at, business.zone, words.locale),
            _what(line, business, words),
            f"{words.text(f'why_by_{line.by}')} · {words.text(f'why_in_{line.source}')}",
            _because(line, words),
        )
    out.print(table)
    if story.refused:
        refused = Table(title=words.text("why_refused"), box=box.SIMPLE, title_justify="left", title_style="bold")
        for key in ("why_when", "why_text"):
            refused.add_column(words.text(key), overflow="fold")
        for at, text in story.refused:
            refused.add_row(short_label(at, business.zone, words.locale), Text(text))
        out.print(refused)
    told = Table(title=words.text("why_told"), box=box.SIMPLE, title_justify="left", title_style="bold")
    for key in ("why_when", "why_state", "why_text"):
        told.add_column(words.text(key), overflow="fold")
    for message in story.told:
        told.add_row(
            short_label(message.at, business.zone, words.locale),
            words.text(f"why_state_{message.state}") + (f" ({words.text('why_doubtful')})" if message.is_doubtful else ""),
            Text(message.text),
        )
    if story.told:
        out.print(told)
    if story.hints:
        hints = Table(title=words.text("why_hints"), box=box.SIMPLE, title_justify="left", title_style="bold")
        for key in ("why_when", "why_hint", "why_outcome"):
            hints.add_column(words.text(key))
        for at, event, outcome in story.hints[-20:]:
            hints.add_row(short_label(at, business.zone, words.locale), Text(event), Text(outcome))
        out.print(hints)


def show_comparison(out: Console, found: Comparison, business: Business, words: Catalogue, *, dry_run: bool) -> None:
    """A table of what disagrees, and what happens about it."""
    if not found.disagreements:
        out.print(words.text("sweep_agrees", count=found.compared), style="green")
    else:
        table = Table(title=words.text("sweep_title"), box=box.SIMPLE, title_justify="left", title_style="bold")
        for key in ("sweep_meeting", "sweep_customer", "why_when", "sweep_agreed", "sweep_seen", "sweep_follows"):
            table.add_column(words.text(key), overflow="fold")
        for one in found.disagreements:
            table.add_row(*_row(one, business, words))
        out.print(table)
        out.print(words.text("sweep_count", count=found.compared, differ=len(found.disagreements)), style="bold")
    if found.tasks_by_hand:
        out.print(words.text("sweep_by_hand", count=found.tasks_by_hand))
    if found.unread:
        numbers = ", ".join(f"#{meeting_id}" for meeting_id in found.unread)
        out.print(words.text("sweep_unread", meetings=numbers), style="yellow")
    if found.disagreements or found.tasks_by_hand:
        out.print(words.text("sweep_dry" if dry_run else "sweep_marked"), style="dim")


def _row(one: Disagreement, business: Business, words: Catalogue) -> Sequence[str | Text]:
    decision, meeting = one.decision, one.meeting
    if decision.is_change:
        seen = Catalogue.load("story", words.locale).text(decision.because)
        if decision.status:
            follows = words.text(f"status_{decision.status}")
        elif decision.starts_at:
            follows = words.text("sweep_moves", when=short_label(decision.starts_at, business.zone, words.locale))
        else:
            follows = words.text("sweep_hands_over", seller=_seller(decision.kommo_user_id, business))
    elif decision.put_back:
        seen = words.text("sweep_differs", what=_names(sorted(decision.put_back), words))
        follows = words.text("sweep_put_back")
    elif one.is_elsewhere:
        seen, follows = words.text("sweep_elsewhere"), words.text("sweep_goes_along")
    elif one.is_untold and not one.behind:
        seen, follows = words.text("receipt_untold"), words.text("sweep_seller_tells")
    else:
        seen = words.text("sweep_behind", what=_names(one.behind, words))
        follows = words.text("sweep_goes_on")
    return (
        f"#{meeting.id}",
        Text(one.customer.name or one.customer.phone or "–"),
        short_label(meeting.starts_at, business.zone, words.locale),
        words.text(f"status_{meeting.status}"),
        seen,
        follows,
    )


def _head(story: Story, business: Business, words: Catalogue) -> RenderableType:
    meeting, customer = story.meeting, story.customer
    lines = [
        Text(
            words.text(
                "why_head",
                customer=customer.name or "–",
                phone=customer.phone or "–",
                seller=_seller(meeting.kommo_user_id, business),
                when=short_label(meeting.starts_at, business.zone, words.locale),
                status=words.text(f"status_{meeting.status}"),
            )
        ),
        _receipts(meeting, story.told, words, is_untold=story.is_untold),
    ]
    if meeting.problem:
        lines.append(Text(words.text("why_problem", problem=meeting.problem), style="red"))
    elif not meeting.settled and meeting.next_try_at is not None:
        lines.append(Text(words.text("why_waits", when=short_label(meeting.next_try_at, business.zone, words.locale))))
    if meeting.link:
        lines.append(Text(meeting.link, style="dim"))
    return Panel(Group(*lines), title=f"#{meeting.id}", title_align="left", box=box.ROUNDED)


def _receipts(meeting: Meeting, told: Sequence[Told], words: Catalogue, *, is_untold: bool) -> Text:
    """Event, task and lead (link and status read back) as far as they have come; then whether the last message was delivered."""
    revs = (meeting.event_rev, meeting.task_rev, meeting.lead_rev, meeting.notice_rev)
    text = Text()
    for name, rev in zip(_RECEIPTS, revs, strict=True):
        if name == "notice" and is_untold:
            text.append(f"✘ {words.text('receipt_untold')}   ", style="red")
            continue
        is_done = rev >= meeting.revision
        text.append(f"{'✔' if is_done else '…'} {words.text(f'receipt_{name}')}   ", style="green" if is_done else "yellow")
    last = next(
        (one for one in reversed(told) if one.state not in ("pending", "sending") and one.proof != Proof.OTHER_FORM), None
    )
    if last is not None:
        is_proven = last.state in ("delivered", "read") or last.proof == Proof.PROVEN
        key = "proven" if is_proven else "seller_told" if last.proof == Proof.SELLER_TOLD else "unproven"
        sign = {"proven": "✔", "seller_told": "✖", "unproven": "…"}[key]
        text.append(f"{sign} {words.text(f'receipt_{key}')}", _STYLES[key])
    return text


def _what(line: Line, business: Business, words: Catalogue) -> str:
    label = words.text(f"change_{line.what}")
    if line.what in ("booked", "moved"):
        return f"{label}: {_moment(line.after['starts_at'], business, words)}"
    if line.what == "handed_over":
        return f"{label}: {_seller(line.after['kommo_user_id'], business)}"
    return label


def _because(line: Line, words: Catalogue) -> Text:
    text = Text(Catalogue.load("story", words.locale).text(line.because))
    if line.reason:
        text.append(f" “{line.reason}”", style="italic")
    return text


def _moment(text: str, business: Business, words: Catalogue) -> str:
    return short_label(datetime.fromisoformat(text), business.zone, words.locale)


def _seller(kommo_user_id: int | None, business: Business) -> str:
    seller = business.seller(kommo_user_id)
    return seller.name if seller else str(kommo_user_id)


def _names(keys: Sequence[str], words: Catalogue) -> str:
    return ", ".join(words.text(f"receipt_{key}") for key in keys)

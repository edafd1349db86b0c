"""How things look in the terminal: bubbles for messages, one line for a change, tables for the rest."""

from collections.abc import Mapping, Sequence

from rich import box
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from cli.watch import Noticed
from prompts.catalogue import Catalogue

_SIDES = {"customer": ("right", "green"), "agent": ("left", "cyan"), "seller": ("left", "yellow")}
_MARKS = {"lead": ("◆", "magenta"), "task": ("☑", "yellow"), "event": ("▣", "blue")}


def noticed(item: Noticed, words: Catalogue, width: int) -> RenderableType:
    """A message as a bubble, a change as one quiet line."""
    if item.who in _SIDES:
        side, colour = _SIDES[item.who]
        name = words.text(item.who)
        bubble_width = min(max(len(line) for line in [*item.text.splitlines(), name]) + 6, max(30, width * 3 // 4))
        panel = Panel(Text(item.text), title=name, title_align="left", border_style=colour, box=box.ROUNDED, width=bubble_width)
        indent = max(0, width - bubble_width) if side == "right" else 0
        return Padding(panel, (0, 0, 0, indent))
    mark, colour = _MARKS[item.who]
    line = Text(f"   {mark} {words.text(item.who)}  ", style=colour)
    line.append(item.text, style="dim")
    return line


def show_all(console: Console, items: Sequence[Noticed], words: Catalogue) -> None:
    for item in items:
        is_change = item.who in _MARKS
        console.print(noticed(item, words, console.width), no_wrap=is_change or None, overflow="ellipsis" if is_change else None)


def where_table(words: Catalogue, urls: Mapping[str, str], service_url: str | None) -> RenderableType:
    """Where the service and the sandbox's servers are."""
    table = Table(title=words.text("where_title"), box=box.SIMPLE, show_header=False, title_justify="left", title_style="bold")
    table.add_column(style="bold")
    table.add_column()
    if service_url:
        table.add_row(words.text("where_service"), service_url)
    names = {"kommo": "Kommo", "google": "Google Calendar", "evolution": "WhatsApp (Evolution)", "openai": "OpenAI"}
    for name, url in urls.items():
        note = f"  [dim]{words.text('where_stand_in')}[/dim]" if name == "openai" else ""
        table.add_row(names[name], f"{url}{note}")
    table.add_row(words.text("where_control"), f"{urls['kommo']}/_sandbox/state")
    return table


def checks_table(words: Catalogue, checks: Sequence[tuple[str, bool]]) -> RenderableType:
    """What was promised and whether it is so."""
    table = Table(title=words.text("tour_result"), box=box.SIMPLE, show_header=False, title_justify="left", title_style="bold")
    table.add_column()
    table.add_column()
    for name, is_so in checks:
        mark = f"[green]✔ {words.text('tour_ok')}[/green]" if is_so else f"[red]✘ {words.text('tour_failed')}[/red]"
        table.add_row(name, mark)
    return table


def problem(headline: str, lines: Sequence[str], advice: str) -> RenderableType:
    """An error a person can act on."""
    body = Group(Text(headline, style="bold"), Text("\n".join(lines)), Text(""), Text(advice, style="dim"))
    return Panel(body, border_style="red", box=box.ROUNDED)

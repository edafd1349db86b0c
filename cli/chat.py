"""A chat in the terminal: write as the customer, act as the seller, see what follows."""

import threading
from collections.abc import Callable

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import WordCompleter
from prompt_toolkit.formatted_text import HTML
from prompt_toolkit.patch_stdout import patch_stdout
from rich import box
from rich.console import Console
from rich.table import Table

from cli.people import People, SandboxRefusedError
from cli.show import show_all
from cli.watch import Watcher
from prompts.catalogue import Catalogue

_QUIT = {"/sair", "/salir", "/quit"}
_HELP = {"/ajuda", "/ayuda", "/help"}
_TASK = {"/tarefa", "/tarea", "/task"}
_DELETE = {"apagar", "borrar", "delete"}
_COMPLETE = {"concluir", "completar", "complete"}
_STATUS = {"/status", "/estado"}
_SELLER = {"/vendedor", "/seller"}
_LEAD = {"/lead"}
_SPELLED = {
    "pt-BR": ("/tarefa apagar", "/tarefa concluir", "/status", "/vendedor", "/lead", "/ajuda", "/sair"),
    "es": ("/tarea borrar", "/tarea completar", "/status", "/vendedor", "/lead", "/ayuda", "/salir"),
    "en": ("/task delete", "/task complete", "/status", "/seller", "/lead", "/help", "/quit"),
}


class Chat:
    """Reads lines until /sair. What the world does meanwhile appears above the line being typed."""

    def __init__(self, people: People, watcher: Watcher, words: Catalogue, console: Console) -> None:
        self.people, self.watcher, self.words, self.console = people, watcher, words, console
        self._ended = threading.Event()

    def run(self) -> None:
        session: PromptSession[str] = PromptSession(
            completer=WordCompleter(list(_SPELLED[self.words.locale]), sentence=True), complete_while_typing=False
        )
        self.console.print(self.words.text("chat_intro", name=self.people.name, phone="+" + self.people.phone))
        with patch_stdout(raw=True):
            watching = threading.Thread(target=self._watch, daemon=True)
            watching.start()
            try:
                while True:
                    line = session.prompt(HTML(f"<ansigreen>{self.words.text('customer')}</ansigreen> › ")).strip()
                    if line.lower() in _QUIT:
                        break
                    if line:
                        self.act(line)
            except (EOFError, KeyboardInterrupt):
                pass
            finally:
                self._ended.set()
                watching.join(timeout=5)
        self.console.print(self.words.text("chat_bye"))

    def act(self, line: str) -> None:
        """Does what one line says: a command of the seller, or the customer's words."""
        try:
            if line.startswith("/"):
                self._command(line)
            else:
                self.people.customer_says(line)
        except SandboxRefusedError as error:
            self.console.print(self.words.text("chat_refused", problem=str(error)), style="red", markup=False)

    def _command(self, line: str) -> None:
        command, _, rest = line.partition(" ")
        verb, _, result = rest.strip().partition(" ")
        known: list[tuple[set[str], Callable[[], None]]] = [
            (_HELP, self._help),
            (_STATUS, lambda: self._set_status(rest.strip())),
            (_SELLER, lambda: self.people.seller_types(rest.strip()) if rest.strip() else self._help()),
            (_LEAD, self._show_lead),
        ]
        if command.lower() in _TASK and verb.lower() in _DELETE | _COMPLETE:
            self._task(verb.lower(), result.strip() or None)
            return
        for names, act in known:
            if command.lower() in names:
                act()
                return
        self.console.print(self.words.text("chat_unknown", command=line), style="red", markup=False)

    def _task(self, verb: str, result: str | None) -> None:
        try:
            if verb in _DELETE:
                self.people.seller_deletes_task()
            else:
                self.people.seller_completes_task(result)
        except LookupError:
            self.console.print(self.words.text("tasks_none"), style="yellow")

    def _set_status(self, value: str) -> None:
        try:
            self.people.seller_sets_field(123457, value or None)
        except LookupError:
            self.console.print(self.words.text("lead_none"), style="yellow")

    def _help(self) -> None:
        spelled = _SPELLED[self.words.locale]
        table = Table(title=self.words.text("help_title"), box=box.SIMPLE, show_header=False, title_justify="left")
        table.add_column(style="bold green")
        table.add_column()
        table.add_row(self.words.text("help_line_text"), self.words.text("help_text"))
        keys = ("help_task_delete", "help_task_complete", "help_status", "help_seller", "help_lead", "help_title", "help_quit")
        for name, key in zip(spelled, keys, strict=True):
            table.add_row(name, self.words.text(key))
        self.console.print(table)

    def _show_lead(self) -> None:
        state = self.people.state()
        table = Table(box=box.SIMPLE, show_header=False)
        table.add_column(style="bold")
        table.add_column()
        for lead in state["kommo"]["leads"]:
            table.add_row(self.words.text("lead"), lead["name"])
            for name, value in lead["fields"].items():
                table.add_row("", f"{name}: {value or self.words.text('status_none')}")
        for task in state["kommo"]["tasks"]:
            table.add_row(self.words.text("task"), f"{'☑' if task['is_completed'] else '☐'} {task['text']}")
        for event in self.people.events(state):
            style = "strike dim" if event.is_cancelled else ""
            table.add_row(
                self.words.text("event"),
                f"[{style}]{event.summary}, {event.starts_at:%d/%m %H:%M}[/]"
                if style
                else f"{event.summary}, {event.starts_at:%d/%m %H:%M}",
            )
        if not state["kommo"]["leads"]:
            table.add_row(self.words.text("lead"), self.words.text("lead_none"))
        self.console.print(table)

    def _watch(self) -> None:
        while not self._ended.wait(0.3):
            show_all(self.console, [n for n in self.watcher.look() if n.who != "customer"], self.words)

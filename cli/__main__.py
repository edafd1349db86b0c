"""`python -m cli` is `marcado`."""

from cli.main import app

app()

"""Runs atheris on one target: python -m tests.fuzz.run form --seconds 60 (or --runs 1000000, or --merge FOLDER).

The corpus in tests/fuzz/corpus is where it starts from; what it finds new goes to --into, by default a folder that is thrown
away. A broken promise ends it with another code than 0, and its input is written to var/fuzz.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import atheris

ROOT = Path(__file__).parents[2]
CORPUS = Path(__file__).parent / "corpus"
_MOST_BYTES = 4096
_WORDS = Path(__file__).parent / "words.dict"
_SHORTER = {"form": 1024, "kommo": 1024}  # every pair is one more of the same

with atheris.instrument_imports(include=["webhooks", "meetings.events", "meetings.phones"]):
    from tests.fuzz.targets import TARGETS

from tests.fuzz.mutation import change  # noqa: E402 (the import above must come first: it prepares the modules for counting)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", choices=sorted(TARGETS))
    parser.add_argument("--seconds", type=int, default=0, help="most seconds; 0: no bound")
    parser.add_argument("--runs", type=int, default=-1, help="inputs to try; -1: no bound")
    parser.add_argument("--seed", type=int, default=0, help="0: another one each time")
    parser.add_argument("--into", type=Path, help="folder for inputs that reach new code")
    parser.add_argument("--merge", type=Path, help="only copy what reaches code that the corpus does not, from this folder")
    given = parser.parse_args()
    findings = ROOT / "var" / "fuzz"
    findings.mkdir(parents=True, exist_ok=True)
    kept = CORPUS / given.target
    kept.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        seeds = Path(scratch, "seeds")
        seeds.mkdir()
        for number, body in enumerate(recorded(given.target)):
            seeds.joinpath(str(number)).write_bytes(body)
        new = given.into or Path(scratch, "new")
        new.mkdir(parents=True, exist_ok=True)
        options = [
            f"-max_len={_SHORTER.get(given.target, _MOST_BYTES)}",
            f"-dict={_WORDS}",
            f"-artifact_prefix={findings}/{given.target}-",
            "-rss_limit_mb=1024",
        ]
        if given.merge:
            folders, options = [kept, given.merge, seeds], [*options, "-merge=1"]
        else:
            folders = [new, kept, seeds]
            options += [f"-max_total_time={given.seconds}", f"-runs={given.runs}", f"-seed={given.seed}", "-timeout=20"]
            options += ["-print_final_stats=1"]
        mutator = {"custom_mutator": _mutated} if given.target == "evolution" else {}
        atheris.Setup([sys.argv[0], *options, *map(str, folders)], TARGETS[given.target], **mutator)
        atheris.Fuzz()


def _mutated(body: bytes, most: int, seed: int) -> bytes:
    """Four of five bodies are changed as JSON, the others as bytes."""
    new = change(body, most, seed) if seed % 5 else None
    return new or atheris.Mutate(body, most)


def recorded(target: str) -> Iterator[bytes]:
    """Real bodies to begin with."""
    fixtures = ROOT / "tests" / "fixtures"
    if target == "evolution":
        yield from (path.read_bytes() for path in sorted((fixtures / "evolution").glob("webhook-*.json")))
    else:
        yield from (path.read_bytes() for path in sorted((fixtures / "kommo-webhooks").glob("*.txt")))


if __name__ == "__main__":
    main()

"""The readers of strangers' bytes: inputs that once reached new code, recorded bodies changed at random, a short fuzzing."""

import json
import random
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.mutation import change
from tests.fuzz.targets import TARGETS
from webhooks.json_body import JsonBodyError, read_json_object

ROOT = Path(__file__).parents[2]
CORPUS = Path(__file__).parent / "corpus"


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_every_kept_input_keeps_the_promises(target: str) -> None:
    inputs = sorted((CORPUS / target).iterdir())
    assert len(inputs) >= 100
    for path in inputs:
        TARGETS[target](path.read_bytes())


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_any_bytes_keep_the_promises(target: str) -> None:
    @given(st.binary(max_size=400))
    @settings(max_examples=150, deadline=None)
    def try_out(body: bytes) -> None:
        TARGETS[target](body)

    try_out()


def test_recorded_webhooks_with_random_changes_keep_the_promises() -> None:
    chance = random.Random(20261123)
    bodies = [path.read_bytes() for path in sorted((ROOT / "tests/fixtures/evolution").glob("webhook-*.json"))]
    tried = 0
    for _ in range(1500):
        changed = change(chance.choice(bodies), 100_000, chance.randrange(2**32))
        if changed is not None:
            TARGETS["evolution"](changed)
            tried += 1
    assert tried > 1000


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"\xff\xfe",
        b"{" * 100_000,
        b'{"a":' + b"[" * 100_000,
        b'{"a":' + b"9" * 5000 + b"}",
        b'{"data":[' + b"[]," * 300_000 + b"[]]}",
        '{"a": 1}'.encode("utf-16")[:-1],
        b"event=messages.upsert",
    ],
    ids=lambda body: repr(body[:12]),
)
def test_what_can_never_be_read_is_told_from_our_own_trouble(body: bytes) -> None:
    with pytest.raises(JsonBodyError):
        read_json_object(body)


@pytest.mark.parametrize(
    ("target", "body"),
    [
        ("evolution", b'{"event":"messages.update","data":[' + b"{}," * 65_000 + b"{}]}"),
        ("evolution", b'{"event":"messages.update","data":[' + b"[]," * 1_700_000 + b"[]]}"),
        ("evolution", json.dumps({"event": "messages.upsert", "data": {str(n): n for n in range(60_000)}}).encode()),
        ("kommo", b"&".join([b"a[b][c][d][e][f][g][h][i][%d]=1" % n for n in range(19_999)])),
        ("form", b"&".join([b"a[%d]=1" % n for n in range(100_000)])),
    ],
    ids=["objects", "lists", "keys", "form", "too many keys"],
)
def test_memory_is_bounded_whatever_the_body(target: str, body: bytes) -> None:
    tracemalloc.start()
    try:
        TARGETS[target](body)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 200 * 1024 * 1024


@pytest.mark.long
@pytest.mark.parametrize("target", sorted(TARGETS))
def test_a_short_fuzzing_finds_nothing(target: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.run", target, "--seconds", "7"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
    assert "number_of_executed_units" in done.stderr

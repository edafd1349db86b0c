"""One sandbox per module, back to its default scene before every test."""

from collections.abc import Iterator

import pytest
from outside_world import OutsideWorld


@pytest.fixture(scope="module")
def _served() -> Iterator[OutsideWorld]:
    served = OutsideWorld()
    yield served
    served.stop()


@pytest.fixture
def world(_served: OutsideWorld) -> OutsideWorld:
    _served.reset()
    return _served

"""Files do not stay open behind an error."""

from __future__ import annotations

import io

import pytest

from chainer_ft.formats.closing import closed_on_error


@pytest.mark.parametrize("error", [ValueError("odd"), KeyboardInterrupt(), SystemExit(2)])
def test_an_error_closes_and_passes(error: BaseException) -> None:
    file = io.BytesIO()
    with pytest.raises(type(error)) as caught, closed_on_error(file):
        raise error
    assert caught.value is error
    assert file.closed


def test_what_went_well_stays_open() -> None:
    file = io.BytesIO(b"weights")
    with closed_on_error(file) as given:
        assert given is file
    assert file.read() == b"weights"

from __future__ import annotations

import pytest

import fer


@pytest.mark.parametrize("name", fer.__all__)
def test_every_public_name_is_there_and_documented(name: str) -> None:
    value = getattr(fer, name)
    assert name in dir(fer)
    if callable(value):
        assert value.__doc__


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'emotion'"):
        _ = fer.emotion

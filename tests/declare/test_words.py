"""Words of an act that no fact can hold are refused before anything is recorded."""

import pytest

from monitor.acts import RefusedActError, text_of


def test_a_name_in_another_encoding_is_refused_in_one_line() -> None:
    """As Python hands over an argument in TIS-620: bytes that are no UTF-8, each as half of a surrogate pair."""
    assert text_of({"by": " สมชาย "}, "by") == "สมชาย"
    with pytest.raises(RefusedActError, match=r"^by is not text in UTF-8$"):
        text_of({"by": "\udca1\udcc1"}, "by")

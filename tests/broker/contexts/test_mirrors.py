"""Mirrors of contexts: prefixes of addresses that are answered from elsewhere."""

import pytest

from andaman.broker.contexts.mirrors import mirrored, read_mirrors
from andaman.kernel.errors import AndamanError


def test_longest_prefix_wins_and_the_rest_of_the_address_is_kept():
    mirrors = read_mirrors(
        "https://a.example/=http://127.0.0.1:1/x/  https://a.example/b/=http://127.0.0.1:2/"
    )
    assert mirrored("https://a.example/c/d.jsonld", mirrors) == "http://127.0.0.1:1/x/c/d.jsonld"
    assert mirrored("https://a.example/b/d.jsonld", mirrors) == "http://127.0.0.1:2/d.jsonld"
    assert mirrored("https://b.example/d.jsonld", mirrors) is None
    assert read_mirrors("") == ()


@pytest.mark.parametrize(
    "text", ["https://a.example/", "https://a.example/=file:///etc", "=http://b.example/"]
)
def test_what_is_no_pair_of_prefixes_is_named(text):
    with pytest.raises(AndamanError, match="FROM=TO"):
        read_mirrors(text)

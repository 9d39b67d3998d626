"""A password never shows, whatever is printed."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routedb import errors
from routedb.config import load, mask

# Long enough not to be a part of any other word; every class of awkward characters.
PASSWORDS = st.text(
    st.sampled_from("abcXYZ019 @:/?#%&='\"\\$[]{}é"), min_size=6, max_size=12
).map(lambda text: f"Q{text}Q")


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("postgresql://u:p@h/d", "postgresql://u:***@h/d"),
        ("at http://h:80: refused", "at http://h:80: refused"),
        ("(http://h:80), http://h:81; x", "(http://h:80), http://h:81; x"),
        ("postgresql://u:12p/d", "postgresql://u:***/d"),
        ("postgresql://u:p@ss/w@h:5/d", "postgresql://u:***@h:5/d"),
        ("host=h password=p user=u", "host=h password=***"),
        ("host=h password='p q' user=u", "host=h password=***"),
        ("mysql://h/d?passwd=p&x=1", "mysql://h/d?passwd=***"),
        ("postgresql:/u:p@h/d", "postgresql:***@h/d"),
        (
            "cannot reach mysql://u:p@h/d: refused",
            "cannot reach mysql://u:***@h/d: refused",
        ),
        ("bad password=p in it", "bad password=*** in it"),
        ("host=h sslpassword = p", "host=h sslpassword = ***"),
        ("{'password': 'p', 'x': 1}", "{'password': '***', 'x': 1}"),
        ("no secret here: a:b", "no secret here: a:b"),
        ("host=h pasword=p user=u", "host=h pasword=***"),
        ("host=h passwrd=p", "host=h passwrd=***"),
        ("host=h pssword=p", "host=h pssword=***"),
        ("host=h paswd = p", "host=h paswd = ***"),
        ("host=h passwort=p", "host=h passwort=***"),
        ("host=h passphrase='p q'", "host=h passphrase=***"),
        ("mysql://h/d?pwd=p", "mysql://h/d?pwd=***"),
        ("mysql://h/d?PassWrod=p", "mysql://h/d?PassWrod=***"),
        ("found 'pass=p' in it", "found 'pass=*** in it"),
        ("{'pasword': 'p', 'x': 1}", "{'pasword': '***', 'x': 1}"),
        ("x = 1, power = 2, spawn = 3", "x = 1, power = 2, spawn = 3"),
        ("mysql://h/d?p%61sswd=p&x=1", "mysql://h/d?passwd=***"),
        ("found mysql://u%3Ap@h in it", "found mysql://u:***@h in it"),
        ("postgresql://u:p/d", "postgresql://u:***/d"),
        ("found 'mysql://u:p' in it", "found 'mysql://u:***' in it"),
        ("found 'mysql://h:70000/d', [::1]:x", "found 'mysql://h:70000/d', [::1]:x"),
        ("mysql://h1:1,h2:2/d?x=%20y", "mysql://h1:1,h2:2/d?x=%20y"),
        ("fake://a", "fake://a"),
    ],
)
def test_passwords_become_stars(text, masked):
    assert mask(text) == masked


def shown(source, **keywords):
    """Everything that loading this configuration lets anybody see."""
    try:
        config = load(source, keywords, environ={}, read_file=str)
    except errors.ConfigError as exc:
        return f"{exc!r} {exc}"
    return f"{config!r} {config.nodes[0]} {config.source}"


@given(PASSWORDS)
def test_no_password_of_a_url_shows(password):
    coded = quote(password, safe="")
    for url in (
        f"postgresql://u:{coded}@h/d",
        f"mysql://u:{coded}@h:bad/d",
        f"mysql://u:{coded}@h/d?connect_timeout=x",
        f"oracle://u:{coded}@h/d",
        f"postgresql://h/d?password={coded}",
    ):
        text = shown(url)
        assert coded not in text
        assert password not in text


@given(PASSWORDS)
def test_no_password_of_a_keyword_string_or_keyword_shows(password):
    escaped = password.replace("\\", "\\\\").replace("'", "\\'")
    assert escaped not in shown(f"host=h password='{escaped}'")
    assert escaped not in shown(f"host=h password='{escaped}' oops")
    assert password not in shown(None, host="h", password=password)
    assert password not in shown(None, host="h", password=password, reads="x")
    assert password not in shown("sqlite://", passwd=password)


def test_no_password_among_options_shows():
    options = {"password": "s3cret${NOPE}"}
    text = shown({"databases": {"main": {"nodes": ["mysql://h"], "options": options}}})
    assert "options.password: the environment has no variable 'NOPE'" in text
    assert "s3cret" not in text


@given(PASSWORDS)
def test_no_password_of_a_mapping_shows(password):
    coded = quote(password, safe="")
    for nodes in (
        [f"postgresql://u:{coded}@h/d", 3],
        [f"postgresql://u:{coded}@h/d", {"dsn": f"mysql://u:{coded}@h", "x": 1}],
        [f"postgresql://u:{coded}@h/d", f"mysql://u:{coded}@h/d"],
    ):
        assert coded not in shown({"databases": {"main": {"nodes": nodes}}})


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://u:s3\udcffcret@h/d",
        "mysql://u:s3\udcffcret@h/d",
        "host=h password=s3\udcffcret",
    ],
)
def test_a_byte_that_is_no_utf8_shows_nothing(dsn):
    with pytest.raises(errors.ConfigError) as caught:
        load({"databases": {"main": {"nodes": [dsn]}}}, {}, environ={}, read_file=str)
    seen = f"{caught.value!r} {caught.value.__cause__!r} {caught.value.__context__!r}"
    assert "cret" not in seen
    assert "UTF-8" in str(caught.value)
    assert not isinstance(caught.value.__context__, UnicodeError)


def test_a_long_word_is_masked_in_no_time():
    """Each letter of it might begin a key."""
    assert mask("x" * 1_000_000) == "x" * 1_000_000

"""Asking Patroni over HTTP: who answers, and what is said of those who do not."""

from __future__ import annotations

import ssl
import subprocess
import threading
import time
from base64 import b64encode
from contextlib import ExitStack

import pytest

from routedb.config.model import Discovery
from routedb.monitor.patroni_client import PatroniClient, PatroniUnreachableError
from tests.support.patroni_rest import blackhole, members_at, nobody, saying

WELL = members_at([5432, 5433])


def asking(*urls, timeout_s=10.0, ca=None):
    return PatroniClient(Discovery(urls, ca), timeout_s)


def test_the_first_that_answers_is_asked_again():
    with nobody() as dead, saying(WELL) as alive, saying(WELL) as other:
        client = asking(dead, alive.url, other.url)
        told = client.ask()
        assert [(m.host, m.port) for m in told.members] == [
            ("127.0.0.1", 5432),
            ("127.0.0.1", 5433),
        ]
        client.ask()
        assert alive.asked == [("/cluster", None)] * 2
        assert other.asked == []


def test_when_it_falls_silent_the_next_is_asked():
    with saying(WELL) as first, saying(WELL) as second:
        client = asking(first.url, second.url)
        client.ask()
        first.says = 503
        client.ask()
        assert len(second.asked) == 1


@pytest.mark.parametrize(
    ("says", "text"),
    [
        (500, "it answers 500 Internal Server Error"),
        (404, "it answers 404 Not Found"),
        (401, "it answers 401 Unauthorized"),
        ([], "its answer to /cluster is not Patroni's"),
        ({"members": []}, "it names no member that has an address"),
        (b"HTTP/1.0 200 OK\r\n\r\n{'members'", "its answer to /cluster is not JSON"),
        (b"HTTP/1.0 200 OK\r\n\r\n\xff\xfe\x00", "its answer to /cluster is not JSON"),
        (b"HTTP/1.0 200 OK\r\n\r\n" + b"[" * 100_000, "is not JSON"),
        (b"HTTP/1.0 302 Found\r\nLocation: /x\r\n\r\n", "it answers 302 Found"),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 99\r\n\r\n[", "is not JSON"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "BadStatusLine"),
        (b"", "RemoteDisconnected"),
    ],
)
def test_a_bad_answer_is_told_and_the_next_is_asked(says, text):
    with saying(says) as bad, saying(WELL) as good:
        with pytest.raises(PatroniUnreachableError) as caught:
            asking(bad.url).ask()
        assert str(caught.value).startswith(f"{bad.url}: ")
        assert text in str(caught.value)
        assert len(asking(bad.url, good.url).ask().members) == 2


def test_all_reasons_are_told_without_passwords():
    with nobody() as dead, saying(500) as bad:
        login = bad.url.replace("://", "://op:hush@")
        with pytest.raises(PatroniUnreachableError) as caught:
            asking(dead, login).ask()
    first, second = str(caught.value).split("; ")
    assert first.startswith(f"{dead}: ConnectionRefusedError: ")
    assert second.startswith("http://op:***@127.0.0.1:")


@pytest.mark.parametrize("says", [None, "drip"])
def test_who_hangs_leaves_time_for_the_others(says):
    with saying(says) as slow, saying(WELL) as good:
        assert len(asking(slow.url, good.url, timeout_s=2.0).ask().members) == 2
        with pytest.raises(PatroniUnreachableError, match=r"no answer within 0\.3 s"):
            asking(slow.url, timeout_s=0.3).ask()


def test_a_server_that_only_accepts_is_given_up():
    with blackhole() as deaf, saying(WELL) as good:
        assert len(asking(deaf, good.url, timeout_s=2.0).ask().members) == 2


def test_a_login_and_a_path_of_the_url_are_used():
    with saying(WELL) as rest:
        url = rest.url.replace("://", "://op:hush%40@") + "/a/patroni/"
        asking(url).ask()
        login = b64encode(b"op:hush@").decode()
        assert rest.asked == [("/a/patroni/cluster", f"Basic {login}")]


def test_no_proxy_of_the_environment_is_used(monkeypatch):
    with saying(WELL) as rest, nobody() as dead:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, dead)
        assert len(asking(rest.url).ask().members) == 2


@pytest.mark.parametrize("says", [None, "drip"])
def test_an_interrupt_ends_the_question_for_good(says):
    with saying(says) as slow:
        client = asking(slow.url, slow.url, timeout_s=60.0)
        told = []

        def ask():
            try:
                client.ask()
            except PatroniUnreachableError as exc:
                told.append(str(exc))

        thread = threading.Thread(target=ask)
        thread.start()
        assert slow.is_asked.acquire(timeout=10)
        client.interrupt()
        thread.join(10)
        assert not thread.is_alive()
        assert len(slow.asked) == 1
        assert "interrupted" in told[0]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for 127.0.0.1 that vouches for itself, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    paths = folder / "cert.pem", folder / "key.pem"
    argv = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    argv += ["-subj", "/CN=p", "-addext", "subjectAltName=IP:127.0.0.1"]
    argv += ["-out", str(paths[0]), "-keyout", str(paths[1])]
    subprocess.run(argv, check=True, capture_output=True)
    return paths


def test_https_is_asked_when_the_certificate_is_vouched_for(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    with ExitStack() as stack:
        rest = stack.enter_context(saying(WELL, context))
        told = asking(rest.url, ca=str(certificate[0])).ask()
        assert len(told.members) == 2
        with pytest.raises(PatroniUnreachableError, match="CERTIFICATE_VERIFY_FAILED"):
            asking(rest.url).ask()


def test_a_missing_certificate_file_is_a_reason_not_a_crash(tmp_path):
    path = str(tmp_path / "none.pem")
    with pytest.raises(PatroniUnreachableError, match="FileNotFoundError"):
        asking("https://127.0.0.1:1", ca=path).ask()


def test_the_whole_round_is_bounded():
    with ExitStack() as stack:
        deaf = [stack.enter_context(blackhole()) for _ in range(4)]
        began = time.monotonic()
        with pytest.raises(PatroniUnreachableError):
            asking(*deaf, timeout_s=1.0).ask()
        assert time.monotonic() - began < 10

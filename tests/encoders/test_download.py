"""Downloads against a server on this machine: what is said, what is checked, what is left behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from askwise.encoders import make_encoder
from askwise.encoders.download import NAMED, Model, fetch, is_url
from askwise.errors import EncoderError
from askwise.sources import open_source

from .helpers import fitted
from .models import image_model
from .test_onnx import pictures

CONTENT = b"a model, so to say" * 5000
DIGEST = sha256(CONTENT).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """Serves one file under several names, good and bad."""

    def do_GET(self) -> None:
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/to/"))
            self.end_headers()
            return
        if self.path != "/model.onnx" and self.path != "/cut.onnx":
            self.send_error(404)
            return
        content: bytes = self.server.content  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // (2 if "cut" in self.path else 1)])

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ThreadingHTTPServer]:
    monkeypatch.setenv("ASKWISE_CACHE", str(tmp_path / "cache"))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    serving = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    serving.asked, serving.content = [], CONTENT  # type: ignore[attr-defined]
    thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield serving
    serving.shutdown()
    thread.join()
    serving.server_close()


def address(server: ThreadingHTTPServer, name: str = "model.onnx") -> str:
    return f"http://127.0.0.1:{server.server_address[1]}/{name}"


def left(tmp_path: Path) -> list[Path]:
    return [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


def refusal(url: str) -> str:
    with pytest.raises(EncoderError) as caught:
        fetch(url, timeout=5)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_fetched_once_and_said_so(
    server: ThreadingHTTPServer, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = fetch(f"{address(server)}#sha256={DIGEST.upper()}")
    assert path == tmp_path / "cache" / "models" / DIGEST / "model.onnx"
    assert path.read_bytes() == CONTENT
    said = capfd.readouterr().err
    first = said.splitlines()[0]
    assert first == f"fetching model.onnx (0.1 MB) from 127.0.0.1:{server.server_address[1]} to {path}"
    assert "100%" in said or "90.0/90.0 kB" in said
    assert fetch(f"{address(server)}#sha256={DIGEST}") == path
    assert server.asked == ["/model.onnx"]  # type: ignore[attr-defined]
    assert left(tmp_path) == [path]


def test_a_damaged_copy_in_the_cache_is_fetched_again(server: ThreadingHTTPServer) -> None:
    path = fetch(f"{address(server)}#sha256={DIGEST}")
    path.write_bytes(b"damaged")
    assert fetch(f"{address(server)}#sha256={DIGEST}").read_bytes() == CONTENT


def test_another_file_than_meant_is_deleted(server: ThreadingHTTPServer, tmp_path: Path) -> None:
    text = refusal(f"{address(server)}#sha256={'0' * 64}")
    assert DIGEST in text
    assert "0" * 64 in text
    assert "deleted" in text
    assert left(tmp_path) == []


def test_a_transfer_that_is_cut_short(server: ThreadingHTTPServer, tmp_path: Path) -> None:
    assert "cut short" in refusal(f"{address(server, 'cut.onnx')}#sha256={DIGEST}")
    assert left(tmp_path) == []


@pytest.mark.parametrize(
    ("fragment", "expected"),
    [
        ("", "add the checksum"),
        ("#main", "add the checksum"),
        ("#sha256=abc", "64 hex digits"),
        ("#sha256=" + "g" * 64, "hex"),
    ],
)
def test_a_checksum_is_required(server: ThreadingHTTPServer, fragment: str, expected: str) -> None:
    assert expected in refusal(address(server) + fragment)
    assert server.asked == []  # type: ignore[attr-defined]


@pytest.mark.parametrize("scheme", ["http://example.org/", "ftp://example.org/", "file:///etc/"])
def test_only_https(server: ThreadingHTTPServer, scheme: str) -> None:
    assert "only https" in refusal(f"{scheme}model.onnx#sha256={DIGEST}")


def test_redirects_stay_safe(server: ThreadingHTTPServer, tmp_path: Path) -> None:
    for target in ("http://example.org/model.onnx", "file:///etc/passwd", "ftp://127.0.0.1/x"):
        assert "redirect" in refusal(f"{address(server, 'to/' + target)}#sha256={DIGEST}").lower()
    assert left(tmp_path) == []
    assert fetch(f"{address(server, 'to/' + address(server))}#sha256={DIGEST}").read_bytes() == CONTENT


def test_no_network_names_the_command_to_use(server: ThreadingHTTPServer, tmp_path: Path) -> None:
    missing = refusal(f"{address(server, 'gone.onnx')}#sha256={DIGEST}")
    assert "404" in missing
    url = address(server)
    server.shutdown()
    server.server_close()
    text = refusal(f"{url}#sha256={DIGEST}")
    assert "cannot be reached" in text
    assert f"curl -LO {url}" in text
    assert "--encoder onnx:/path/to/model.onnx" in text
    assert left(tmp_path) == []


def test_a_cache_that_cannot_be_written(
    server: ThreadingHTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ASKWISE_CACHE", str(tmp_path / "file"))
    assert "set ASKWISE_CACHE" in refusal(f"{address(server)}#sha256={DIGEST}")


def test_names(server: ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not is_url("tiny")
    monkeypatch.setitem(NAMED, "tiny", Model("tiny", address(server), len(CONTENT), DIGEST, "MIT", "a test"))
    assert is_url("tiny")
    assert fetch("tiny").read_bytes() == CONTENT


def test_an_encoder_from_a_url(server: ThreadingHTTPServer, tmp_path: Path) -> None:
    path = image_model(tmp_path / "model.onnx", ["b", 3, 6, 8])
    server.content = path.read_bytes()  # type: ignore[attr-defined]
    spec = f"onnx:{address(server)}#sha256={sha256(path.read_bytes()).hexdigest()}"
    source = pictures(tmp_path / "images")
    encoder = make_encoder(spec, "images", source)
    offline = make_encoder(f"onnx:{path}", "images", open_source(source.path))
    items = list(source.items())
    np.testing.assert_array_equal(fitted(encoder, items), fitted(offline, items))
    assert encoder.version == offline.version
    assert encoder.spec == spec

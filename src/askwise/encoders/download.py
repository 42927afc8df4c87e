"""Fetching a model: only when asked for by URL and checksum, never silently, and never needed.

No model is known by name yet (`NAMED` is empty): a row is added only when its publisher documents the address and the
checksum of the file.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from http.client import HTTPException
from pathlib import Path
from ssl import SSLError
from typing import Any, NoReturn
from urllib.error import HTTPError, URLError
from urllib.parse import urldefrag, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from ..errors import EncoderError
from .files import file_sha256

CHUNK = 2**16
TIMEOUT = 30.0


@dataclass(frozen=True, slots=True)
class Model:
    """A model that can be fetched by its name."""

    name: str
    url: str
    bytes: int
    sha256: str
    licence: str
    what: str


NAMED: dict[str, Model] = {}


def is_url(path: str) -> bool:
    """Whether a model is to be fetched.

    >>> is_url("https://example.org/model.onnx#sha256=00"), is_url("/models/model.onnx")
    (True, False)
    """
    return path in NAMED or re.match(r"[A-Za-z][A-Za-z0-9+.]*://", path) is not None


def fetch(url: str, *, timeout: float = TIMEOUT) -> Path:
    """Download a model once, after saying what, how large and from where; checked against its checksum.

    Parameters
    ----------
    url
        ``https://host/model.onnx#sha256=`` and 64 hex digits. The checksum is required: it is what makes the file
        the one that was meant, whoever serves it.
    timeout
        Seconds without an answer after which the network counts as unreachable.

    Returns
    -------
    Path
        The file in the cache: ``$ASKWISE_CACHE`` or ``~/.cache/askwise``, in a folder named by the checksum.

    Raises
    ------
    EncoderError
        If the checksum is missing or wrong, the address is not https, or the download fails; then the text holds
        the command that works without a network.
    """
    if url in NAMED:
        url = f"{NAMED[url].url}#sha256={NAMED[url].sha256}"
    address, fragment = urldefrag(url)
    digest = _digest(address, fragment)
    _check_scheme(address)
    name = Path(urlsplit(address).path).name or "model.onnx"
    target = cache_folder() / "models" / digest / name
    if target.is_file():
        if file_sha256(target) == digest:
            return target
        with suppress(OSError):  # a damaged file in the cache is fetched again
            target.unlink()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EncoderError(
            f"{target.parent}: {(error.strerror or str(error)).lower()}; set ASKWISE_CACHE"
        ) from error
    temporary = target.with_name(f".{name}.{os.getpid()}.tmp")
    try:
        found = _download(address, temporary, target, timeout)
        if found != digest:
            raise EncoderError(
                f"{address}: the file's sha256 is {found}, expected {digest}; it was deleted. The file is not the "
                "one that was meant, or the transfer was cut short"
            )
        temporary.replace(target)
    except (URLError, HTTPException, SSLError, TimeoutError, ConnectionError) as error:
        _fail(address, error)
    except OSError as error:
        raise EncoderError(f"cannot write {target}: {(error.strerror or str(error)).lower()}") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
    return target


def cache_folder() -> Path:
    """``$ASKWISE_CACHE``, or ``~/.cache/askwise``."""
    given = os.environ.get("ASKWISE_CACHE")
    return Path(given).expanduser() if given else Path.home() / ".cache" / "askwise"


def _digest(address: str, fragment: str) -> str:
    digest = fragment.removeprefix("sha256=").lower()
    if not fragment.startswith("sha256="):
        raise EncoderError(
            f"{address}: add the checksum of the file, {address}#sha256=<64 hex digits>. Without it nobody can tell "
            "whether what arrives is the model that was meant"
        )
    if re.fullmatch(r"[0-9a-f]{64}", digest) is None:
        raise EncoderError(
            f"{address}: a sha256 has 64 hex digits, got {len(digest)} characters: {digest[:80]}"
        )
    return digest


def _check_scheme(address: str) -> None:
    parts = urlsplit(address)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname == "127.0.0.1"):
        raise EncoderError(f"{address}: only https is fetched from")


class _SafeRedirects(HTTPRedirectHandler):
    """Follows redirects to https only (from this machine's own http server also to itself)."""

    def redirect_request(
        self, req: Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> Request | None:
        old, new = urlsplit(req.full_url), urlsplit(newurl)
        own = old.scheme == new.scheme == "http" and old.hostname == new.hostname == "127.0.0.1"
        if new.scheme != "https" and not own:
            fp.close()
            raise EncoderError(f"{req.full_url}: redirects to {newurl}, and only https is followed")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _download(address: str, temporary: Path, target: Path, timeout: float) -> str:
    opener = build_opener(_SafeRedirects)
    with opener.open(Request(address, headers={"User-Agent": "askwise"}), timeout=timeout) as answer:
        length = answer.headers.get("Content-Length", "")
        total = int(length) if length.isdigit() else None
        size = f"{total / 1e6:,.1f} MB" if total is not None else "unknown size"
        host = urlsplit(answer.url).netloc
        sys.stderr.write(f"fetching {target.name} ({size}) from {host} to {target}\n")
        state = sha256()
        with temporary.open("wb") as file, _bar(target.name, total) as advance:
            while content := answer.read(CHUNK):
                file.write(content)
                state.update(content)
                advance(len(content))
            file.flush()
            os.fsync(file.fileno())
    return state.hexdigest()


@contextmanager
def _bar(name: str, total: int | None) -> Iterator[Any]:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(name, total=total)
        yield lambda count: progress.advance(task, count)


def _fail(address: str, error: Exception) -> NoReturn:
    if isinstance(error, HTTPError):
        error.close()
        what = f"the server answered {error.code} {error.reason}".splitlines()[0]
    else:
        what = f"cannot be reached ({getattr(error, 'reason', None) or error or type(error).__name__})"
    name = Path(urlsplit(address).path).name or "model.onnx"
    raise EncoderError(
        f"{address}: {what}. Download it elsewhere, e.g. curl -LO {address}, copy it here, and give the file: "
        f"--encoder onnx:/path/to/{name}"
    ) from error

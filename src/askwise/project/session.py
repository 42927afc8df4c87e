"""Who is asking: an annotator, in a process that may have died.

A lease names the session that took it. When the process behind a session is gone, its questions were never seen
or never answered, so the same annotator's next `ask` gets them again at once instead of after the lease has run out.
"""

from __future__ import annotations

import getpass
import os
import socket
import uuid
from pathlib import Path

_OPEN: set[str] = set()


def default_annotator() -> str:
    """The name of the person at the keyboard, as the system knows it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "annotator"


def new_session() -> str:
    """A name for this process's use of a project: host, process, when it started, and a random part."""
    pid = os.getpid()
    session = f"{socket.gethostname()}|{pid}|{_started(pid)}|{uuid.uuid4().hex}"
    _OPEN.add(session)
    return session


def end_session(session: str) -> None:
    """Say that nobody in this process waits for that session's questions any more."""
    _OPEN.discard(session)


def is_alive(session: str) -> bool:
    """Whether somebody may still answer for that session; unknown hosts count as alive until the lease runs out."""
    host, pid, started, _ = session.split("|")
    if host != socket.gethostname():
        return True
    if int(pid) == os.getpid() and started == _started(os.getpid()):
        return session in _OPEN
    return _running(int(pid)) and started == _started(int(pid))


def _running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _started(pid: int) -> str:
    """When the process began, where the system tells: numbers of processes are used again."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return "?"
    # The name, in brackets, may hold spaces; the 22nd field of the line is the start time.
    fields = stat.rpartition(")")[2].split()
    return "zombie" if fields[0] == "Z" else fields[19]

"""An annotator in a process of its own, run and killed by `test_processes.py`.

Its journal says, on the disk, what it was about to send and what was acknowledged. Started again under the same
name it sends anew whatever was not, with the same keys, and takes over the items of its former lives.
"""

from __future__ import annotations

import os
import random
import sys
import time
from pathlib import Path

from askwise.records import Answer, Pick, Record, RoundOpened
from askwise.storage import connect

LEASE = 3600.0


def main(url: str, project: str, name: str, journal: str, items: int) -> None:
    """Ask for five items at a time and answer each, until nothing is left."""
    path = Path(journal)
    path.touch()
    # A line that was cut off by the kill says nothing.
    lines = [
        line.split()
        for line in path.read_text().splitlines(keepends=True)
        if line.endswith("\n") and line.strip()
    ]
    acknowledged = {line[1] for line in lines if line[0] == "acknowledged"}
    unsure = [line[1] for line in lines if line[0] == "sending" and line[1] not in acknowledged]
    former = [line[1] for line in lines if line[0] == "session"]
    rng = random.Random(name)
    session = f"{name}-{os.getpid()}-{time.time_ns()}"
    ranked = [f"i{number}" for number in range(items)]

    storage = connect(url, project=project)
    storage.open()
    with path.open("a") as file:

        def note(*words: object) -> None:
            file.write(" ".join(map(str, words)) + "\n")
            file.flush()
            os.fsync(file.fileno())

        def send(item: str) -> None:
            note("sending", item)
            answer = Answer(item, name, name, time.time())
            appended = storage.append([answer], key=f"{name}/{item}", hold=[item])
            if rng.random() < 0.05:
                # Time for a kill that leaves the answer stored and the acknowledgement unseen.
                time.sleep(0.1)
            note("acknowledged", item, appended.seqs[0], "again" if appended.duplicate else "new")

        def opened(won: list[str]) -> Record:
            picks = tuple(Pick(item, "chosen") for item in won)
            return RoundOpened(0, "first", picks, name, 0, time.time())

        file.write("\n")
        note("session", session)
        for item in dict.fromkeys(unsure):
            send(item)
        for item in storage.adopt(ranked, name, former, session, time.time() + LEASE):
            send(item)
        while mine := storage.claim(ranked, 5, name, session, time.time(), time.time() + LEASE, opened):
            for item in mine:
                send(item)
    storage.close()


if __name__ == "__main__":
    main(*sys.argv[1:5], items=int(sys.argv[5]))

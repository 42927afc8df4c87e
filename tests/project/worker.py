"""A script that labels through ask and tell until the pool or its share is used up; run by the tests, and killed."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from askwise import Project


def main(folder: str, truth_file: str, journal: str, annotator: str, most: int) -> None:
    """Append every acknowledged answer to the journal, on the disk, before going on."""
    truth = json.loads(Path(truth_file).read_text())
    given = 0
    with Project.open(folder, annotator=annotator) as project, Path(journal).open("a") as log:
        log.write("opened\n")
        log.flush()
        while given < most and (questions := project.ask(5)):
            log.write("".join(f"asked {question.id}\n" for question in questions))
            log.flush()
            for question in questions:
                project.tell({question.id: truth[question.id]})
                log.write(f"told {question.id}\n")
                log.flush()
                os.fsync(log.fileno())
            given += len(questions)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5]))

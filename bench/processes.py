"""What processes used of the processor, from /proc."""

import os
from collections import defaultdict
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
UNKNOWN = ["0"] * 15


def cpu_seconds(root: int) -> float:
    """Processor time of a process and of all that descend from it, ended ones too."""
    known = {int(path.name): _stat(int(path.name)) for path in Path("/proc").glob("[0-9]*")}
    children = defaultdict(list)
    for process, fields in known.items():
        children[int(fields[1])].append(process)
    spent, waiting = 0, [root]
    while waiting:
        process = waiting.pop()
        # Its own time, in the program and in the kernel, and that of children it has waited for.
        spent += sum(map(int, known.get(process, UNKNOWN)[11:15]))
        waiting += children[process]
    return spent / TICKS


def parent(process: int) -> int:
    """Who started a process."""
    return int(_stat(process)[1])


def _stat(process: int) -> list[str]:
    """The fields of proc(5) after the program's name, the state first."""
    try:
        text = Path(f"/proc/{process}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):  # ended meanwhile; its parent has its time
        return UNKNOWN
    return text.rsplit(")", 1)[1].split()

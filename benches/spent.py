"""What a command costs, in a process of its own."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple


class Spent(NamedTuple):
    """Seconds, and the peak of memory in MiB."""

    wall: float
    user: float
    system: float
    peak: float


def spent(command: list, environment: dict) -> Spent:
    """Of one command, which must end well."""
    began = time.monotonic()
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL, stderr=errors, env=environment)
        peak = 0.0
        while True:
            # The kernel's own maximum counts this Python's memory from before the exec: so the program is watched.
            peak = max(peak, high_water(process.pid))
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            time.sleep(0.005)
        wall = time.monotonic() - began
        errors.seek(0)
        if status:
            sys.exit(f"{command} failed, so its figures would be worth nothing: {errors.read()[-2000:].decode()}")
    return Spent(wall, usage.ru_utime, usage.ru_stime, peak)


def high_water(pid: int) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    lines = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(lines[0].split()[1]) / 1024 if lines else 0.0

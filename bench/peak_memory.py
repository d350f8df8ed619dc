"""Runs a command to its end and prints, as JSON, the largest memory it had: peak_memory.py COMMAND [ARGUMENT ...]

A process of its own, which must stay small: Linux counts the memory of whoever starts a command into the command's peak.
"""
import json
import os
import sys
import time


def anonymous(pid):
    """Bytes that are not pages of files, now."""
    try:
        with open(f"/proc/{pid}/status") as status:
            return next((int(line.split()[1]) * 1024 for line in status if line.startswith("RssAnon:")), 0)
    except OSError:
        return 0


def main():
    begin = time.perf_counter()
    silent = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    pid = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=silent)
    largest, ended = 0, 0
    while not ended:
        largest = max(largest, anonymous(pid))
        time.sleep(0.002)
        ended, status, usage = os.wait4(pid, os.WNOHANG)
    print(json.dumps({"resident": usage.ru_maxrss * 1024 / 1e6, "anonymous": largest / 1e6,
                      "seconds": time.perf_counter() - begin}))
    return os.waitstatus_to_exitcode(status)


sys.exit(main())

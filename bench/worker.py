"""A process that answers questions: one line per question, words apart by tabs, one line of JSON per answer."""
import datetime
import json
import os
import platform
import select
import subprocess


class Worker:
    class Failure(Exception):
        pass

    def __init__(self, command, quiet=False, patience=None):
        """quiet: nothing that it says beside its answers is shown. patience: seconds until an answer must be there."""
        self.name, self.patience = " ".join(map(str, command[:3])), patience
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        stderr=subprocess.DEVNULL if quiet else None)

    def ask(self, *words):
        self.process.stdin.write("\t".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        if not select.select([self.process.stdout], [], [], self.patience)[0]:
            raise Worker.Failure(f"{self.name}: {words[0]}: no answer after {self.patience:.0f} s")
        line = self.process.stdout.readline()
        if not line:
            raise Worker.Failure(f"{self.name}: {words[0]}: the process ended")
        answer = json.loads(line)
        if "error" in answer:
            raise Worker.Failure(f"{self.name}: {words[0]}: {answer['error']}")
        return answer

    def seconds(self, *words):
        return self.ask(*words)["seconds"]

    def close(self):
        self.process.kill()
        self.process.wait()


def machine():
    """What a figure depends on."""
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")),
                 platform.machine())
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    return {"processor": model, "cores": os.cpu_count(), "used_cores": len(os.sched_getaffinity(0)),
            "memory_gb": round(memory, 1), "kernel": platform.release(), "load": os.getloadavg()[0],
            "date": datetime.date.today().isoformat(), "python": platform.python_version()}

"""What the Python peers share: a workload's name comes in, a line of JSON goes out, the same as ours."""

import json
import os
import resource
import statistics
import sys
import time

WORKLOAD = sys.argv[1]
THREADS = int(os.environ.get("RAYON_NUM_THREADS") or os.cpu_count())
SECONDS = float(os.environ.get("COMPARE_SECONDS", "1.5"))
known = False


def peak_mib():
    with open("/proc/self/status") as lines:
        return next(int(l.split()[1]) / 1024 for l in lines if l.startswith("VmHWM:"))


def timed(peer, workload, setup):
    """Times one repetition, the function that `setup` gives, if this is the workload asked for."""
    global known
    if workload != WORKLOAD:
        return
    known = True
    sys.stdout.flush()
    # A process of its own: a second variant of the same workload starts with a clean allocator.
    pid = os.fork()
    if pid:
        _, status = os.waitpid(pid, 0)
        if status:
            say(peer, error=f"exit status {status}")
        return
    try:
        base = peak_mib()
        rep = setup()
        rep()
        begin = time.perf_counter()
        while time.perf_counter() - begin < 0.25 * SECONDS:
            rep()
        micros = []
        faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        cpu, begin = time.process_time(), time.perf_counter()
        while (time.perf_counter() - begin < SECONDS or len(micros) < 5) and len(micros) < 1 << 16:
            start = time.perf_counter_ns()
            rep()
            micros.append((time.perf_counter_ns() - start) / 1e3)
        wall, cpu = time.perf_counter() - begin, time.process_time() - cpu
        faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - faults
        say(
            peer,
            median_us=round(statistics.median(micros), 3),
            min_us=round(min(micros), 3),
            reps=len(micros),
            peak_rss_mb=round(peak_mib(), 1),
            base_rss_mb=round(base, 1),
            minflt_per_rep=round(faults / len(micros), 4),
            cpu_over_wall=round(cpu / wall, 2),
        )
    except BaseException as e:
        say(peer, error=repr(e)[:300])
    os._exit(0)


def product(workload):
    """The kind and m, k, n of the product that a workload names: O1_512, O1d_512, O1tn_784x64x256."""
    if not workload.startswith("O1"):
        return None
    kind, size = workload[2:].split("_")
    sizes = [int(s) for s in size.split("x")]
    return kind, *(sizes * 3 if len(sizes) == 1 else sizes)


def say(peer, **fields):
    print(json.dumps(dict(peer=peer, workload=WORKLOAD, threads=THREADS, **fields)), flush=True)


def done(peer):
    if not known:
        say(peer, unsupported=True)

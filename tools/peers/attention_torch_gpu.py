#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 The sparsed authors
"""Attention of one layer on an NVIDIA GPU: this library, from OpenCL, beside PyTorch, in one run.

    python3 tools/peers/attention_torch_gpu.py build/release/tools/sparsed [OPTION...]

Needs PyTorch with CUDA, numpy, and OpenCL. PyTorch's side: SDPA with FlashAttention-2 and with cuDNN, and
compiled FlexAttention over a block mask of as many random blocks in each row as ours has. Each round
runs every case of a length once, forwards and backwards by turns; milliseconds are by the device's clock,
medians of the rounds, and every ratio is the median of the rounds' ratios. TF/s count 4 D operations a
query-key pair that is attended (a build alone: 2 D). What a side refuses is left out, with its reason. At
the end stands a table of goals, reached or not; --json keeps PyTorch's figures for `sparsed bench --peers`.
Exit code 1: a case of ours was left out, or an error is above its goal or was not measured. Goals of speed
decide nothing: they are an H100's.

Sections (--sections): `peers`, dense and sparse beside PyTorch; `blocks`, other block shapes (`shared`: the
query blocks of 128 rows keep the same blocks, else each row of blocks is drawn anew); `llada`, a
build with a score scale of its own; `mma`, the kernel for GPUs before the H100; `shapes`, grouped heads
and D = 64, at 16384 rows; `schedule`, whole schedules composed of the times; `accuracy`, errors beside
cuDNN's against double precision.
"""
import argparse
import math
import os
import re
import signal
import statistics
import sys
import time

try:
    import torch
except ImportError as e:
    sys.exit(f"PyTorch is needed: {e}")

import peers_file
import schedule_cost
from gpu_accuracy import compare
from gpu_sides import FLEX_BLOCK, GpuTimer, Ours, Shape, Theirs, block_mask, random_blocks

SECTIONS = ("peers", "blocks", "llada", "mma", "shapes", "schedule", "accuracy")
QUICK = {"lengths": [16384], "sections": ["peers", "blocks", "llada", "mma"], "rounds": 20}
RATIO, AIM_RATIO = 0.305, 0.15
MAIN = Shape(32, 32, 128, 0)
OTHER_SHAPES = {"Dream": Shape(28, 4, 128, 16384), "D 64": Shape(32, 32, 64, 16384)}
# Least ratios: of dense to cuDNN, of sparse to FlexAttention and to dense cuDNN, by length.
DENSE_GOAL = {4096: 1.0, 16384: 1.0, 65536: 1.0}
SPARSE_GOALS = {16384: (1.7, 3.2), 65536: (1.6, 3.4)}
ERROR_GOAL = 1.01  # outputs are rounded to bf16 on both sides
SCHEDULE_GOALS = {"FA2": 2.6, "cuDNN": 1.7, "public code": 1.4}
SCHEDULE_AIMS = {"FA2": 3.0, "cuDNN": 2.0}


def count(text):
    if not re.fullmatch("0*[1-9][0-9]*", text):
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 1 on")
    return int(text)


def parse():
    p = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    p.add_argument("sparsed", help="path of the command", type=os.path.abspath)
    p.add_argument("--device", default="opencl:NVIDIA", help="ours (%(default)s)")
    p.add_argument("--lengths", type=count, nargs="+", default=[4096, 16384, 65536],
                   help="rows, multiples of 128 (4096 16384 65536)")
    p.add_argument("--rounds", type=count, default=20, help="timed runs of each case (%(default)s)")
    p.add_argument("--long-rounds", type=count,
                   help="the same for more than 16384 rows (as --rounds)")
    p.add_argument("--sections", nargs="+", choices=SECTIONS, default=list(SECTIONS), help="(all)")
    p.add_argument("--mma-kernel", default="cl-nv-mma", help="row of `mma` (%(default)s)")
    p.add_argument("--json", metavar="FILE", help="write PyTorch's figures, for `sparsed bench --peers`")
    p.add_argument("--quick", action="store_true",
                   help="16384 rows, no other shapes, no schedule, no accuracy")
    options = p.parse_args()
    for name, value in QUICK.items() if options.quick else ():
        setattr(options, name, value)
    if not os.access(options.sparsed, os.X_OK):
        sys.exit(f"{options.sparsed} is no program that can be run")
    return options


# ---- cases ---------------------------------------------------------------------------------------


class Case:
    """Something that is run once a round."""

    def __init__(self, name, run, shape, density=1.0, build=False, note="", their_name=""):
        self.name, self.run, self.density, self.note = name, run, density, note
        self.shape, self.their_name = shape, their_name
        pairs = shape.heads * shape.length * shape.length
        self.dense_operations = (2.0 if build else 4.0) * pairs * shape.head_dim
        self.ms, self.failed = [], None

    def once(self, keep):
        if self.failed:
            return
        try:
            ms = self.run()
        except Exception as e:  # whatever the driver, the compiler or the other process say
            lines = str(e).strip().splitlines()
            self.failed = lines[0] if lines else repr(e)
            self.ms = []
            return
        if keep:
            self.ms.append(ms)

    def median(self):
        return statistics.median(self.ms)

    def row(self):
        if self.failed:
            return f"{self.name:34s} left out: {self.failed}"
        ms = self.median()
        rate = self.dense_operations * self.density / ms * 1e-9
        cells = (f"{self.name:34s} {self.density:6.4f} {ms:9.3f} ({min(self.ms):.3f} to {max(self.ms):.3f})"
                 f"{rate:9.1f} TF/s")
        if self.density < 1.0:
            cells += f"{self.dense_operations / ms * 1e-9:9.1f} as dense"
        return cells + (f"   {self.note}" if self.note else "")


def our_cases(name, ours, shape, ops):
    """One for each operation of a process."""
    note = f"{ours.kernel}, scratch {ours.scratch / 2**20:.0f} MiB"
    cases = {}
    for op in ops:
        case = Case(f"{name} {op}", lambda o=op: ours.run(o), shape,
                    ours.density if op == "sparse" else 1.0, op == "build", note)
        case.failed = ours.failed
        cases[case.name] = case
    return cases


def their_cases(prefix, shape, timer):
    theirs = Theirs(shape)
    kept, density = random_blocks(shape, RATIO)
    mask = block_mask(kept)
    runs = {"FA2 dense": (theirs.fa2, 1.0), "cuDNN dense": (theirs.cudnn, 1.0),
            "FlexAttention sparse": (lambda: theirs.flex(mask), density)}
    return {prefix + name: Case(prefix + name, lambda f=f: timer(f), shape, density,
                                their_name=name.split()[0])
            for name, (f, density) in runs.items()}


def our_processes(options, sections, shape):
    """Name: what to start, and the operations of it to run."""
    every = ("dense", "dense+build", "build", "sparse")
    square = {"128x128": (dict(blocks="128x128"), every)}
    small_keys = {"128x32": (dict(blocks="128x32"), every)}
    llada = {**square, **small_keys,
             **{f"llada {b}": (dict(blocks=b, mode="upstream-llada"), ("dense+build", "build"))
                for b in ("128x128", "128x32")}}
    aim = {f"128x32 at {AIM_RATIO}": (dict(blocks="128x32", ratio=AIM_RATIO), ("sparse",))}
    all_processes = {
        "peers": square,
        "blocks": {**square, **small_keys, "32x32": (dict(blocks="32x32"), every),
                   "32x32 shared": (dict(blocks="32x32", pattern="shared"), ("sparse",))},
        "llada": llada,
        "mma": {"mma 128x128": (dict(blocks="128x128", kernel=options.mma_kernel),
                                ("dense", "sparse"))},
        "schedule": {**llada, **aim},
    }
    chosen = {}
    for section in sections:
        chosen.update(all_processes.get(section, {}))
    return {name: (Ours(options.sparsed, options.device, shape, **{"ratio": RATIO, **arguments}), ops)
            for name, (arguments, ops) in chosen.items()}


def run_cases(cases, rounds):
    for _ in range(2):  # compiles, and touches all memory
        for case in cases.values():
            case.once(False)
    for r in range(rounds):
        order = list(cases.values())
        for case in order if r % 2 == 0 else reversed(order):
            case.once(True)


def measure(options, goals, shape, processes, their_prefix=None):
    """The cases of a shape, run and printed."""
    start = time.monotonic()
    long = shape.length > 16384 and options.long_rounds
    rounds = options.long_rounds if long else options.rounds
    cases = their_cases(their_prefix, shape, GpuTimer()) if their_prefix is not None else {}
    for name, (ours, ops) in processes.items():
        ours.wait_until_ready()
        cases.update(our_cases(name, ours, shape, ops))
    run_cases(cases, rounds)
    for ours, _ in processes.values():
        ours.close()
    print(f"\nL {shape.length}, H {shape.heads}, Hk {shape.kv_heads}, D {shape.head_dim}, bf16, {rounds} rounds,"
          f" {time.monotonic() - start:.0f} s\n{'':34s} {'kept':6s} {'ms':>9s} (least to most)")
    for case in cases.values():
        print(case.row(), flush=True)
    torch.cuda.empty_cache()
    options.peer_rows += peer_rows(cases)
    goals.faults += [f"{shape.length}: {case.name} was left out" for case in cases.values()
                     if case.failed and not case.their_name]
    return cases


# ---- goals ---------------------------------------------------------------------------------------


def ratio(cases, above, below, by_rate=False):
    """Median of the rounds' ratios of milliseconds, by_rate of milliseconds for the same work."""
    a, b = cases.get(above), cases.get(below)
    if a is None or b is None or not a.ms or not b.ms:
        return None
    work = b.density / a.density if by_rate else 1.0
    return statistics.median(x / y for x, y in zip(a.ms, b.ms)) * work


class Goals:
    def __init__(self):
        self.rows = []
        self.faults = []  # what makes the exit code 1

    def add(self, text, value, least=None, most=None):
        """value None: not measured. Without a bound it is told all the same."""
        self.rows.append((text, value, least, most))

    def add_error(self, text, value):
        """One that has to be reached."""
        self.add(text, value, most=ERROR_GOAL)
        if value is None or not value <= ERROR_GOAL:
            self.faults.append(text)

    def show(self):
        print("\nGoals")
        for text, value, least, most in self.rows:
            bound = f">= {least:g}" if least is not None else f"<= {most:g}" if most is not None else ""
            shown = "-" if value is None else f"{value:.3f}"
            verdict = ("not measured" if value is None else "" if not bound else
                       "reached" if (value >= least if least is not None else value <= most) else
                       "NOT REACHED")
            print(f"{text:62s} {shown:>8s}  {bound:8s} {verdict}".rstrip())
        for text in self.faults:
            print(f"failed: {text}")


def add_peer_goals(goals, length, cases):
    at = f"{length}: "
    dense, sparse = "128x128 dense", "128x128 sparse"
    goals.add(at + "dense, cuDNN / ours", ratio(cases, "cuDNN dense", dense), DENSE_GOAL.get(length))
    goals.add(at + "dense, FA2 / ours", ratio(cases, "FA2 dense", dense))
    flex, cudnn = SPARSE_GOALS.get(length, (None, None))
    goals.add(at + "sparse, FlexAttention / ours", ratio(cases, "FlexAttention sparse", sparse, True), flex)
    goals.add(at + "dense cuDNN / our sparse", ratio(cases, "cuDNN dense", sparse), cudnn)
    add_build_goals(goals, at, cases, "128x128", 1.10)


def add_build_goals(goals, at, cases, name, most_added=None, most_alone=None):
    dense = f"{name.split()[-1]} dense"
    goals.add(f"{at}{name}, dense + build / dense", ratio(cases, f"{name} dense+build", dense),
              most=most_added)
    goals.add(f"{at}{name}, build alone / dense", ratio(cases, f"{name} build", dense), most=most_alone)


def add_length_goals(goals, sections, length, cases):
    at = f"{length}: "
    if "peers" in sections:
        add_peer_goals(goals, length, cases)
    if "blocks" in sections:
        for name, least in (("128x32", 0.92), ("32x32", 0.60)):
            goals.add(f"{at}{name} sparse, rate / 128x128's",
                      ratio(cases, "128x128 sparse", f"{name} sparse", True), least)
            add_build_goals(goals, at, cases, name, 1.20)
        goals.add(f"{at}32x32 shared sparse, rate / 128x128's",
                  ratio(cases, "128x128 sparse", "32x32 shared sparse", True))
    if "llada" in sections:
        for name in ("llada 128x128", "llada 128x32"):
            add_build_goals(goals, at, cases, name, most_added=1.55, most_alone=0.55)
    if "mma" in sections:
        goals.add(at + "dense, FA2 / our mma kernel", ratio(cases, "FA2 dense", "mma 128x128 dense"), 1.0)
        goals.add(at + "sparse, FlexAttention / our mma kernel",
                  ratio(cases, "FlexAttention sparse", "mma 128x128 sparse", True))


def add_shape_goals(goals, name, cases):
    goals.add(f"{name}: dense, cuDNN / ours", ratio(cases, f"{name} cuDNN dense", f"{name} 128x128 dense"))
    goals.add(f"{name}: sparse, FlexAttention / ours",
              ratio(cases, f"{name} FlexAttention sparse", f"{name} 128x128 sparse", True))
    goals.add(f"{name}: dense cuDNN / our sparse",
              ratio(cases, f"{name} cuDNN dense", f"{name} 128x128 sparse"))


# ---- whole schedules -----------------------------------------------------------------------------


def schedule_seconds(length, steps, ms):
    """Seconds by method, of those whose milliseconds are there."""
    other = schedule_cost.OTHER_MS[length]
    methods = {}
    for name, case in (("FA2", "FA2 dense"), ("cuDNN", "cuDNN dense")):
        if case in ms:
            methods[name] = schedule_cost.dense_seconds(steps, other, ms[case])
    if "FA2 dense" in ms and "FlexAttention sparse" in ms:
        methods["public code"] = schedule_cost.public_seconds(
            steps, length, ms["FA2 dense"], ms["FlexAttention sparse"])
    for name, dense, build, sparse in (
            (f"ours, 128x128, {RATIO}", "128x128 dense", "llada 128x128 dense+build", "128x128 sparse"),
            (f"ours, 128x32, {RATIO}", "128x32 dense", "llada 128x32 dense+build", "128x32 sparse"),
            (f"ours, 128x32, {AIM_RATIO}", "128x32 dense", "llada 128x32 dense+build",
             f"128x32 at {AIM_RATIO} sparse")):
        if dense in ms and build in ms and sparse in ms:
            methods[name] = schedule_cost.seconds(steps, other, ms[dense], ms[build], ms[sparse])
    return methods


def show_schedule(goals, length, cases):
    ms = {name: case.median() for name, case in cases.items() if case.ms}
    if length not in schedule_cost.OTHER_MS:
        return
    print(f"\nSchedules of {length} rows, {schedule_cost.LAYERS} layers, skip {schedule_cost.SKIP}, "
          f"{schedule_cost.OTHER_MS[length]} ms of other work a layer (not measured here); "
          f"the public code's own build is taken as {schedule_cost.PUBLIC_BUILD_MS[length]:.0f} ms a layer")
    for steps in schedule_cost.STEPS:
        methods = schedule_seconds(length, steps, ms)
        for ours in (name for name in methods if name.startswith("ours")):
            ratios = {peer: methods[peer] / methods[ours] for peer in SCHEDULE_GOALS if peer in methods}
            print(f"T {steps:5d}  {ours:22s} {methods[ours]:9.1f} s  " + "  ".join(
                f"{peer} {methods[peer]:.1f} s = {value:.2f} x" for peer, value in ratios.items()))
            if length == 65536 and steps == 1024:
                wanted = SCHEDULE_AIMS if ours.endswith(str(AIM_RATIO)) else SCHEDULE_GOALS
                for peer, value in ratios.items():
                    goals.add(f"schedule {length}, T {steps}: {peer} / {ours}", value,
                              wanted.get(peer))


# ---- runs ----------------------------------------------------------------------------------------


def run_length(options, goals, length):
    shape = MAIN._replace(length=length)
    sections = [s for s in SECTIONS if s in options.sections]
    processes = our_processes(options, sections, shape)
    if not processes:
        return
    beside_theirs = {"peers", "mma", "schedule"} & set(sections)
    cases = measure(options, goals, shape, processes, "" if beside_theirs else None)
    add_length_goals(goals, sections, length, cases)
    if "schedule" in sections:
        show_schedule(goals, length, cases)


def run_shape(options, goals, name, shape):
    ours = Ours(options.sparsed, options.device, shape, "128x128", RATIO)
    ops = ("dense", "dense+build", "build", "sparse")
    cases = measure(options, goals, shape, {f"{name} 128x128": (ours, ops)}, name + " ")
    add_shape_goals(goals, name, cases)


def error_ratio(ours, theirs):
    return ours / theirs if theirs else 1.0 if not ours else math.inf


def run_accuracy(options, goals):
    shape = MAIN._replace(length=4096)
    print(f"\nErrors, L {shape.length}, H {shape.heads}, D {shape.head_dim}, bf16, against double precision")
    print(f"{'':24s} {'ours':>10s} {'(largest)':>11s} {'theirs':>10s} {'(largest)':>11s}")
    try:
        for kind, op, kernel, ours, name, theirs in compare(options.sparsed, options.device, shape):
            print(f"{kind:17s} {op:6s} {ours[0]:10.3e} ({ours[1]:.2e}) {theirs[0]:11.3e} ({theirs[1]:.2e})"
                  f"  {name}; {kernel}", flush=True)
            add = goals.add_error if name == "cuDNN" else goals.add
            add(f"error, {kind}, {op}: ours / {name}'s", error_ratio(ours[0], theirs[0]))
    except Exception as e:  # what is measured already is still shown
        print(f"ended: {e}")
        goals.add_error("error: ours / cuDNN's", None)


def peer_rows(cases):
    """Those of PyTorch's side that ran, for a file of peers."""
    return [peers_file.row("torch " + c.their_name, "sparse" if c.density < 1.0 else "dense", "bf16",
                           tuple(c.shape), c.ms, c.density,
                           (FLEX_BLOCK, FLEX_BLOCK) if c.density < 1.0 else (0, 0))
            for c in cases.values() if c.their_name and c.ms]


def run(options, goals):
    for length in options.lengths:
        run_length(options, goals, length)
    if "shapes" in options.sections:
        for name, shape in OTHER_SHAPES.items():
            run_shape(options, goals, name, shape)
    if "accuracy" in options.sections:
        run_accuracy(options, goals)


def main():
    options = parse()
    options.peer_rows = []
    goals = Goals()
    start = time.monotonic()
    print(f"{torch.cuda.get_device_name()}; PyTorch {torch.__version__}, "
          f"cuDNN {torch.backends.cudnn.version()}; ratio {RATIO}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # a time limit: what is there is shown
    try:
        with torch.no_grad():
            run(options, goals)
    finally:
        goals.show()
        if options.json:
            peers_file.write(options.json, torch.cuda.get_device_name(),
                             f"PyTorch {torch.__version__}, cuDNN {torch.backends.cudnn.version()}",
                             options.peer_rows)
        print(f"{time.monotonic() - start:.0f} s in all")
    return 1 if goals.faults else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 The sparsed authors
"""Attention of one layer on the CPU: this library beside PyTorch, in one run on one machine.

    python3 tools/peers/attention_torch.py build/release/tools/sparsed [--threads 1 2] ...

Needs PyTorch and numpy; FlexAttention is compiled by torch.compile, which needs a C++ compiler (left
out, with a line that says so, where that fails). Each case is run by turns, one repetition of ours
and one of PyTorch's, so that what else the machine does meets both; medians after a warm-up, and
every ratio is the median of the rounds' ratios. GF/s count 4 D operations a query-key pair of the
kept blocks, and a ratio is one of GF/s: how many times as fast we are for the same work.

Ours runs in processes of its own (`sparsed bench --serve`), which wait without spinning while the
other side runs. --json keeps PyTorch's figures for `sparsed bench --peers`. `others` is the processor time that neither side used, in cores: near 0 on a quiet
machine; do not believe a table where it is not.
"""
import argparse
import os
import platform
import re
import statistics
import subprocess
import sys
import time


def count(text):
    if not re.fullmatch("0*[1-9][0-9]*", text):
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 1 on")
    return int(text)


def block_shape(text):
    if not re.fullmatch("[1-9][0-9]*x[1-9][0-9]*", text):
        raise argparse.ArgumentTypeError(f"'{text}' is not ROWSxROWS, as in 128x32")
    return text


def cpu_set(text):
    cpus = set()
    for part in text.split(","):
        if not re.fullmatch("[0-9]+(-[0-9]+)?", part):
            raise argparse.ArgumentTypeError(f"'{text}' is not as in 0-15 or 0,2")
        first, _, last = part.partition("-")
        cpus |= set(range(int(first), int(last or first) + 1))
    if not cpus & os.sched_getaffinity(0):
        raise argparse.ArgumentTypeError(f"'{text}' names no processor that may be used here")
    return cpus


def parse():
    p = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    p.add_argument("sparsed", help="path of the command", type=os.path.abspath)
    p.add_argument("--threads", type=count, nargs="+", default=[2],
                   help="threads of both sides, a table for each (2)")
    p.add_argument("--heads", type=count, default=8, help="query heads (%(default)s)")
    p.add_argument("--kv-heads", type=count, help="heads of k and v (as many)")
    p.add_argument("--length", type=count, default=4096, help="query and key rows (%(default)s)")
    p.add_argument("--head-dim", type=count, default=128, help="elements of a row (%(default)s)")
    p.add_argument("--blocks", type=block_shape, nargs="+", default=["128x128", "128x32"],
                   help="query x key rows of our blocks (128x128 128x32); FlexAttention's are 128x128")
    p.add_argument("--ratio", type=float, default=0.3, help="share of the blocks to keep (%(default)s)")
    p.add_argument("--dtypes", nargs="+", default=["f32", "bf16"], choices=["f32", "f16", "bf16"],
                   help="storage types of the tensors (f32 bf16)")
    p.add_argument("--kernel", help="our registry row (the one that the library chooses)")
    p.add_argument("--rounds", type=count, default=9, help="timed runs of each case (%(default)s)")
    p.add_argument("--cpus", type=cpu_set, help="pin both sides to these, as in 0-15 or 0,2 (all)")
    p.add_argument("--no-flex", action="store_true", help="leave FlexAttention out")
    p.add_argument("--json", metavar="FILE", help="write PyTorch's figures, for `sparsed bench --peers`")
    options = p.parse_args()
    options.kv_heads = options.kv_heads or options.heads
    return options


OPTIONS = parse()
if not os.access(OPTIONS.sparsed, os.X_OK):
    sys.exit(f"{OPTIONS.sparsed} is no program that can be run")
if OPTIONS.cpus:  # before PyTorch starts its threads
    os.sched_setaffinity(0, OPTIONS.cpus)

try:
    import torch  # noqa: E402
except ImportError as e:
    sys.exit(f"PyTorch is needed: {e}")
import torch.nn.functional as F  # noqa: E402

import peers_file  # noqa: E402

TICK = os.sysconf("SC_CLK_TCK")
SETTLE_S = 0.02  # until the threads of the side that has just run sleep
FLEX_BLOCK = 128


# ---- what the machine does -----------------------------------------------------------------------


def busy_s():
    """Processor seconds of the whole machine that were not idle."""
    with open("/proc/stat") as f:
        t = [int(x) for x in f.readline().split()[1:9]]
    return (sum(t) - t[3] - t[4]) / TICK


def used_s(pid):
    """Processor seconds of one process."""
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


class Watch:
    """Cores that others keep busy from its creation on."""

    def __init__(self, pids=()):
        self.pids = [os.getpid(), *pids]
        self.start = (time.monotonic(), busy_s(), sum(map(used_s, self.pids)))

    def others(self):
        wall, busy, used = self.start
        ours = sum(map(used_s, self.pids)) - used
        return max(0.0, (busy_s() - busy - ours) / (time.monotonic() - wall))


def idle_load():
    watch = Watch()
    time.sleep(1.0)
    return f"{watch.others():.2f} cores busy, load average {os.getloadavg()[0]:.2f}"


# ---- the two sides -------------------------------------------------------------------------------


class Ours:
    """One shape in a process of its own."""

    def __init__(self, dtype, blocks, threads):
        o = OPTIONS
        options = ["bench", "--serve", "--device", "cpu", "--dtype", dtype, "--block-size", blocks]
        if o.kernel:
            options += ["--kernel", o.kernel]
        numbers = {"--heads": o.heads, "--kv-heads": o.kv_heads, "--dim": o.head_dim,
                   "--length": o.length, "--select": o.ratio, "--threads": threads}
        options += [str(x) for option in numbers.items() for x in option]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("OPENBLAS_")}
        self.process = subprocess.Popen([o.sparsed, *options], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        env=environment)
        for line in self.process.stdout:
            if line.startswith("ready "):
                self.kernel, density = line.split()[1:3]
                self.density = float(density)
                return
        sys.exit(f"{o.sparsed} ended before it was ready")

    def run(self, op):
        self.process.stdin.write(op + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{OPTIONS.sparsed} ended in a run of {op}")
        return float(line)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Theirs:
    """PyTorch's tensors of one storage type, and its functions over them."""

    def __init__(self, dtype):
        o = OPTIONS
        types = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}
        generator = torch.Generator().manual_seed(1)
        self.grouped = o.heads != o.kv_heads
        self.q, self.k, self.v = (
            torch.randn((1, heads, o.length, o.head_dim), generator=generator).to(types[dtype])
            for heads in (o.heads, o.kv_heads, o.kv_heads))

    def sdpa(self):
        return F.scaled_dot_product_attention(self.q, self.k, self.v, enable_gqa=self.grouped)

    def flex(self, compiled, mask):
        return compiled(self.q, self.k, self.v, block_mask=mask, enable_gqa=self.grouped)


def timed(function):
    start = time.perf_counter()
    function()
    return (time.perf_counter() - start) * 1e3


def flex_mask(density):
    """So many random key blocks for each query block of each head, about `density`; and its density."""
    from torch.nn.attention.flex_attention import BlockMask
    blocks = OPTIONS.length // FLEX_BLOCK
    kept = max(1, round(density * blocks))
    shape = (1, OPTIONS.heads, blocks, blocks)
    chosen = torch.rand(shape, generator=torch.Generator().manual_seed(2)).argsort(-1)[..., :kept]
    indices = torch.zeros(shape, dtype=torch.int32)
    indices[..., :kept] = chosen.sort(-1).values.to(torch.int32)
    counts = torch.full(shape[:-1], kept, dtype=torch.int32)
    none = torch.zeros_like(counts)
    # Whole blocks alone: no mask function is asked for single elements.
    mask = BlockMask.from_kv_blocks(none, torch.zeros_like(indices), counts, indices,
                                    BLOCK_SIZE=FLEX_BLOCK)
    return mask, kept / blocks


def compile_flex():
    """FlexAttention compiled, tried on a small problem; None if that fails."""
    from torch.nn.attention.flex_attention import flex_attention
    try:
        compiled = torch.compile(flex_attention, dynamic=False)
        compiled(*(torch.randn(1, 1, 256, 64) for _ in range(3)))
        return compiled
    except Exception as e:  # whatever the compiler chain raises
        reason = str(e).strip().splitlines()
        print(f"FlexAttention is left out, torch.compile failed: {(reason or [repr(e)])[0]}")
        return None


# ---- cases ---------------------------------------------------------------------------------------


class Case:
    def __init__(self, dtype, name, ours, op, their_name, theirs, their_density):
        self.dtype, self.name, self.ours, self.op = dtype, name, ours, op
        self.their_name, self.theirs = their_name, theirs
        self.density = ours.density if op == "sparse" else 1.0
        self.their_density = their_density
        self.our_ms, self.their_ms = [], []

    def round(self, keep, ours_first):
        for side in (0, 1) if ours_first else (1, 0):
            time.sleep(SETTLE_S)
            ms = timed(self.theirs) if side else self.ours.run(self.op)
            if keep:
                (self.their_ms if side else self.our_ms).append(ms)

    def rate(self, ms, density):
        o = OPTIONS
        return 4.0 * o.heads * o.length * o.length * o.head_dim * density / ms * 1e-6

    def row(self):
        ours, theirs = statistics.median(self.our_ms), statistics.median(self.their_ms)
        ratios = sorted(self.rate(a, self.density) / self.rate(b, self.their_density)
                        for a, b in zip(self.our_ms, self.their_ms))
        cells = (f"{self.name:20s} {self.density:.3f} {ours:9.2f} {spread(self.our_ms):>17s} "
                 f"{self.rate(ours, self.density):8.1f} | {self.their_name:5s} "
                 f"{self.their_density:.3f} {theirs:9.2f} {spread(self.their_ms):>17s} "
                 f"{self.rate(theirs, self.their_density):8.1f} | ")
        return cells + f"{statistics.median(ratios):6.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"


def spread(values):
    return f"({min(values):.1f} to {max(values):.1f})"


def make_cases(threads, flex):
    cases, children = [], []
    for dtype in OPTIONS.dtypes:
        theirs = Theirs(dtype)
        for blocks in OPTIONS.blocks:
            ours = Ours(dtype, blocks, threads)
            children.append(ours)
            if blocks == OPTIONS.blocks[0]:
                cases.append(Case(dtype, f"{dtype} dense", ours, "dense", "sdpa", theirs.sdpa, 1.0))
            if flex:
                mask, density = flex_mask(ours.density)
                cases.append(Case(dtype, f"{dtype} sparse {blocks}", ours, "sparse", "flex",
                                  lambda t=theirs, m=mask: t.flex(flex, m), density))
    return cases, children


def compare(threads, flex):
    torch.set_num_threads(threads)
    cases, children = make_cases(threads, flex)
    print(f"\n{threads} threads; our kernels: "
          + ", ".join(sorted({f"{c.name.split()[0]} {c.ours.kernel}" for c in cases})))
    for case in cases:  # compiles, and touches all memory
        for _ in range(2):
            case.round(False, True)
    watch = Watch([c.process.pid for c in children])
    for r in range(OPTIONS.rounds):
        for case in cases:
            case.round(True, r % 2 == 0)
    others = watch.others()
    print(f"{'':20s} {'kept':5s} {'ours ms':>9s} {'':17s} {'GF/s':>8s} | {'':5s} {'kept':5s} "
          f"{'torch ms':>9s} {'':17s} {'GF/s':>8s} | ratio (rounds)")
    for case in cases:
        print(case.row())
    print(f"others: {others:.2f} cores", flush=True)
    for child in children:
        child.close()
    return peer_rows(cases, threads)


def peer_rows(cases, threads):
    """PyTorch's side for a file of peers: what ran beside several of our block shapes is one row of all rounds."""
    o = OPTIONS
    rounds = {}
    for c in cases:
        rounds.setdefault((c.their_name, c.op, c.dtype, c.their_density), []).extend(c.their_ms)
    return [peers_file.row("torch " + name, op, dtype, (o.heads, o.kv_heads, o.head_dim, o.length), ms, density,
                           (FLEX_BLOCK, FLEX_BLOCK) if op == "sparse" else (0, 0), threads)
            for (name, op, dtype, density), ms in rounds.items()]


def main():
    o = OPTIONS
    torch.manual_seed(1)
    cpu = next((l.split(":", 1)[1].strip() for l in open("/proc/cpuinfo")
                if l.startswith("model name")), platform.processor())
    print(f"{cpu}, {len(os.sched_getaffinity(0))} processors; PyTorch {torch.__version__}, "
          f"{torch.backends.cpu.get_cpu_capability()}")
    print(f"H {o.heads}, L {o.length}, D {o.head_dim}, ratio {o.ratio:g}, {o.rounds} rounds")
    print(f"before: {idle_load()}")
    rows = []
    with torch.inference_mode():
        flex = None if o.no_flex else compile_flex()
        for threads in o.threads:
            rows += compare(threads, flex)
    print(f"\nafter: {idle_load()}")
    if o.json:
        peers_file.write(o.json, cpu, f"PyTorch {torch.__version__}", rows)


main()

# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 The sparsed authors
"""A file of other libraries' figures for `sparsed bench --peers`; docs/bench.md has its form."""
import json
import os
import statistics

FORMAT = 1


def row(name, op, dtype, shape, ms, density=1.0, blocks=(0, 0), threads=0):
    """shape: heads, kv_heads, head_dim, length; ms: the rounds' milliseconds."""
    heads, kv_heads, head_dim, length = shape
    return {"name": name, "pass": op, "dtype": dtype, "threads": threads, "heads": heads,
            "kv_heads": kv_heads, "head_dim": head_dim, "length": length, "density": density,
            "block_q": blocks[0], "block_k": blocks[1], "rounds": len(ms),
            "median_ms": statistics.median(ms), "least_ms": min(ms), "most_ms": max(ms)}


def write(path, device, versions, rows):
    """device: its name as `sparsed devices` tells it, or the processor's."""
    text = json.dumps({"sparsed_peers": FORMAT, "device": device, "versions": versions, "rows": rows},
                      indent=1)
    with open(path + ".tmp", "w", encoding="utf-8") as file:
        file.write(text + "\n")
    os.replace(path + ".tmp", path)

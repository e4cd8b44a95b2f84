#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 The sparsed authors
"""Makes the golden files of tests/patterns/v1, and checks them.

  make_v1.py write FOLDER  writes NAME.spdp and NAME.json of each case that FOLDER has not got yet
  make_v1.py check FOLDER  each case gives the bytes that lie there; they decode to what the .json
                           says; no truncation and no flipped bit of them decodes
"""
import json
import math
import os
import random
import struct
import sys

import spdp
from spdp import DREAM, JOINT, LLADA, PAPER, STREAMING, ceil_div

F32, F16 = 1, 2


# ---- selection, as docs/algorithm.md has it ----------------------------------------------------

def top(scores, count, first=0):
    """The indices of the `count` largest scores; the lower index wins a tie."""
    order = sorted(range(len(scores)), key=lambda i: (-scores[i], i))
    return {first + i for i in order[:count]}


def ranked(mode, ratio, batch, scores, generation_scores):
    blocks, split = batch["k_blocks"], batch["split"]
    rest = blocks - split
    if mode == JOINT:
        return top(scores, math.ceil(ratio * blocks))
    if mode == PAPER:
        return (top(scores[:split], math.ceil(ratio * split))
                | top(scores[split:], math.ceil(ratio * rest), split))
    prompt = top(scores, min(blocks, max(1, int(blocks * ratio) + 1)))
    return ({i for i in prompt if i < split}
            | top(generation_scores, min(rest, max(1, int(rest * ratio) + 1)), split))


def always(meaning, batch, q_block):
    """The blocks that the options add to a row."""
    options, block_q, block_k = meaning["selection"], meaning["block_q"], meaning["block_k"]
    first = batch["query_position"] + q_block * block_q
    end = batch["query_position"] + min(batch["queries"], (q_block + 1) * block_q)
    kept = set(range(min(options["always_first"], batch["k_blocks"])))
    if options["flags"] & 1 and end > batch["keys"] - meaning["gen_len"]:
        kept |= set(range(batch["k_blocks"]))
    if options["flags"] & 2:
        kept |= set(range(first // block_k, ceil_div(end, block_k)))
    if options["flags"] & 4:
        kept |= set(range(batch["split"], batch["k_blocks"]))
    return kept


def window_row(meaning, batch, q_block):
    """The key blocks that a fixed mode touches."""
    options, block_q, block_k = meaning["selection"], meaning["block_q"], meaning["block_k"]
    first = batch["query_position"] + q_block * block_q
    end = batch["query_position"] + min(batch["queries"], (q_block + 1) * block_q)
    keys = set(range(min(options["sinks"], batch["keys"])))
    keys |= set(range(max(0, first - options["window"]),
                      min(batch["keys"], end + options["window"])))
    return sorted({key // block_k for key in keys})


# ---- building blocks of the cases --------------------------------------------------------------

def random_score(rng):
    """A positive number of all the digits that f32 has."""
    return rng.randint(2**23, 2**24 - 1) / 2.0**rng.randint(24, 30)


def stored(scores, dtype):
    """Scores as a file of this type gives them back."""
    code = spdp.SCORE_FORMATS[dtype]
    return [[[[struct.unpack(code, struct.pack(code, score))[0] for score in row] for row in head]
             for head in heads] for heads in scores]


def nested(meaning, row):
    """row(b, h, q) of every query block, as [batch][heads][q_blocks]."""
    return [[[row(b, h, q) for q in range(meaning["q_blocks"])] for h in range(meaning["heads"])]
            for b in range(meaning["batch"])]


def is_own(meaning, b, q):
    return q < spdp.own_q_blocks(meaning, meaning["batches"][b])


def random_scores(meaning, rng, columns_of):
    return nested(meaning, lambda b, h, q: [
        random_score(rng) for _ in range(columns_of(meaning["batches"][b]))]
        if is_own(meaning, b, q) else [])


def chosen_rows(meaning, scores, generation_scores, ratios):
    def row(b, h, q):
        if not is_own(meaning, b, q) or not meaning["batches"][b]["keys"]:
            return []
        batch = meaning["batches"][b]
        kept = ranked(meaning["selection"]["mode"], ratios[h], batch, scores[b][h][q],
                      generation_scores and generation_scores[b][h][q])
        return sorted(kept | always(meaning, batch, q))
    return nested(meaning, row)


def add_pattern(meaning, layer, step, rows, **more):
    ratio = meaning["selection"]["ratio"]
    pattern = {"layer": layer, "step": step, "ratio": ratio, "score_dtype": 0, "rows": rows}
    pattern.update(more)
    pattern["kept_blocks"] = sum(len(row) for heads in rows for head in heads for row in head)
    meaning["patterns"].append(pattern)
    return pattern


def add_scored_pattern(meaning, layer, step, rng, dtype, ratio=None, ratios=None, anew=None):
    """A pattern chosen by random scores; anew: ratios to choose once more with, as the .json's
    `rethresholded`."""
    heads, upstream = meaning["heads"], meaning["selection"]["mode"] in spdp.UPSTREAM
    ratio = ratio or meaning["selection"]["ratio"]
    scores = random_scores(meaning, rng, lambda batch: batch["k_blocks"])
    second = upstream and random_scores(meaning, rng,
                                        lambda batch: batch["k_blocks"] - batch["split"])
    rows = chosen_rows(meaning, scores, second, ratios or [ratio] * heads)
    pattern = add_pattern(meaning, layer, step, rows, ratio=ratio)
    if ratios:
        pattern["ratios"] = ratios
        pattern["ratio"] = sum(ratios) / heads
    if dtype:
        pattern["score_dtype"] = dtype
        scores = pattern["scores"] = stored(scores, dtype)
        if upstream:
            second = pattern["generation_scores"] = stored(second, dtype)
        pattern["rethresholded"] = {
            "ratios": anew, "rows": chosen_rows(meaning, scores, second,
                                                anew if len(anew) > 1 else anew * heads)}
    return pattern


def batch_range(case, key_start, key_end):
    """One batch with the valid range [key_start, key_end) of the sequence; its query rows are those
    of the file's within it."""
    keys = key_end - key_start
    first = max(key_start, case["q_start"])
    end = min(key_end, case["q_start"] + case["q_len"])
    queries = max(0, end - first)
    return {"key_start": key_start, "keys": keys,
            "query_start": first - case["q_start"] if queries else 0, "queries": queries,
            "query_position": first - key_start if queries else 0,
            "k_blocks": ceil_div(keys, case["block_k"]),
            "split": spdp.split_block(keys, case["block_k"], case["gen_len"])}


def new_case(about, selection, valid=None, **header):
    case = {"about": about, "writable": True, "must_flags": 0, "may_flags": 0, "batch": 1,
            "first_head": 0, "model_heads": header["heads"], "model_layers": 0, "q_start": 0,
            "gen_len": 0, **header}
    case["q_blocks"] = ceil_div(case["q_len"], case["block_q"])
    case["k_blocks"] = ceil_div(case["kv_len"], case["block_k"])
    case["selection"] = {"mode": 0, "score_reduce": 0, "flags": 0, "always_first": 0, "ratio": 0.0,
                         "score_scale": 0.0, "window": 0, "sinks": 0, **selection}
    case["batches"] = [batch_range(case, *keys) for keys in valid or [(0, case["kv_len"])]]
    case["patterns"] = []
    return case


# ---- the cases ---------------------------------------------------------------------------------

def minimal():
    case = new_case("One head, one row, one block; a caller's own mask; nothing optional.", {},
                    heads=1, q_len=1, kv_len=1, block_q=16, block_k=16)
    add_pattern(case, 0, 0, [[[[0]]]])
    return case


def upstream_dream(dtype, name):
    case = new_case(f"Mode upstream-dream, two layers, both arrays of scores in {name}.",
                    {"mode": DREAM, "ratio": 0.3, "score_scale": 0.125}, heads=2, q_len=100,
                    kv_len=100, gen_len=40, block_q=32, block_k=16, model_layers=2)
    case["may_flags"] = spdp.MAY_SCORES
    case["attention"] = {"dtype": 1, "head_dim": 64, "kv_heads": 2, "score_heads": 2}
    case["run"] = {"steps": 16, "skip": 0.2}
    case["schedule"] = "upstream"
    case["creator"] = "make_v1.py"
    rng = random.Random(2)
    for layer in range(2):
        add_scored_pattern(case, layer, 4, rng, dtype, anew=[0.6])
    return case


def paper_shard():
    case = new_case("Mode paper without scores; heads 4 to 7 of 12, two to a key/value head; layers"
                    " 1, 3 and 5 of 6; rows of two words.",
                    {"mode": PAPER, "ratio": 0.1, "score_scale": 0.08838834764831845,
                     "always_first": 1, "flags": 1 | 4}, heads=4, first_head=4, model_heads=12,
                    q_len=1100, kv_len=1100, gen_len=70, block_q=128, block_k=16, model_layers=6)
    case["may_flags"] = spdp.MAY_PARTIAL
    case["attention"] = {"dtype": 3, "head_dim": 128, "kv_heads": 2, "score_heads": 12}
    case["creator"] = "make_v1.py"
    rng = random.Random(3)
    for layer in (1, 3, 5):
        add_scored_pattern(case, layer, 0, rng, 0)
    return case


def llada_padded():
    case = new_case("Mode upstream-llada; query rows 32 to 79 of 96; a batch without padding, with"
                    " padding before, after, one whose query rows begin late, one without a query"
                    " row, one without any; head 7 of 32.",
                    {"mode": LLADA, "ratio": 0.25, "score_scale": 0.17677669529663687},
                    valid=[(0, 96), (20, 96), (0, 50), (40, 96), (0, 28), (0, 0)], batch=6,
                    heads=1, first_head=7, model_heads=32, q_len=48, kv_len=96, q_start=32,
                    gen_len=24, block_q=16, block_k=16)
    case["may_flags"] = spdp.MAY_SCORES
    case["attention"] = {"dtype": 2, "head_dim": 40, "kv_heads": 1, "score_heads": 32}
    add_scored_pattern(case, 0, 0, random.Random(4), F32, anew=[0.5])
    return case


def several_steps():
    case = new_case("Mode joint, largest row, the diagonal kept; patterns of three steps with"
                    " ratios of their own, some with scores, one of them NaN; a layer missing in"
                    " one step.",
                    {"mode": JOINT, "score_reduce": 1, "flags": 2, "ratio": 0.2,
                     "score_scale": 0.1}, heads=2, q_len=70, kv_len=70, gen_len=16, block_q=32,
                    block_k=32, model_layers=2)
    case["may_flags"] = spdp.MAY_SCORES | spdp.MAY_PARTIAL
    case["run"] = {"steps": 12, "skip": 0.0}
    case["creator"] = "make_v1.py"
    rng = random.Random(5)
    add_scored_pattern(case, 0, 3, rng, 0, ratio=0.5)
    add_scored_pattern(case, 1, 3, rng, F32, ratio=0.5, anew=[1.0])
    add_scored_pattern(case, 1, 5, rng, F16, ratio=0.3, anew=[0.7])
    add_scored_pattern(case, 0, 9, rng, F32, anew=[0.1])
    add_scored_pattern(case, 1, 9, rng, 0, ratio=0.25)
    # A NaN ranks last, and so did what it replaces.
    row = case["patterns"][3]["scores"][0][0][2]
    row[row.index(min(row))] = None
    return case


def head_ratios():
    case = new_case("Mode paper, a ratio for each head, scores in f32.",
                    {"mode": PAPER, "ratio": 0.3, "score_scale": 0.125}, heads=4, q_len=128,
                    kv_len=128, gen_len=32, block_q=64, block_k=16, model_layers=1)
    case["may_flags"] = spdp.MAY_SCORES
    case["attention"] = {"dtype": 1, "head_dim": 64, "kv_heads": 4, "score_heads": 4}
    case["creator"] = "make_v1.py"
    add_scored_pattern(case, 0, 2, random.Random(6), F32, ratios=[0.125, 0.25, 0.5, 1.0],
                       anew=[1.0, 0.5, 0.25, 0.125])
    return case


def streaming():
    case = new_case("Mode streaming: exact to the element, so it must be understood.",
                    {"mode": STREAMING, "window": 20, "sinks": 5}, heads=2, q_len=150, kv_len=150,
                    gen_len=50, block_q=32, block_k=16, model_layers=1)
    case["must_flags"] = spdp.MUST_FIXED
    case["creator"] = "make_v1.py"
    add_pattern(case, 0, 0, nested(case, lambda b, h, q: window_row(case, case["batches"][b], q)))
    return case


def all_records():
    case = new_case("Every record of the info section; texts with letters of several bytes; last"
                    " step and layer.",
                    {"mode": PAPER, "ratio": 1.0, "score_scale": 1.0}, heads=1, q_len=33, kv_len=33,
                    gen_len=8, block_q=16, block_k=32)
    case["attention"] = {"dtype": 2, "head_dim": 256, "kv_heads": 1, "score_heads": 1}
    case["run"] = {"steps": 2**20, "skip": 0.75}
    case["schedule"] = "window:3:9"
    case["creator"] = "make_v1.py"
    case["tag"] = "Zürich 東京 \U0001f9ee " + "x" * 200
    case["model"] = ["0123456789abcdef", "fedcba9876543210"]
    case["prompt"] = ["0000000000000000", "ffffffffffffffff"]
    rng = random.Random(8)
    add_scored_pattern(case, 0, 0, rng, 0)
    add_scored_pattern(case, 65535, 2**20 - 1, rng, 0)
    return case


def later_additions():
    case = new_case("What a later minor addition may bring, and a reader of version 1 ignores:"
                    " unknown records and may flags, an extra section.",
                    {"mode": PAPER, "ratio": 0.5, "score_scale": 0.125}, heads=1, q_len=64,
                    kv_len=64, gen_len=16, block_q=16, block_k=16, model_layers=3)
    case["writable"] = False
    case["may_flags"] = spdp.MAY_PARTIAL | 1 << 17 | 1 << 63
    case["creator"] = "a later one"
    case["unknown_records"] = [{"tag": 10, "payload": ""}, {"tag": 1000, "payload": "0102030405"},
                               {"tag": 2**32 - 1, "payload": "ff" * 64}]
    case["extra"] = bytes(range(1, 101)).hex()
    rng = random.Random(9)
    add_scored_pattern(case, 0, 0, rng, 0)
    add_scored_pattern(case, 2, 0, rng, 0)
    return case


CASES = {
    "minimal": minimal,
    "upstream_dream_f32": lambda: upstream_dream(F32, "f32"),
    "upstream_dream_f16": lambda: upstream_dream(F16, "f16"),
    "paper_shard": paper_shard,
    "llada_padded": llada_padded,
    "several_steps": several_steps,
    "head_ratios": head_ratios,
    "streaming": streaming,
    "all_records": all_records,
    "later_additions": later_additions,
}


# ---- files -------------------------------------------------------------------------------------

def pretty(value, indent=0):
    """JSON with one line for a list of numbers, and for an object that holds no other."""
    inner = " " * (indent + 1)
    if isinstance(value, dict) and any(isinstance(item, (dict, list)) for item in value.values()):
        lines = [f"{inner}{json.dumps(key)}: {pretty(item, indent + 1)}"
                 for key, item in value.items()]
        return "{\n" + ",\n".join(lines) + "\n" + " " * indent + "}"
    if isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value):
        lines = [inner + pretty(item, indent + 1) for item in value]
        return "[\n" + ",\n".join(lines) + "\n" + " " * indent + "]"
    return json.dumps(value, ensure_ascii=False)


def plain_meaning(case):
    """What the bytes themselves say."""
    meaning = {key: value for key, value in case.items() if key not in ("about", "writable")}
    meaning["patterns"] = [{key: value for key, value in pattern.items() if key != "rethresholded"}
                           for pattern in case["patterns"]]
    return meaning


def write(folder):
    for name, make in CASES.items():
        path = os.path.join(folder, name + ".spdp")
        if os.path.exists(path):
            print(f"{path}: is there, left as it is")
            continue
        case = make()
        data = spdp.encode(case)
        with open(path, "xb") as file:
            file.write(data)
        with open(path[:-4] + "json", "x", encoding="utf-8") as file:
            file.write(pretty(case) + "\n")
        print(f"{path}: {len(data)} bytes")


def rejected(data):
    try:
        spdp.decode(data)
    except (spdp.NotAPattern, spdp.LaterVersion, spdp.Damaged):
        return True
    return False


def check(folder):
    for name, make in CASES.items():
        with open(os.path.join(folder, name + ".spdp"), "rb") as file:
            data = file.read()
        with open(os.path.join(folder, name + ".json"), encoding="utf-8") as file:
            case = json.load(file)
        assert case == make(), f"{name}.json differs from the case"
        assert spdp.encode(case) == data, f"{name}.spdp differs from the case"
        assert spdp.decode(data) == plain_meaning(case), f"{name}.spdp says something else"
        assert all(rejected(data[:size]) for size in range(len(data))), f"{name}: a truncation"
        assert rejected(data + b"\0"), f"{name}: an additional byte"
        for bit in range(8 * len(data)):
            damaged = bytearray(data)
            damaged[bit // 8] ^= 1 << bit % 8
            assert rejected(bytes(damaged)), f"{name}: bit {bit}"
        print(f"{name}: {len(data)} bytes, {9 * len(data) + 1} damages rejected")


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in ("write", "check"):
        sys.exit(__doc__)
    {"write": write, "check": check}[sys.argv[1]](sys.argv[2])

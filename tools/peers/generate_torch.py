#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 The sparsed authors
"""The built-in model in PyTorch beside `sparsed generate`: seconds, ratios, and whether the ids agree.

    generate_torch.py EXAMPLE [--sparsed FILE] [--rounds N] [--threads N]
                      [--length N] [--steps N]

EXAMPLE as for `sparsed generate --example`, e.g. kv_recall-4096; 32 tokens in 32 steps unless
--length or --steps say otherwise. The PyTorch side is a plain forward pass with
scaled_dot_product_attention, in f32 and in bf16, that computes logits for the generated positions
alone. All methods of a round run one after the other; medians of the rounds are printed, and how
many times as long the fastest dense run of PyTorch took. Where other work shares the cores, compare
the processor seconds: what all threads of a method used.
Needs torch and safetensors. Run it with OMP_WAIT_POLICY=passive where other work shares the cores.
"""
import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import time

try:
    import torch
except ImportError as e:
    sys.exit(f"PyTorch is needed: {e}")
from safetensors.torch import load_file
from torch.nn.functional import embedding, linear, scaled_dot_product_attention, silu

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
MODEL = os.path.join(ROOT, "models", "tiny-dream")
OURS = [("f32", "dense"), ("f32", "sparsed"), ("bf16", "dense"), ("bf16", "sparsed")]


def read_json(name):
    with open(os.path.join(MODEL, name), encoding="utf-8") as file:
        return json.load(file)


def example_prompt(name):
    """The prompt of an example's text."""
    parts = re.fullmatch(r"(\w+)-(\d+)(?::(\d+))?", name)
    if not parts:
        sys.exit(f"EXAMPLE is '{name}', not TASK-LENGTH or TASK-LENGTH:ROW, as in kv_recall-4096")
    task, length, row = parts[1], parts[2], int(parts[3] or 0)
    path = os.path.join(MODEL, "eval", f"tasks-{length}.jsonl")
    if not os.path.exists(path):
        sys.exit(f"EXAMPLE is '{name}': the model has no examples of length {length}")
    with open(path, encoding="utf-8") as file:
        rows = [r for r in map(json.loads, file) if r["task"] == task]
    if row >= len(rows):
        sys.exit(f"EXAMPLE is '{name}': {len(rows)} rows of length {length} have the task {task}")
    return rows[row]["prompt"]


def byte_characters():
    """The characters by which byte-level BPE writes the 256 bytes."""
    own = [b for b in range(256) if 33 <= b <= 126 or (161 <= b <= 255 and b != 173)]
    others = [b for b in range(256) if b not in own]
    return {**{b: chr(b) for b in own}, **{b: chr(256 + i) for i, b in enumerate(others)}}


def encode(text):
    """The prompt's ids, with the model's prefix and suffix."""
    tokenizer, generation = read_json("tokenizer.json"), read_json("generation_config.json")
    vocab = tokenizer["model"]["vocab"]
    rank = {tuple(pair): i for i, pair in enumerate(tokenizer["model"]["merges"])}
    characters = byte_characters()
    special = re.compile(r"<\|[^|]*\|>")

    def pieces(word):
        if word in vocab:
            return [word]
        parts = list(word)
        while len(parts) > 1:
            pairs = [rank.get(pair, len(rank)) for pair in zip(parts, parts[1:])]
            best = min(range(len(pairs)), key=pairs.__getitem__)
            if pairs[best] == len(rank):
                break
            parts[best : best + 2] = [parts[best] + parts[best + 1]]
        return parts

    pattern = tokenizer["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"]
    ids = [vocab[word] for word in special.findall(generation["prompt_prefix"])]
    for match in re.finditer(pattern, text):
        ids += [vocab[p] for p in pieces("".join(characters[b] for b in match[0].encode()))]
    return ids + [vocab[word] for word in special.findall(generation["prompt_suffix"])]


class Dream:
    """The forward pass of models/README.md."""

    def __init__(self, dtype):
        self.config = read_json("config.json")
        index = read_json("model.safetensors.index.json")["weight_map"]
        self.weight = {}
        for shard in sorted(set(index.values())):
            for name, value in load_file(os.path.join(MODEL, shard)).items():
                self.weight[name] = value.to(dtype)
        self.dtype = dtype

    def rope(self, length):
        dim = self.config["hidden_size"] // self.config["num_attention_heads"]
        power = torch.arange(0, dim, 2, dtype=torch.float32) / dim
        angle = torch.arange(length, dtype=torch.float32)[:, None] / self.config["rope_theta"] ** power
        angle = torch.cat([angle, angle], dim=1)
        return angle.cos().to(self.dtype), angle.sin().to(self.dtype)

    def norm(self, x, name):
        f = x.float()
        f = f * torch.rsqrt(f.pow(2).mean(-1, keepdim=True) + self.config["rms_norm_eps"])
        return f.to(self.dtype) * self.weight[name]

    def apply(self, x, name):
        return linear(x, self.weight[name + ".weight"], self.weight.get(name + ".bias"))

    def attend(self, x, prefix, rope):
        heads = self.config["num_attention_heads"], self.config["num_key_value_heads"]
        dim = x.shape[-1] // heads[0]
        q, k, v = (self.apply(x, f"{prefix}.{p}_proj").view(len(x), -1, dim).transpose(0, 1)
                   for p in "qkv")
        q, k = (y * rope[0] + torch.cat([-y[..., dim // 2 :], y[..., : dim // 2]], -1) * rope[1]
                for y in (q, k))
        k, v = (y.repeat_interleave(heads[0] // heads[1], dim=0) for y in (k, v))
        out = scaled_dot_product_attention(q[None], k[None], v[None])[0]
        return self.apply(out.transpose(0, 1).reshape(len(x), -1), f"{prefix}.o_proj")

    def logits(self, ids, first, rope):
        """Of the positions from `first` on: Dream reads them one position before."""
        x = embedding(ids, self.weight["model.embed_tokens.weight"])
        for i in range(self.config["num_hidden_layers"]):
            layer = f"model.layers.{i}"
            normed = self.norm(x, f"{layer}.input_layernorm.weight")
            x = x + self.attend(normed, f"{layer}.self_attn", rope)
            normed = self.norm(x, f"{layer}.post_attention_layernorm.weight")
            gate = silu(self.apply(normed, f"{layer}.mlp.gate_proj"))
            up = self.apply(normed, f"{layer}.mlp.up_proj")
            x = x + self.apply(gate * up, f"{layer}.mlp.down_proj")
        x = self.norm(x[first - 1 : -1], "model.norm.weight")
        return self.apply(x, "lm_head").float()


def denoise(model, prompt, length, steps):
    """The sampler low_confidence; returns the generated ids."""
    mask = model.config["mask_token_id"]
    ids = torch.tensor(prompt + [mask] * length)
    rope = model.rope(len(ids))
    for step in range(steps):
        confidence, best = model.logits(ids, len(prompt), rope).softmax(-1).max(-1)
        confidence[ids[len(prompt) :] != mask] = -1.0
        count = length // steps + (step < length % steps)
        chosen = confidence.sort(descending=True, stable=True).indices[:count]
        ids[len(prompt) + chosen] = best[chosen]
    return ids[len(prompt) :].tolist()


def run_ours(options, dtype, attention):
    command = [options.sparsed, "generate", "--model", MODEL, "--device", "cpu", "--json",
               "--example", options.example, "--gen-length", str(options.length),
               "--steps", str(options.steps), "--threads", str(options.threads),
               "--dtype", dtype, "--attention", attention]
    before = os.times()
    run = subprocess.run(command, check=False, capture_output=True, text=True)
    after = os.times()
    if run.returncode != 0:
        sys.exit(f"{options.sparsed} failed: {run.stderr.strip() or run.returncode}")
    result = json.loads(run.stdout)
    used = sum(after[2:4]) - sum(before[2:4])
    return result["tokens"], result["seconds"]["total"], used, result["seconds"]


def run_theirs(options, model, prompt):
    with torch.inference_mode():
        start, used = time.perf_counter(), time.process_time()
        tokens = denoise(model, prompt, options.length, options.steps)
        return tokens, time.perf_counter() - start, time.process_time() - used, {}


def answer(tokens):
    """The text's ids, up to the first end of text."""
    return tokens[: tokens.index(0)] if 0 in tokens else tokens


def report(runs, names):
    base = runs["torch f32 dense"][0][0]
    median = {name: [statistics.median(run[i] for run in runs[name]) for i in (1, 2)] for name in names}
    best = [min(median[name][i] for name in names if name.startswith("torch")) for i in (0, 1)]
    print(f"{'':22}{'seconds':>8}{'torch / it':>11}{'processor s':>12}{'torch / it':>11}  ids")
    for name in names:
        tokens, parts = runs[name][-1][0], runs[name][-1][3]
        same = "same" if tokens == base else "same answer" if answer(tokens) == answer(base) else "other"
        text = ", ".join(f"{key} {value:.2f}" for key, value in parts.items() if value and key != "total")
        cells = "".join(f"{m:{w}.2f}{b / m:11.2f}" for m, b, w in zip(median[name], best, (8, 12)))
        print(f"{name:22}{cells}  {same:12}{text}".rstrip())


def count(text):
    if not re.fullmatch("0*[1-9][0-9]*", text):
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 1 on")
    return int(text)


def program(text):
    if not os.path.isfile(text) or not os.access(text, os.X_OK):
        raise argparse.ArgumentTypeError(f"'{text}' is no program that can be run")
    return os.path.abspath(text)


def parse():
    p = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    p.add_argument("example", help="as for `sparsed generate --example`, e.g. kv_recall-4096")
    p.add_argument("--sparsed", type=program, metavar="FILE", help="the command (%(default)s)",
                   default=os.path.relpath(os.path.join(ROOT, "build", "release", "tools", "sparsed")))
    p.add_argument("--rounds", type=count, metavar="N", default=3, help="timed runs of each method (%(default)s)")
    p.add_argument("--threads", type=count, metavar="N", default=2, help="threads of both sides (%(default)s)")
    p.add_argument("--length", type=count, metavar="N", default=32, help="tokens to generate (%(default)s)")
    p.add_argument("--steps", type=count, metavar="N", default=32, help="denoising steps (%(default)s)")
    return p.parse_args()


def main():
    options = parse()
    prompt = encode(example_prompt(options.example))
    torch.set_num_threads(options.threads)
    theirs = {f"torch {name} dense": Dream(dtype)
              for name, dtype in (("f32", torch.float32), ("bf16", torch.bfloat16))}
    for model in theirs.values():
        run_theirs(argparse.Namespace(length=options.length, steps=1), model, prompt)
    runs = {name: [] for name in list(theirs) + [f"sparsed {d} {a}" for d, a in OURS]}
    for _ in range(options.rounds):
        for name, model in theirs.items():
            runs[name].append(run_theirs(options, model, prompt))
        for dtype, attention in OURS:
            runs[f"sparsed {dtype} {attention}"].append(run_ours(options, dtype, attention))
    print(f"{options.example}: {len(prompt)} + {options.length} tokens, {options.steps} steps, "
          f"{options.threads} threads, medians of {options.rounds}; PyTorch {torch.__version__}")
    report(runs, list(runs))


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 The sparsed authors
"""The two sides of attention_torch_gpu.py: ours in processes of its own, and PyTorch's.

Both are timed by the device's clock, behind work that keeps the GPU busy while the call is being
enqueued and that leaves nothing in its caches; all commands of a call count.
"""
import subprocess
from collections import namedtuple

import torch
import torch.nn.functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.attention.flex_attention import BlockMask, flex_attention

DEVICE = "cuda"
FLEX_BLOCK = 128
BUSY_BYTES = 256 << 20
BUSY_TURNS = 4  # PyTorch takes longer to enqueue a call than one of them lasts

# One attention layer of bf16.
Shape = namedtuple("Shape", "heads kv_heads head_dim length")


class Ours:
    """`sparsed bench --serve` for one shape. `failed` has the reason where it did not start."""

    def __init__(self, sparsed, device, shape, blocks, ratio, mode="upstream-dream", pattern="random",
                 kernel=None):
        options = {"--device": device, "--dtype": "bf16", "--mode": mode, "--pattern": pattern,
                   "--heads": shape.heads, "--kv-heads": shape.kv_heads, "--dim": shape.head_dim,
                   "--length": shape.length, "--block-size": blocks, "--select": ratio}
        if kernel:
            options["--kernel"] = kernel
        words = [str(x) for option in options.items() for x in option]
        self.kernel, self.density, self.scratch, self.failed = "-", 0.0, 0, None
        self.process = subprocess.Popen([sparsed, "bench", "--serve", *words], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE)

    def wait_until_ready(self):
        for line in self.process.stdout:
            if line.startswith("ready "):
                self.kernel, density, scratch = line.split()[1:]
                self.density, self.scratch = float(density), int(scratch)
                return
        self.failed = self.process.stderr.read().strip() or f"exit code {self.process.wait()}"

    def run(self, op):
        """Milliseconds."""
        self.process.stdin.write(op + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"ended in a run of {op}: {self.process.stderr.read().strip()}")
        return float(line)

    def close(self):
        try:
            self.process.stdin.close()
        except BrokenPipeError:  # it has ended already
            pass
        self.process.wait()


class Theirs:
    """PyTorch's tensors of one shape, and its functions over them."""

    compiled_flex = None  # one for all shapes; it compiles anew for each

    def __init__(self, shape):
        self.shape = shape
        self.grouped = shape.heads != shape.kv_heads
        generator = torch.Generator(DEVICE).manual_seed(1)
        self.q, self.k, self.v = (
            torch.randn((1, heads, shape.length, shape.head_dim), generator=generator, device=DEVICE,
                        dtype=torch.bfloat16)
            for heads in (shape.heads, shape.kv_heads, shape.kv_heads))

    def sdpa(self, backend):
        with sdpa_kernel(backend):
            return F.scaled_dot_product_attention(self.q, self.k, self.v, enable_gqa=self.grouped)

    def fa2(self):
        return self.sdpa(SDPBackend.FLASH_ATTENTION)

    def cudnn(self):
        return self.sdpa(SDPBackend.CUDNN_ATTENTION)

    def flex(self, mask):
        if Theirs.compiled_flex is None:
            Theirs.compiled_flex = torch.compile(flex_attention, dynamic=False)
        return Theirs.compiled_flex(self.q, self.k, self.v, block_mask=mask, enable_gqa=self.grouped)


def block_mask(kept):
    """FlexAttention's, of whole blocks alone. kept: [heads, query blocks, key blocks], boolean."""
    counts = kept.sum(-1, dtype=torch.int32)[None]
    # The kept blocks' indices first, rising.
    indices = kept.to(torch.int8).argsort(dim=-1, descending=True, stable=True).to(torch.int32)[None]
    none = torch.zeros_like(counts)
    return BlockMask.from_kv_blocks(none, torch.zeros_like(indices), counts, indices.contiguous(),
                                    BLOCK_SIZE=FLEX_BLOCK)


def random_blocks(shape, ratio):
    """As many random key blocks for each query block of each head; and the density."""
    blocks = shape.length // FLEX_BLOCK
    count = max(1, int(ratio * blocks + 0.5))
    generator = torch.Generator(DEVICE).manual_seed(2)
    draw = torch.rand((shape.heads, blocks, blocks), generator=generator, device=DEVICE)
    kept = torch.zeros(draw.shape, dtype=torch.bool, device=DEVICE)
    kept.scatter_(-1, draw.topk(count, dim=-1).indices, True)
    return kept, count / blocks


class GpuTimer:
    """Milliseconds of a function's work on the GPU."""

    def __init__(self):
        self.busy = torch.empty(BUSY_BYTES, dtype=torch.uint8, device=DEVICE)
        self.start, self.end = (torch.cuda.Event(enable_timing=True) for _ in range(2))

    def __call__(self, function):
        torch.cuda.synchronize()
        for _ in range(BUSY_TURNS):
            self.busy.zero_()
        self.start.record()
        function()
        self.end.record()
        self.end.synchronize()
        return self.start.elapsed_time(self.end)

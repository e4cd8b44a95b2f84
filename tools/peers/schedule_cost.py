# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 The sparsed authors
"""What a whole schedule takes, composed of the times of its steps.

Nothing is measured here. A layer of a step takes its attention and all the rest of the layer; the model
is LLaDA-8B's shape on one H100.
"""
LAYERS = 32
SKIP = 0.2
STEPS = (128, 1024)
# Per layer, on an H100, by rows: norms, projections and SwiGLU; the pattern of the public SparseD code,
# which it builds beside dense attention.
OTHER_MS = {4096: 2.6, 16384: 10.3, 65536: 45.2}
PUBLIC_BUILD_MS = {4096: 15.0, 16384: 194.0, 65536: 3181.0}


def count_steps(steps, skip=SKIP):
    """Of the schedule `upstream`: dense steps, dense steps with a build, sparse steps."""
    build_at = int(steps * skip) + 1
    if build_at >= steps - 1:
        return steps, 0, 0
    return build_at, 1, steps - build_at - 1


def seconds(steps, other_ms, dense_ms, build_ms, sparse_ms):
    """A SparseD run; build_ms: the attention of the step that builds, dense part included."""
    dense, build, sparse = count_steps(steps)
    attention_ms = dense * dense_ms + build * build_ms + sparse * sparse_ms
    return LAYERS * (attention_ms + steps * other_ms) * 1e-3


def dense_seconds(steps, other_ms, dense_ms):
    return LAYERS * steps * (dense_ms + other_ms) * 1e-3


def public_seconds(steps, length, fa2_ms, flex_ms):
    """The public code: FlashAttention-2, its own build, FlexAttention."""
    build_ms = fa2_ms + PUBLIC_BUILD_MS[length]
    return seconds(steps, OTHER_MS[length], fa2_ms, build_ms, flex_ms)

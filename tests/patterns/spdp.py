# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 The sparsed authors
"""A reader and a writer of pattern files, version 1, made from docs/pattern-format.md alone.

encode(meaning) gives a file's bytes, decode(bytes) its meaning, in the terms that README.md lists
under "The meaning of a file". Neither shares anything with the library, so that a misreading of the
page on either side shows. Needs the package `xxhash`.
"""
import math
import struct

import xxhash

MAGIC = b"\x89SPDP\r\n\x1a"
HEADER_BYTES, TABLE_RECORD_BYTES = 256, 192
MUST_FIXED = 1
MAY_SCORES, MAY_PARTIAL = 1, 2
PAPER, DREAM, LLADA, JOINT, WINDOW, STREAMING = 1, 2, 3, 4, 5, 6
FIXED, UPSTREAM, SCORED = (WINDOW, STREAMING), (DREAM, LLADA), (PAPER, DREAM, LLADA, JOINT)

HEADER_FIELDS = ("batch", "heads", "first_head", "model_heads", "model_layers", "q_len", "kv_len",
                 "q_start", "gen_len", "q_blocks", "k_blocks")
SELECTION_FIELDS = ("mode", "score_reduce", "flags", "always_first", "ratio", "score_scale",
                    "window", "sinks")
BATCH_FIELDS = ("key_start", "keys", "query_start", "queries", "query_position", "k_blocks",
                "split")
ATTENTION_FIELDS = ("dtype", "head_dim", "kv_heads", "score_heads")
TEXT_TAGS = {5: "schedule", 6: "creator", 7: "tag"}
FINGERPRINT_TAGS = {8: "model", 9: "prompt"}
DATA_SECTIONS = ("bits", "ratios", "scores", "generation_scores")
SCORE_FORMATS = {1: "f", 2: "e"}
SCORE_BYTES = {1: 4, 2: 2}


class NotAPattern(Exception):
    """Not a pattern file, cut short, or impossible values."""


class LaterVersion(Exception):
    """A later version, or something that must be understood and is not."""


class Damaged(Exception):
    """A checksum does not hold."""


def need(condition, text):
    if not condition:
        raise NotAPattern(text)


def filled(data, multiple):
    return data + bytes(-len(data) % multiple)


def ceil_div(a, b):
    return -(-a // b)


# ---- shared geometry ---------------------------------------------------------------------------

def row_words(meaning):
    return ceil_div(meaning["k_blocks"], 64)


def split_block(keys, block_k, gen_len):
    blocks = ceil_div(keys, block_k)
    return next((i for i in range(blocks) if keys - i * block_k <= gen_len), max(blocks - 1, 0))


def generation_blocks(meaning):
    return max(batch["k_blocks"] - batch["split"] for batch in meaning["batches"])


def own_q_blocks(meaning, batch):
    return ceil_div(batch["queries"], meaning["block_q"])


def each_row(meaning):
    return ((b, h, q) for b in range(meaning["batch"]) for h in range(meaning["heads"])
            for q in range(meaning["q_blocks"]))


# ---- writing -----------------------------------------------------------------------------------

class Sections:
    """Places sections one after the other, from the header's end on."""

    def __init__(self):
        self.offset = HEADER_BYTES
        self.bytes = b""

    def triple(self, data):
        """The (offset, size, checksum) that this section will have."""
        if not data:
            return (0, 0, 0)
        whole = filled(data, 64)
        triple = (self.offset, len(data), xxhash.xxh3_64_intdigest(whole))
        self.offset += len(whole)
        return triple

    def reserve(self, size):
        """Leaves room for a section whose bytes are not known yet."""
        self.offset += ceil_div(size, 64) * 64


def info_record(tag, must, payload):
    return filled(struct.pack("<IIQ", tag, int(must), len(payload)) + payload, 8)


def encode_info(meaning):
    selection = [meaning["selection"][name] for name in SELECTION_FIELDS]
    records = {
        1: info_record(1, True, struct.pack("<IIIIddQQ", *selection)),
        2: info_record(2, True, b"".join(
            struct.pack("<7Q", *(batch[name] for name in BATCH_FIELDS))
            for batch in meaning["batches"])),
    }
    if "attention" in meaning:
        attention = [meaning["attention"][name] for name in ATTENTION_FIELDS]
        records[3] = info_record(3, False, struct.pack("<IIIId", *attention, 0.0))
    if "run" in meaning:
        run = meaning["run"]
        records[4] = info_record(4, False, struct.pack("<IId", run["steps"], 0, run["skip"]))
    for tag, name in TEXT_TAGS.items():
        if name in meaning:
            records[tag] = info_record(tag, False, meaning[name].encode())
    for tag, name in FINGERPRINT_TAGS.items():
        if name in meaning:
            words = [int(word, 16) for word in meaning[name]]
            records[tag] = info_record(tag, False, struct.pack("<QQ", *words))
    for record in meaning.get("unknown_records", []):
        payload = bytes.fromhex(record["payload"])
        records[record["tag"]] = info_record(record["tag"], False, payload)
    return b"".join(records[tag] for tag in sorted(records))


def encode_bits(meaning, rows):
    words = []
    for b, h, q in each_row(meaning):
        row = [0] * row_words(meaning)
        for block in rows[b][h][q]:
            row[block // 64] |= 1 << block % 64
        words += row
    return struct.pack(f"<{len(words)}Q", *words)


def encode_scores(meaning, scores, dtype, columns):
    values = []
    for b, h, q in each_row(meaning):
        own = [math.nan if score is None else score for score in scores[b][h][q]]
        values += own + [0.0] * (columns - len(own))
    return struct.pack(f"<{len(values)}{SCORE_FORMATS[dtype]}", *values)


def encode_pattern(meaning, pattern):
    """The four data sections of a pattern."""
    dtype = pattern["score_dtype"]
    sections = dict.fromkeys(DATA_SECTIONS, b"")
    sections["bits"] = encode_bits(meaning, pattern["rows"])
    if "ratios" in pattern:
        sections["ratios"] = struct.pack(f"<{meaning['heads']}d", *pattern["ratios"])
    if dtype:
        sections["scores"] = encode_scores(meaning, pattern["scores"], dtype, meaning["k_blocks"])
    if "generation_scores" in pattern:
        sections["generation_scores"] = encode_scores(
            meaning, pattern["generation_scores"], dtype, generation_blocks(meaning))
    return [sections[name] for name in DATA_SECTIONS]


def encode(meaning):
    info, extra = encode_info(meaning), bytes.fromhex(meaning.get("extra", ""))
    table_size = TABLE_RECORD_BYTES * len(meaning["patterns"])
    sections = Sections()
    info_triple = sections.triple(info)
    table_offset = sections.offset
    sections.reserve(table_size)
    extra_triple = sections.triple(extra)

    table, data = b"", b""
    for pattern in meaning["patterns"]:
        parts = encode_pattern(meaning, pattern)
        triples = [number for part in parts for number in sections.triple(part)]
        table += struct.pack("<QQQdII12Q56x", pattern["layer"], pattern["step"],
                             pattern["kept_blocks"], pattern["ratio"], pattern["score_dtype"], 0,
                             *triples)
        data += b"".join(filled(part, 64) for part in parts)
    table_triple = (table_offset, table_size, xxhash.xxh3_64_intdigest(filled(table, 64)))

    header = MAGIC + struct.pack(
        "<IIQQQ9QQ11QII32x", 1, HEADER_BYTES, sections.offset, meaning["must_flags"],
        meaning["may_flags"], *info_triple, *table_triple, *extra_triple,
        len(meaning["patterns"]), *(meaning[name] for name in HEADER_FIELDS), meaning["block_q"],
        meaning["block_k"])
    header += struct.pack("<Q", xxhash.xxh3_64_intdigest(header))
    return header + filled(info, 64) + filled(table, 64) + filled(extra, 64) + data


# ---- reading -----------------------------------------------------------------------------------

class Reader:
    """Takes the sections of a file in their order, each verified."""

    def __init__(self, data):
        self.data = data
        self.end = HEADER_BYTES

    def section(self, name, triple):
        offset, size, checksum = triple
        if size == 0:
            need(offset == 0 and checksum == 0, f"{name}: size 0, but offset or checksum is not")
            return b""
        need(offset == self.end, f"{name}: offset {offset} is not {self.end}")
        need(size <= len(self.data) - offset, f"{name}: {size} bytes at {offset} pass the end")
        self.end = offset + ceil_div(size, 64) * 64
        whole = self.data[offset:self.end]
        need(len(whole) == self.end - offset, f"{name}: its filling passes the end")
        if xxhash.xxh3_64_intdigest(whole) != checksum:
            raise Damaged(name)
        need(not any(whole[size:]), f"{name}: its filling is not 0")
        return whole[:size]


def decode_header(data):
    need(data[:8] == MAGIC, "magic")
    need(len(data) >= 12, "shorter than a version")
    version, = struct.unpack_from("<I", data, 8)
    need(version != 0, "version 0")
    if version > 1:
        raise LaterVersion(f"version {version}")
    need(len(data) >= HEADER_BYTES, "shorter than its header")
    if xxhash.xxh3_64_intdigest(data[:248]) != struct.unpack_from("<Q", data, 248)[0]:
        raise Damaged("header")
    fields = struct.unpack_from("<IQQQ9QQ11QII32s", data, 12)
    header = {"header_size": fields[0], "file_size": fields[1], "must_flags": fields[2],
              "may_flags": fields[3], "info": fields[4:7], "table": fields[7:10],
              "extra": fields[10:13], "patterns": fields[13],
              **dict(zip(HEADER_FIELDS, fields[14:25])), "block_q": fields[25],
              "block_k": fields[26]}
    if header["must_flags"] & ~MUST_FIXED:
        raise LaterVersion(f"must flags {header['must_flags']:#x}")
    need(not any(fields[27]), "reserved bytes of the header")
    check_header(header)
    need(header["file_size"] == len(data), "file size")
    return header


def check_header(header):
    for name in ("batch", "heads", "model_heads"):
        need(1 <= header[name] <= 65536, name)
    need(header["header_size"] == HEADER_BYTES, "header size")
    need(header["first_head"] + header["heads"] <= header["model_heads"], "first head")
    need(header["model_layers"] <= 65536, "model layers")
    need(1 <= header["q_len"] <= header["kv_len"] <= 2**31 - 1, "q_len, kv_len")
    need(header["q_start"] + header["q_len"] <= header["kv_len"], "q_start")
    need(header["gen_len"] <= header["kv_len"], "gen_len")
    for name in ("block_q", "block_k"):
        need(header[name] in (16, 32, 64, 128), name)
    need(header["q_blocks"] == ceil_div(header["q_len"], header["block_q"]), "q_blocks")
    need(header["k_blocks"] == ceil_div(header["kv_len"], header["block_k"]), "k_blocks")
    need(1 <= header["patterns"] <= 2**24, "patterns")
    need(header["table"][1] == TABLE_RECORD_BYTES * header["patterns"], "table size")
    need(header["info"][1] > 0, "info size")


def decode_records(info):
    """The info section's payloads by tag, and each one's flags."""
    records, at, last = {}, 0, -1
    while at < len(info):
        need(at + 16 <= len(info), "info: cut record")
        tag, flags, size = struct.unpack_from("<IIQ", info, at)
        need(tag > last, f"info: tag {tag} after {last}")
        need(flags & ~1 == 0, f"info: flags of tag {tag}")
        need(size <= len(info) - at - 16, f"info: size of tag {tag}")
        end = at + 16 + ceil_div(size, 8) * 8
        need(end <= len(info), f"info: filling of tag {tag}")
        need(not any(info[at + 16 + size:end]), f"info: filling of tag {tag}")
        records[tag] = (flags, info[at + 16:at + 16 + size])
        at, last = end, tag
    return records


def decode_info(meaning, info):
    records = decode_records(info)
    for tag, (flags, _) in records.items():
        if tag > 9 and flags:
            raise LaterVersion(f"info: tag {tag}")
        need(tag > 9 or flags == (1 if tag <= 2 else 0), f"info: flags of tag {tag}")
    need(0 not in records, "info: tag 0")
    need(1 in records and 2 in records, "info: tags 1 and 2")
    payloads = {tag: payload for tag, (_, payload) in records.items()}
    sizes = {1: 48, 2: 56 * meaning["batch"], 3: 24, 4: 16, 8: 16, 9: 16}
    for tag, size in sizes.items():
        need(tag not in payloads or len(payloads[tag]) == size, f"info: size of tag {tag}")
    meaning["selection"] = dict(zip(SELECTION_FIELDS, struct.unpack("<IIIIddQQ", payloads[1])))
    meaning["batches"] = [dict(zip(BATCH_FIELDS, struct.unpack_from("<7Q", payloads[2], 56 * b)))
                          for b in range(meaning["batch"])]
    if 3 in payloads:
        fields = struct.unpack("<IIIIQ", payloads[3])
        need(fields[4] == 0, "attention: reserved")
        meaning["attention"] = dict(zip(ATTENTION_FIELDS, fields))
    if 4 in payloads:
        steps, reserved, skip = struct.unpack("<IId", payloads[4])
        need(reserved == 0, "run: reserved")
        meaning["run"] = {"steps": steps, "skip": skip}
    for tag, name in TEXT_TAGS.items():
        if tag in payloads:
            need(len(payloads[tag]) <= 4095 and 0 not in payloads[tag], name)
            try:
                meaning[name] = payloads[tag].decode()
            except UnicodeDecodeError as error:
                raise NotAPattern(f"{name}: not UTF-8") from error
    for tag, name in FINGERPRINT_TAGS.items():
        if tag in payloads:
            meaning[name] = [f"{word:016x}" for word in struct.unpack("<QQ", payloads[tag])]
    unknown = [{"tag": tag, "payload": payload.hex()} for tag, payload in payloads.items()
               if tag > 9]
    if unknown:
        meaning["unknown_records"] = unknown


def check_info(meaning):
    selection, fixed = meaning["selection"], meaning["selection"]["mode"] in FIXED
    mode, ratio, scale = selection["mode"], selection["ratio"], selection["score_scale"]
    need(mode <= STREAMING, "mode")
    need(bool(meaning["must_flags"] & MUST_FIXED) == fixed, "must flag `fixed`")
    need(selection["score_reduce"] <= 1, "score_reduce")
    need(selection["flags"] <= 7, "flags")
    need(0 < ratio <= 1 or (ratio == 0 and mode not in SCORED), "ratio")
    need(math.isfinite(scale) and scale >= 0, "score_scale")
    need(fixed or selection["window"] == 0, "window")
    need(mode == STREAMING or selection["sinks"] == 0, "sinks")
    for batch in meaning["batches"]:
        need(batch["key_start"] + batch["keys"] <= meaning["kv_len"], "keys")
        need(batch["query_start"] + batch["queries"] <= meaning["q_len"], "queries")
        need(batch["query_position"] + batch["queries"] <= batch["keys"], "query_position")
        need(batch["k_blocks"] == ceil_div(batch["keys"], meaning["block_k"]), "k_blocks")
        need(batch["split"] == split_block(batch["keys"], meaning["block_k"], meaning["gen_len"]),
             "split")
    if "attention" in meaning:
        check_attention(meaning, meaning["attention"])
    if "run" in meaning:
        need(meaning["run"]["steps"] <= 2**20, "steps")
        need(0 <= meaning["run"]["skip"] <= 1, "skip")


def check_attention(meaning, attention):
    need(attention["dtype"] <= 3, "dtype")
    need(attention["head_dim"] <= 256 and attention["head_dim"] % 8 == 0, "head_dim")
    need(not attention["kv_heads"] or meaning["heads"] % attention["kv_heads"] == 0, "kv_heads")


def decode_table(meaning, table):
    records, last = [], (-1, -1)
    for at in range(0, len(table), TABLE_RECORD_BYTES):
        layer, step, kept, ratio, dtype, reserved, *triples, tail = struct.unpack_from(
            "<QQQdII12Q56s", table, at)
        need((step, layer) > last, "table: order")
        last = (step, layer)
        need(layer < (meaning["model_layers"] or 65536), "table: layer")
        need(step < 2**20, "table: step")
        need(dtype <= 2, "table: type of the scores")
        need(reserved == 0 and not any(tail), "table: reserved")
        need(dtype == 0 or meaning["selection"]["mode"] in SCORED, "table: scores of the mode")
        need(0 < ratio <= 1 or (ratio == 0 and meaning["selection"]["mode"] not in SCORED),
             "table: ratio")
        records.append(({"layer": layer, "step": step, "kept_blocks": kept, "ratio": ratio,
                         "score_dtype": dtype},
                        [tuple(triples[3 * i:3 * i + 3]) for i in range(4)]))
    scores = any(pattern["score_dtype"] for pattern, _ in records)
    need(bool(meaning["may_flags"] & MAY_SCORES) == scores, "may flag `scores`")
    layers_of = {}
    for pattern, _ in records:
        layers_of.setdefault(pattern["step"], []).append(pattern["layer"])
    partial = any(len(layers) < meaning["model_layers"] for layers in layers_of.values())
    need(bool(meaning["may_flags"] & MAY_PARTIAL) == partial, "may flag `partial`")
    return records


def decode_bits(meaning, data):
    rows = [[[None] * meaning["q_blocks"] for _ in range(meaning["heads"])]
            for _ in range(meaning["batch"])]
    words = row_words(meaning)
    for index, (b, h, q) in enumerate(each_row(meaning)):
        row = struct.unpack_from(f"<{words}Q", data, index * words * 8)
        kept = [64 * word + bit for word in range(words) for bit in range(64)
                if row[word] >> bit & 1]
        batch = meaning["batches"][b]
        need(q < own_q_blocks(meaning, batch) or not kept, "bits: a row past the batch's own")
        need(not kept or kept[-1] < batch["k_blocks"], "bits: a block past the batch's own")
        rows[b][h][q] = kept
    return rows


def decode_scores(meaning, data, dtype, columns, own_columns):
    rows = [[[None] * meaning["q_blocks"] for _ in range(meaning["heads"])]
            for _ in range(meaning["batch"])]
    size = columns * SCORE_BYTES[dtype]
    for index, (b, h, q) in enumerate(each_row(meaning)):
        batch = meaning["batches"][b]
        own = own_columns(batch) if q < own_q_blocks(meaning, batch) else 0
        stored = data[index * size:(index + 1) * size]
        need(not any(stored[own * SCORE_BYTES[dtype]:]), "scores: not 0 past the batch's own")
        values = struct.unpack(f"<{columns}{SCORE_FORMATS[dtype]}", stored)[:own]
        rows[b][h][q] = [None if math.isnan(value) else value for value in values]
    return rows


def decode_pattern(meaning, pattern, sections):
    rows = meaning["batch"] * meaning["heads"] * meaning["q_blocks"]
    dtype, columns = pattern["score_dtype"], generation_blocks(meaning)
    upstream = meaning["selection"]["mode"] in UPSTREAM
    sizes = (rows * row_words(meaning) * 8,
             8 * meaning["heads"] if sections[1] else 0,
             rows * meaning["k_blocks"] * SCORE_BYTES.get(dtype, 0),
             rows * columns * SCORE_BYTES.get(dtype, 0) if upstream else 0)
    for name, section, size in zip(DATA_SECTIONS, sections, sizes):
        need(len(section) == size, f"{name}: {len(section)} bytes, not {size}")
    pattern["rows"] = decode_bits(meaning, sections[0])
    kept = sum(len(row) for heads in pattern["rows"] for head in heads for row in head)
    need(kept == pattern["kept_blocks"], "kept blocks")
    if sections[1]:
        pattern["ratios"] = list(struct.unpack(f"<{meaning['heads']}d", sections[1]))
        need(all(0 < ratio <= 1 for ratio in pattern["ratios"]), "ratios")
    if dtype:
        pattern["scores"] = decode_scores(meaning, sections[2], dtype, meaning["k_blocks"],
                                          lambda batch: batch["k_blocks"])
    if dtype and upstream:
        pattern["generation_scores"] = decode_scores(
            meaning, sections[3], dtype, columns, lambda batch: batch["k_blocks"] - batch["split"])


def decode(data):
    header = decode_header(data)
    meaning = {name: header[name] for name in ("must_flags", "may_flags", *HEADER_FIELDS,
                                               "block_q", "block_k")}
    reader = Reader(data)
    decode_info(meaning, reader.section("info", header["info"]))
    check_info(meaning)
    records = decode_table(meaning, reader.section("table", header["table"]))
    extra = reader.section("extra", header["extra"])
    if extra:
        meaning["extra"] = extra.hex()
    meaning["patterns"] = []
    for pattern, triples in records:
        sections = [reader.section(name, triple) for name, triple in zip(DATA_SECTIONS, triples)]
        decode_pattern(meaning, pattern, sections)
        meaning["patterns"].append(pattern)
    need(reader.end == len(data), "bytes after the last section")
    return meaning

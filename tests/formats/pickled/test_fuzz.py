"""Damaged pickles: a right answer or an error of ours, quickly, in little memory.

``CHAINER_FT_FUZZ`` is how many inputs to try in all; 100,000 take a quarter of a minute.
"""

from __future__ import annotations

import os
import pickle
import random
import time
from pathlib import Path

import assembler as asm
import hostile
import numpy as np
import pytest
from limits import memory_below

from chainer_ft.errors import ChainerFTError
from chainer_ft.formats.pickled.loader import detect, open_pickle
from chainer_ft.formats.pickled.source import PickleSource

TESTS = 8
COUNT = int(os.environ.get("CHAINER_FT_FUZZ", "100000")) // TESTS
SECONDS = 2.0
LARGEST_SEED = 2200
# What a listing may cost beyond the file: entries and their names, never arrays that are not
# there. The window of xz alone has 8 MiB.
TIMES, BYTES_MORE = 50, 10 << 20
OPCODES = b"(012FIJKLMNPQRSTUVXBCGabc}eghjil]opqrst)u." + bytes(range(0x80, 0x99))
LIES = [
    *(n.to_bytes(size, "little") for size in (4, 8) for n in (0, 1, 255, 1 << 31, (1 << 32) - 1)),
    *(b"\xff" * 8, (1 << 62).to_bytes(8, "little"), b"99999999999\n", b"-1\n", b"\n", b"\x00"),
]


def own_seeds() -> list[bytes]:
    """Models that need no folder of real files: every way to write bytes, and the corpus."""
    values = {"W": np.arange(6, dtype=">f8").reshape(2, 3), "b": np.arange(3, dtype="i2")}
    values["columns"] = np.asfortranarray(np.arange(6, dtype="f4").reshape(2, 3))
    values["mixed"] = np.zeros(2, [("a", "i4"), ("b", "S3")])
    plain = [pickle.dumps(values, protocol) for protocol in range(6)]
    state = {"_params": asm.names("W"), "W": asm.parameter(asm.array())}
    inner = asm.link(**state, _persistent=asm.names("N"), N=asm.integer(3))
    nested = asm.proto(2) + asm.link(_children=asm.names("a", "b"), a=inner, b=inner) + asm.STOP
    corpus = {**hostile.armed("no_such_canary"), **hostile.planted("no_such_canary")}
    return [*plain, nested, asm.model(asm.array()), *corpus.values()]


def real_seeds(shared: Path) -> list[bytes]:
    """Small pickles of every Chainer, Python and protocol."""
    files = sorted((shared / "legacy").glob("*/*.pkl"))
    return [f.read_bytes() for f in files if 0 < f.stat().st_size <= LARGEST_SEED]


def mutated(seed: bytes, other: bytes, rng: random.Random) -> bytes:
    """One to three of: an end cut off, bits flipped, opcodes or lengths swapped, files spliced."""
    data = bytearray(seed)
    for _ in range(rng.choice((1, 1, 2, 3))):
        at = rng.randrange(len(data)) if data else 0
        kind = rng.randrange(7)
        if kind == 0:
            del data[at:]
        elif kind == 1 and data:
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 2:
            data[at : at + 1] = bytes([rng.choice(OPCODES)])
        elif kind == 3:
            data[at:at] = bytes([rng.choice(OPCODES)])
        elif kind == 4:
            lie = rng.choice(LIES)
            data[at : at + rng.choice((0, len(lie)))] = lie
        elif kind == 5:
            start = rng.randrange(len(other) or 1)
            data[at:] = other[start:]
        else:
            start = rng.randrange(len(data) or 1)
            data[at:at] = data[start : start + rng.randrange(1, 60)]
    return bytes(data)


def answer(path: Path) -> bool:
    """Open, and read every entry; any exception but ours is a failure."""
    try:
        source = open_pickle(str(path))
    except ChainerFTError as error:
        assert str(path) in str(error)
        return False
    assert isinstance(source, PickleSource)
    with source:
        for entry in source.listing:
            try:
                array = source.read(entry.path)
                pieces = list(source.blocks(entry.path)) if array.size < 100 else []
            except ChainerFTError as error:
                assert entry.path in str(error)
                continue
            assert (array.shape, array.dtype) == (entry.shape, entry.dtype)
            assert not pieces or sum(piece.size for piece in pieces) == array.size
        assert all(line.isprintable() for line in (*source.notes, *source.details))
        return bool(source.listing.paths)


def measured(path: Path, size: int) -> bool:
    """An answer, and how much memory it took; measuring is slow, so this is done now and then."""
    with memory_below(TIMES * size + BYTES_MORE):
        return answer(path)


def run(seeds: list[bytes], path: Path, salt: int) -> float:
    """Try ``COUNT`` damaged files; returns the share that gave an answer."""
    answers = 0
    for number in range(COUNT):
        rng = random.Random(f"{salt} {number}")
        data = mutated(rng.choice(seeds), rng.choice(seeds), rng)
        path.write_bytes(data)
        start = time.process_time()
        detect(data[:4096], str(path))
        answers += measured(path, len(data)) if number % 100 == 0 else answer(path)
        assert time.process_time() - start < SECONDS, number
    return answers / max(COUNT, 1)


@pytest.mark.parametrize("salt", range(TESTS // 2))
def test_damaged_pickles_of_our_own(scratch: Path, salt: int) -> None:
    assert 0.001 < run(own_seeds(), scratch, salt) < 0.9


@pytest.mark.parametrize("salt", range(TESTS // 2))
def test_damaged_pickles_of_real_chainer(shared: Path, scratch: Path, salt: int) -> None:
    seeds = real_seeds(shared)
    assert len(seeds) > 50
    assert 0.05 < run(seeds, scratch, salt) < 0.9


def test_every_truncation(scratch: Path) -> None:
    """No cut of a model is taken for the model, nor for half of it."""
    whole = asm.model(asm.array())
    for end in range(len(whole)):
        scratch.write_bytes(whole[:end])
        assert not answer(scratch), end
    scratch.write_bytes(whole)
    assert answer(scratch)

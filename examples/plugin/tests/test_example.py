"""The plugin against the rules of chainer_ft, and in use."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from chainer_ft_example import plugin
from chainer_ft_example.suffix import POLICY
from chainer_ft_example.weights import LOADER, MAGIC, SAVER

import chainer_ft as ft
from chainer_ft.errors import FormatError
from chainer_ft.host import Host
from chainer_ft.testing import ArraySource, check_loader, check_policy, check_saver

WEIGHTS = np.arange(6, dtype="f4").reshape(2, 3)


@pytest.fixture
def host(chainer_ft_host: Host) -> Host:
    chainer_ft_host.register(plugin, "example")
    return chainer_ft_host


def test_the_saver_and_the_loader_keep_the_rules(tmp_path: Path) -> None:
    check_saver(SAVER, tmp_path, LOADER)
    check_loader(LOADER, next(tmp_path.glob("weights-*.weights")))


def test_the_policy_keeps_the_rules() -> None:
    check_policy(POLICY)


def test_copy_from_a_weights_file(host: Host, tmp_path: Path) -> None:
    ft.save(tmp_path / "a.weights", ArraySource({"/old/fc/W": WEIGHTS}))
    ft.save(tmp_path / "b.npz", ArraySource({"/new/net/fc/W": WEIGHTS * 0}))
    outcome = ft.copy(tmp_path / "a.weights", tmp_path / "b.npz", policy="suffix")
    assert outcome.coverage == 1.0
    with ft.open(tmp_path / "b.npz") as source:
        np.testing.assert_array_equal(source.read("/new/net/fc/W"), WEIGHTS)


def test_links_of_one_name_are_left_alone(host: Host) -> None:
    twins = ArraySource({"/a/fc/W": WEIGHTS, "/b/fc/W": WEIGHTS})
    plan = ft.plan(twins, ArraySource({"/fc/W": WEIGHTS}), policy="suffix", out="unused.npz")
    assert plan.ambiguous[0].reason == "2 and 1 links are called fc"


def test_a_link_of_another_size_is_not_copied_by_half(host: Host) -> None:
    ours = ArraySource({"/fc/W": np.zeros((5, 3), "f4"), "/fc/b": np.zeros(2, "f4")})
    theirs = ArraySource({"/fc/W": WEIGHTS, "/fc/b": np.zeros(2, "f4")})
    plan = ft.plan(theirs, ours, policy="suffix", out="unused.npz")
    assert (plan.pairs, plan.missing) == ((), ("/fc/b",))
    assert plan.incorrect_shapes[0].target_shape == (5, 3)


@pytest.mark.parametrize("header", [b"[1]", b"{", b'{"W": 3}', b'{"W": [-1]}', b'{"W": [1]}'])
def test_a_damaged_file_is_named(header: bytes, tmp_path: Path) -> None:
    file = tmp_path / "damaged.weights"
    file.write_bytes(MAGIC + len(header).to_bytes(4, "little") + header)
    with pytest.raises(FormatError, match=r"damaged\.weights"):
        LOADER.open(str(file))


def test_only_float32_can_be_saved(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="/W is float64"):
        SAVER.save(str(tmp_path / "a.weights"), ArraySource({"/W": np.zeros(2)}))

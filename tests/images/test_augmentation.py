"""What is random depends on seed, epoch and image, and on nothing else."""

from __future__ import annotations

import numpy as np
import pytest
import torture
from hypothesis import given
from hypothesis import strategies as st

from chainer_ft.errors import UsageError
from chainer_ft.images import Augmentation
from chainer_ft.images.augmentation import Draw

SIZES = st.tuples(st.integers(1, 4000), st.integers(1, 4000))
SHARES = st.tuples(st.floats(0.01, 1), st.floats(0.01, 1)).map(lambda pair: tuple(sorted(pair)))


class TestDraw:
    @given(SIZES, st.floats(0.1, 10), SHARES, st.integers(0, 1000))
    def test_the_part_lies_within_and_is_no_larger_than_allowed(
        self, size: tuple[int, int], across: float, area: tuple[float, float], index: int
    ) -> None:
        drawn = Augmentation(area=area).draw(size, across, seed=0, epoch=1, index=index)
        left, top, right, bottom = drawn.box
        assert 0 <= left < right <= size[0] and 0 <= top < bottom <= size[1]
        share = (right - left) * (bottom - top) / (size[0] * size[1])
        assert share <= area[1] * (1 + 1e-9)

    def test_shares_and_shapes_spread_over_their_ranges(self) -> None:
        own = Augmentation(area=(0.1, 0.4), aspect=(0.5, 2.0))
        boxes = np.array(
            [own.draw((100, 100), 1.0, seed=0, epoch=0, index=n).box for n in range(2000)]
        )
        width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
        share, aspect = width * height / 1e4, width / height
        assert share.min() < 0.105 and share.max() > 0.395
        assert abs(share.mean() - 0.25) < 0.01
        assert aspect.min() < 0.51 and aspect.max() > 1.96
        assert abs(np.log(aspect).mean()) < 0.05

    @pytest.mark.parametrize("flip", [0.0, 0.3, 1.0])
    def test_flips_as_often_as_asked(self, flip: float) -> None:
        own = Augmentation(flip=flip)
        flips = [own.draw((9, 9), 1, seed=0, epoch=0, index=n).flip for n in range(2000)]
        assert np.mean(flips) == pytest.approx(flip, abs=0.04)

    def test_seed_epoch_and_index_each_change_it(self) -> None:
        def draw(**at: int) -> Draw:
            return Augmentation().draw((50, 50), 1, **{"seed": 1, "epoch": 2, "index": 3, **at})

        assert draw() == draw()
        assert len({draw(), draw(seed=2), draw(epoch=1), draw(index=2)}) == 4

    def test_without_flips_the_crops_stay(self) -> None:
        both = [Augmentation(flip=flip, brightness=0) for flip in (0.0, 1.0)]
        boxes = [one.draw((50, 50), 1, seed=0, epoch=0, index=0).box for one in both]
        assert boxes[0] == boxes[1]


class TestApply:
    BOX = (0, 0, torture.WIDE, torture.HIGH)

    def test_nothing_drawn_changes_nothing(self) -> None:
        image = torture.plain()
        assert Draw(self.BOX, False, 1, 1, 1).apply(image) is image

    def test_flip(self) -> None:
        made = np.asarray(Draw(self.BOX, True, 1, 1, 1).apply(torture.plain()))
        np.testing.assert_array_equal(made, torture.pattern()[:, ::-1])

    @pytest.mark.parametrize("factors", [(0.8, 1, 1), (1, 0.5, 1), (1, 1, 0), (1.1, 0.9, 0.7)])
    def test_colours_one_after_the_other(self, factors: tuple[float, float, float]) -> None:
        """Brightness, then contrast about the mean, then saturation about each pixel's grey."""
        luma = np.array([0.299, 0.587, 0.114])
        values = torture.pattern() * factors[0]
        mean = (values @ luma).mean()
        values = mean + (values - mean) * factors[1]
        grey = (values @ luma)[..., None]
        wanted = np.clip(grey + (values - grey) * factors[2], 0, 255)
        made = np.asarray(Draw(self.BOX, False, *factors).apply(torture.plain()))
        assert np.abs(made - wanted).max() <= 1


@pytest.mark.parametrize(
    "wrong",
    [{"area": (0, 1)}, {"area": (0.5, 0.4)}, {"aspect": (2, 1)}, {"flip": 2}, {"contrast": -1}],
)
def test_what_makes_no_sense(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=f"augmentation: {next(iter(wrong))}="):
        Augmentation(**wrong)

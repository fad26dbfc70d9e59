"""Preprocessing as a contract: applied, kept, checked."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torture
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from chainer_ft.errors import FormatError, UsageError
from chainer_ft.images import Picture, Preprocessing, find
from chainer_ft.images.preprocessing import FILTERS
from chainer_ft.images.presets import PRESETS
from chainer_ft.images.statistics import Statistics

SIZE = (torture.HIGH, torture.WIDE)
FINITE = st.floats(0.125, 300, width=32)


class TestApply:
    @pytest.mark.parametrize("interpolation", FILTERS)
    def test_at_its_own_size_pixels_stay_what_they_are(self, interpolation: str) -> None:
        own = Preprocessing(SIZE, scale=1, interpolation=interpolation)
        made = own.apply(torture.pattern())
        assert made.dtype == np.float32 and made.flags.c_contiguous
        np.testing.assert_array_equal(made, torture.pattern().transpose(2, 0, 1))

    def test_mean_and_scale_as_caffe_computes_them(self) -> None:
        """To the bit: the mean is subtracted first, in float32."""
        mean, scale = (104.00699, 116.66877, 122.67892), 0.017
        own = Preprocessing(SIZE, "BGR", scale=scale, mean=mean)
        pixels = torture.pattern()[..., ::-1].transpose(2, 0, 1).astype(np.float32)
        wanted = (pixels - np.array(mean, np.float32)[:, None, None]) * np.float32(scale)
        np.testing.assert_array_equal(own.apply(torture.pattern()), wanted)

    def test_as_torchvision_does(self) -> None:
        own = Preprocessing.named("torch", SIZE)
        mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
        wanted = ((torture.pattern() / 255 - mean) / std).transpose(2, 0, 1)
        np.testing.assert_allclose(
            replace(own, crop=1.0).apply(torture.pattern()), wanted, atol=1e-5
        )

    def test_grey_is_what_pillow_calls_grey(self) -> None:
        pixels = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), np.uint8)
        made = Preprocessing(SIZE, "L", scale=1).apply(pixels)
        wanted = np.asarray(Image.fromarray(pixels).convert("L"))
        assert made.shape == (1, *SIZE)
        assert np.abs(made[0] - wanted).max() <= 1

    def test_a_mean_image(self) -> None:
        mean = np.arange(3 * 2 * 2, dtype=np.float32)
        own = Preprocessing((2, 2), scale=1, mean=tuple(mean.tolist()))
        made = own.apply(np.full((2, 2, 3), 100, np.uint8))
        np.testing.assert_array_equal(made, 100 - mean.reshape(3, 2, 2))

    @pytest.mark.parametrize("squash", [False, True])
    def test_the_middle_is_cut_out_or_all_is_squeezed(self, squash: bool) -> None:
        """The image is red at the left, blue at the right; in the middle eighth it is both."""
        large = np.repeat(np.repeat(torture.pattern(), 10, axis=0), 10, axis=1)
        made = Preprocessing((8, 8), scale=1, squash=squash, crop=0.5).apply(large)
        red = made[:, 4, 0]
        np.testing.assert_allclose(red, torture.COLOURS["left"], atol=1)
        own = Preprocessing((8, 8), squash=squash, crop=0.5)
        left, top, right, bottom = own.window((240, 160))
        assert (right - left) / (bottom - top) == pytest.approx(1.5 if squash else 1)
        assert left + right == pytest.approx(240) and top + bottom == pytest.approx(160)

    @given(
        st.tuples(st.integers(1, 500), st.integers(1, 500)),
        st.tuples(st.integers(1, 500), st.integers(1, 500)),
        st.floats(0.01, 1),
        st.booleans(),
    )
    def test_the_window_lies_within(
        self, size: tuple[int, int], wanted: tuple[int, int], crop: float, squash: bool
    ) -> None:
        own = Preprocessing(wanted, crop=crop, squash=squash)
        left, top, right, bottom = own.window(size)
        assert -1e-6 <= left < right <= size[0] + 1e-6
        assert -1e-6 <= top < bottom <= size[1] + 1e-6

    def test_one_pixel(self) -> None:
        made = Preprocessing((7, 5), scale=1).apply(np.full((1, 1, 3), 9, np.uint8))
        np.testing.assert_array_equal(made, np.full((3, 7, 5), 9))

    def test_a_picture_and_its_array(self, tmp_path: Path) -> None:
        own = Preprocessing((9, 9), "BGR")
        picture = Picture.of(torture.pattern(), "pattern")
        np.testing.assert_array_equal(own.apply(picture), own.apply(torture.pattern()))


class TestContract:
    @pytest.mark.parametrize("name", PRESETS)
    def test_through_json(self, name: str) -> None:
        own = replace(
            Preprocessing.named(name, (10, 12)), statistics=Statistics((1.0,), (2.0,)), crop=0.9
        )
        assert Preprocessing.from_dict(json.loads(json.dumps(own.to_dict()))) == own

    @given(st.lists(FINITE, min_size=12, max_size=12))
    def test_a_mean_image_through_json(self, mean: list[float]) -> None:
        own = Preprocessing((2, 2), mean=tuple(mean))
        assert Preprocessing.from_dict(json.loads(json.dumps(own.to_dict()))) == own

    def test_a_large_mean_is_written_short(self) -> None:
        own = Preprocessing(
            (64, 64), mean=tuple(np.linspace(90, 130, 3 * 64 * 64, dtype="f4").tolist())
        )
        text = json.dumps(own.to_dict())
        assert len(text) < 5.5 * 3 * 64 * 64
        assert Preprocessing.from_dict(json.loads(text)) == own

    @pytest.mark.parametrize(
        "change",
        [
            {"size": (0, 4)}, {"channels": "GBR"}, {"mean": (1.0, 2.0)}, {"std": (0.0,)},
            {"scale": 0}, {"crop": 1.1}, {"interpolation": "area"}, {"mean": ()},
        ],
    )  # fmt: skip
    def test_what_does_not_fit(self, change: dict[str, object]) -> None:
        with pytest.raises(UsageError, match=f"preprocessing: .*{next(iter(change))}"):
            Preprocessing(**{"size": (4, 4), **change})

    @pytest.mark.parametrize(
        "data", [{}, {"size": 3}, {"size": [2, 2], "colour": 1}, {"size": [2]}]
    )
    def test_what_is_none(self, data: dict[str, object]) -> None:
        with pytest.raises(FormatError, match="this is no preprocessing"):
            Preprocessing.from_dict(data)

    def test_an_unknown_family(self) -> None:
        with pytest.raises(UsageError, match="choose of chainer, caffe, torch, tf"):
            Preprocessing.named("keras", (2, 2))


@pytest.fixture(scope="module")
def photographs(shared: Path) -> list[np.ndarray]:
    """Fifty hands, 100x100."""
    images = find(shared / "data/datasets/sign_language_digits", per_class=5, verify=False)
    opened = [images.open(item) for item in images.train]
    return [picture.pixels() for picture in opened if picture.size == (100, 100)]


class TestCheck:
    def said(self, own: Preprocessing, photographs: list[np.ndarray]) -> str | None:
        return own.check(Statistics.of(np.stack([own.apply(pixels) for pixels in photographs])))

    @pytest.mark.parametrize("name", PRESETS)
    def test_photographs_fit_every_usual_preparation(
        self, photographs: list[np.ndarray], name: str
    ) -> None:
        assert self.said(Preprocessing.named(name, (32, 32)), photographs) is None

    @pytest.mark.parametrize("channels", ["RGB", "BGR"])
    def test_a_mean_in_the_other_order(self, photographs: list[np.ndarray], channels: str) -> None:
        own = Preprocessing.named("caffe", (32, 32))
        mean = own.mean if channels == "RGB" else own.mean[::-1]
        said = self.said(replace(own, channels=channels, mean=mean), photographs)
        assert said is not None and f"channel order {channels[::-1]} better" in said

    @pytest.mark.parametrize(
        ("scale", "mean", "std", "word"),
        [
            (1.0, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), "pixels divided by 255"),
            (1 / 255, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), "a mean times 255"),
            (1 / 255, (0.5,), (1.0,), "a mean times 255"),
            (1.0, (0.5,), (0.5,), "pixels divided by 255"),
        ],
    )
    def test_numbers_of_pixels_from_0_to_1(
        self,
        photographs: list[np.ndarray],
        scale: float,
        mean: tuple[float, ...],
        std: tuple[float, ...],
        word: str,
    ) -> None:
        own = Preprocessing((32, 32), scale=scale, mean=mean, std=std)
        said = self.said(own, photographs)
        assert said is not None and f"fit {word} better" in said

    def test_images_of_0_and_1(self, photographs: list[np.ndarray]) -> None:
        dark = [(pixels > 127).astype(np.uint8) for pixels in photographs]
        said = self.said(Preprocessing.named("torch", (32, 32)), dark)
        assert said is not None and "pixels times 255" in said

    def test_dark_and_bright_images_fit(self, photographs: list[np.ndarray]) -> None:
        for change in (lambda p: p // 6, lambda p: 255 - p // 6):
            changed = [change(pixels) for pixels in photographs]
            assert self.said(Preprocessing.named("torch", (32, 32)), changed) is None

    def test_against_what_the_weights_were_trained_on(self, photographs: list[np.ndarray]) -> None:
        own = Preprocessing((32, 32), "BGR", scale=1 / 255)
        seen = Statistics.of(np.stack([own.apply(pixels) for pixels in photographs]))
        kept = replace(own, statistics=seen)
        assert self.said(kept, photographs) is None
        said = self.said(replace(kept, scale=1.0), photographs)
        assert said is not None and f"set scale to {1 / 255:g}" in said
        said = self.said(replace(kept, channels="RGB"), photographs)
        assert said is not None and "channel order BGR better" in said

    def test_without_a_mean_nothing_is_known(self, photographs: list[np.ndarray]) -> None:
        assert self.said(Preprocessing((32, 32), "BGR", scale=7), photographs) is None

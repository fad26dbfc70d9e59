"""Images are found in folders, tables, lists, arrays and databases; what is odd is said."""

from __future__ import annotations

import os
import shutil
import unicodedata
from pathlib import Path

import numpy as np
import pytest
import torture
from hypothesis import given
from hypothesis import strategies as st
from makers import make_lmdb
from PIL import Image
from test_atomic import open_folder, unprivileged  # noqa: F401

from chainer_ft.caffe.data.datum import make_datum
from chainer_ft.errors import FormatError, UsageError
from chainer_ft.images import Images, find
from chainer_ft.images.items import Named
from chainer_ft.images.split import split


def keys(images: Images, part: str) -> list[tuple[str, str]]:
    return [(item.key, images.classes[item.label]) for item in getattr(images, part)]


class TestFolder:
    def test_real_photographs(self, shared: Path) -> None:
        images = find(shared / "data/datasets/sign_language_digits")
        assert images.classes == tuple("0123456789")
        assert len(images.train) + len(images.val) == 2062
        assert not images.broken and not images.notes
        assert all(41 <= val <= 42 for _, val in images.counts().values())
        assert all(key.split("/")[0] == name for key, name in keys(images, "train"))

    def test_train_and_val(self, folder: Path) -> None:
        for part in ("Train", "VAL"):
            (folder / part).mkdir()
            for name in ("left", "right"):
                shutil.copytree(folder / name, folder / part / name)
        images = find(folder)
        assert len(images.train) == len(images.val) == 20
        assert {key.split("/")[0] for key, _ in keys(images, "val")} == {"VAL"}
        assert images.notes[0] == "left, right/ beside Train/ is not used"

    def test_a_class_of_trains(self, folder: Path) -> None:
        (folder / "left").rename(folder / "train")
        images = find(folder)
        assert images.classes == ("right", "train")
        assert images.counts() == {"right": (8, 2), "train": (8, 2)}
        assert images.notes == ()

    def test_a_long_list_of_broken_images_is_cut(self, folder: Path) -> None:
        for number in range(30):
            (folder / "left" / f"broken{number:02}.jpg").write_bytes(b"")
        images = find(folder)
        text = str(images)
        assert len(images.broken) == 30 and "broken19.jpg" in text
        assert "broken20.jpg" not in text and "  and 10 more" in text

    def test_train_alone_is_split(self, folder: Path) -> None:
        (folder / "train").mkdir()
        for name in ("left", "right"):
            (folder / name).rename(folder / "train" / name)
        images = find(folder, val=0.5)
        assert len(images.train) == len(images.val) == 10
        assert images.notes == ("train/ is split: there is no val/ beside it",)

    def test_a_class_that_only_val_has_is_an_error(self, folder: Path) -> None:
        for part, name in (("train", "left"), ("train", "right"), ("val", "rihgt")):
            shutil.copytree(folder / "left", folder / part / name)
        with pytest.raises(FormatError, match="of the classes rihgt, and none to train"):
            find(folder)

    @pytest.mark.usefixtures("open_folder")
    @pytest.mark.parametrize("closed", [".", "left", "left/inner"])
    def test_a_folder_that_may_not_be_read(self, tmp_path: Path, closed: str) -> None:
        for name in ("left/inner", "right"):
            (tmp_path / name).mkdir(parents=True)
            Image.new("RGB", (4, 4)).save(tmp_path / name / "0.png")
        (tmp_path / closed).chmod(0)
        with unprivileged(), pytest.raises(FormatError, match="Permission denied; see `ls -l"):
            find(tmp_path)
        (tmp_path / closed).chmod(0o755)

    def test_why_there_are_no_others_is_said(self, folder: Path) -> None:
        table = folder / "t.csv"
        table.write_text("path,label\nleft/0.png,left\nrihgt/0.png,right\n")
        with pytest.raises(FormatError, match=r"one class, 'left'; 1 broken image: .*rihgt/0\.png"):
            find(table)
        table.write_text("path,label\nlfet/0.png,left\nrihgt/0.png,right\n")
        with pytest.raises(
            FormatError, match=r"no images; 2 broken images: .*lfet/0\.png: .*rihgt"
        ):
            find(table)

    def test_to_judge_by_one_class_will_do(self, folder: Path) -> None:
        shutil.rmtree(folder / "right")
        with pytest.raises(FormatError, match="holds one class, 'left'"):
            find(folder)
        images = find(folder, learn=False)
        assert (images.classes, len(images.train) + len(images.val)) == (("left",), 10)
        shutil.rmtree(folder / "left")
        with pytest.raises(FormatError, match="holds no images"):
            find(folder, learn=False)

    @pytest.mark.parametrize("per_class", [0, -1])
    def test_no_image_of_a_class_is_no_training(self, folder: Path, per_class: int) -> None:
        with pytest.raises(UsageError, match=f"per_class={per_class}: give 1 image"):
            find(folder, per_class=per_class)

    def test_names_in_any_script(self, folder: Path) -> None:
        names = [unicodedata.normalize("NFD", "Ünïcode"), "手話", "ελληνικά", "ordinary name"]
        for name in names:
            shutil.copytree(folder / "left", folder / name)
        shutil.copytree(folder / "left", folder / os.fsdecode(b"\xe9t\xe9"))
        images = find(folder)
        assert images.classes == (
            r"\xe9t\xe9", "left", "ordinary name", "right", "Ünïcode", "ελληνικά", "手話"
        )  # fmt: skip
        assert len(images.train) + len(images.val) == 70
        assert not images.broken
        str(images).encode("utf-8")

    def test_nested_folders_and_links_belong_to_their_class(self, folder: Path) -> None:
        (folder / "left" / "more").mkdir()
        torture.plain().save(folder / "left" / "more" / "deep.png")
        (folder / "linked").symlink_to(folder / "right")
        images = find(folder)
        assert images.counts()["left"] == (9, 2)
        assert images.counts()["linked"] == (8, 2)

    def test_junk_is_no_image_and_others_are_named(self, folder: Path) -> None:
        torture.write_junk(folder / "left")
        torture.write_junk(folder)
        (folder / "__MACOSX").mkdir()
        (folder / "left" / "notes.txt").write_text("a text")
        images = find(folder, strict=True)
        assert images.counts() == {"left": (8, 2), "right": (8, 2)}
        assert images.notes == ("no images, not used: left/notes.txt",)

    def test_torture(self, tmp_path: Path) -> None:
        good = torture.write_good(tmp_path / "odd")
        torture.write_good(tmp_path / "other")
        broken = torture.write_broken(tmp_path / "odd")
        images = find(tmp_path, val=0)
        assert [Path(key).name for key, name in keys(images, "train") if name == "odd"] == good
        assert sorted(Path(one.path).name for one in images.broken) == sorted(broken)
        assert all(broken[Path(one.path).name] in one.reason for one in images.broken)
        assert f"{len(broken)} broken, left out:" in str(images)
        with pytest.raises(FormatError, match=rf"{len(broken)} broken images: .*cut\.jpg"):
            find(tmp_path, strict=True)

    def test_a_single_broken_image_is_one(self, folder: Path) -> None:
        (folder / "left" / "text.jpg").write_text("hello")
        with pytest.raises(FormatError, match=r": 1 broken image: .*text\.jpg"):
            find(folder, strict=True)

    def test_a_broken_file_with_a_colon_in_its_name(self, folder: Path) -> None:
        path = folder / "left" / "who: me.jpg"
        path.write_bytes(b"")
        assert find(folder).broken == ((str(path), "is empty (0 bytes)"),)

    def test_a_pipe_that_nobody_writes_is_not_waited_for(self, folder: Path) -> None:
        os.mkfifo(folder / "left" / "pipe.jpg")
        ((path, reason),) = find(folder).broken
        assert path.endswith("pipe.jpg") and "is no file, but a pipe" in reason

    def test_a_name_in_two_unicode_forms_is_one_class(self, folder: Path) -> None:
        for form in ("NFC", "NFD"):
            shutil.copytree(folder / "left", folder / unicodedata.normalize(form, "é"))
        images = find(folder)
        assert images.classes == ("left", "right", "é")
        assert {item.label for item in images.train} == {0, 1, 2}

    def test_without_a_look_inside(self, tmp_path: Path) -> None:
        torture.write_good(tmp_path / "odd")
        torture.write_good(tmp_path / "other")
        torture.write_broken(tmp_path / "odd")
        images = find(tmp_path, verify=False)
        assert not images.broken
        assert images.notes == ("no images, not used: odd/no_suffix, other/no_suffix",)

    def test_few_and_none(self, folder: Path) -> None:
        for name, count in (("one", 1), ("two", 2), ("none", 0)):
            (folder / name).mkdir()
            for number in range(count):
                image = torture.plain().resize((9 + number, 5 + count))
                image.save(folder / name / f"{number}.png")
        images = find(folder)
        assert images.counts()["one"] == (1, 0)
        assert images.counts()["two"] == (1, 1)
        assert "none" not in images.classes
        assert images.notes == (
            "fewer than 5 images to train on in one, two",
            "no image for validation in one",
            "no image that can be read in none: not a class",
        )

    def test_copies_are_said(self, folder: Path) -> None:
        """Of one file in both parts, and of one in two classes; parts are known by the seed."""
        images = find(folder)
        learned, judged = images.train[0].key, images.val[0].key
        shutil.copyfile(folder / learned, folder / judged)
        assert find(folder).notes == (
            "of the images for validation 1 are copies of ones to train on, which makes the "
            f"accuracy look better: {judged}",
        )
        assert find(folder, verify=False).notes == ()
        shutil.copyfile(folder / "left" / "1.png", folder / "right" / "1.png")
        assert find(folder).notes[-1].startswith("the same file is in two classes or more: ")

    def test_a_file_deeper_by_mistake(self, folder: Path) -> None:
        (folder / "outer").mkdir()
        shutil.move(folder / "left", folder / "outer" / "left")
        shutil.move(folder / "right", folder / "outer" / "right")
        with pytest.raises(FormatError, match=r"one class, 'outer'; give the folder that holds"):
            find(folder)

    def test_images_without_folders(self, folder: Path) -> None:
        with pytest.raises(FormatError, match=r"holds no images.* \(10 images lie in it directly"):
            find(folder / "left")

    def test_at_most_so_many_of_a_class(self, folder: Path) -> None:
        whole, few = find(folder, seed=3), find(folder, seed=3, per_class=2)
        assert few.counts() == {"left": (2, 2), "right": (2, 2)}
        assert few.val == whole.val
        assert set(few.train) < set(whole.train)

    def test_progress(self, folder: Path) -> None:
        told: list[tuple[int, int]] = []
        find(folder, progress=lambda done, total: told.append((done, total)))
        assert told == [(n, 20) for n in range(1, 21)]

    def test_a_share_that_is_none(self, folder: Path) -> None:
        with pytest.raises(UsageError, match=r"val=1 is no share"):
            find(folder, val=1)

    def test_to_dict(self, folder: Path) -> None:
        (folder / "left" / "0.png").write_bytes(b"")
        data = find(folder).to_dict()
        assert data["classes"][0] == {"name": "left", "train": 7, "val": 2}
        assert data["broken"] == [
            {"path": str(folder / "left" / "0.png"), "reason": "is empty (0 bytes)"}
        ]


class TestSplit:
    @given(
        st.dictionaries(st.text(max_size=3), st.integers(1, 30), max_size=5),
        st.floats(0, 0.99),
        st.integers(0, 9),
    )
    def test_parts_each_class(self, sizes: dict[str, int], share: float, seed: int) -> None:
        items = [Named(f"{name}/{n}", name) for name, size in sizes.items() for n in range(size)]
        train, val = split(items, share, seed)
        assert sorted(train + val) == sorted(items)
        for name, size in sizes.items():
            held = sum(item.name == name for item in val)
            assert held < size
            assert held == 0 if not share or size == 1 else held >= 1
            assert abs(held - size * share) <= 1

    def test_depends_on_the_seed(self, folder: Path) -> None:
        assert find(folder, seed=1).val != find(folder, seed=2).val
        assert find(folder, seed=1) == find(folder, seed=1)

    def test_new_images_move_no_old_one_to_training(self, folder: Path) -> None:
        """Neither the order of the files nor another class decides who is judged."""
        before = set(keys(find(folder), "val"))
        shutil.copytree(folder / "left", folder / "a_new_class")
        assert before <= set(keys(find(folder), "val"))


class TestTable:
    def test_labels_that_only_look_like_numbers(self, folder: Path) -> None:
        rows = [f"left/{n}.png,{label}" for n in range(10) for label in ("²", "--1")]
        (folder / "all.csv").write_text("\n".join(rows), encoding="utf-8")
        assert find(folder / "all.csv").classes == ("--1", "²")

    def test_an_image_that_a_table_puts_into_both_parts_is_told_of(self, folder: Path) -> None:
        rows = [f"{row},train" for row in self.rows(folder)]
        rows += ["left/3.png,left,val", "right/1.png,right,val"]
        (folder / "all.csv").write_text("path,label,split\n" + "\n".join(rows), encoding="utf-8")
        (note,) = find(folder / "all.csv").notes
        assert note.startswith("of the images for validation 2 are copies of ones to train on")
        assert note.endswith("left/3.png, right/1.png")

    def test_names_of_which_none_is_there(self, folder: Path) -> None:
        (folder / "all.csv").write_text("x/1.png,a\nx/2.png,b\n", encoding="utf-8")
        with pytest.raises(FormatError, match=r"2 broken images: .*1\.png: named in .*all.csv:1"):
            find(folder / "all.csv")

    def rows(self, folder: Path) -> list[str]:
        return [f"{name}/{n}.png,{name}" for name in ("right", "left") for n in range(10)]

    @pytest.mark.parametrize("head", ["", "path,label\n", "\ufeffFile,Class\n"])
    def test_with_and_without_header(self, folder: Path, head: str) -> None:
        table = folder / "all.csv"
        table.write_text(head + "\n".join(self.rows(folder)) + "\n\n", encoding="utf-8")
        images = find(table)
        assert images.classes == ("left", "right")
        assert images.counts() == {"left": (8, 2), "right": (8, 2)}
        assert images.open(images.train[0]).size == (torture.WIDE, torture.HIGH)

    def test_columns_by_name_parts_and_tabs(self, folder: Path) -> None:
        lines = ["who\tlabel\tsplit\tpath"]
        for n in range(10):
            part = "val" if n < 3 else "train"
            lines += [f"me\t10\t{part}\tleft/{n}.png", f"me\t9\t{part}\tright/{n}.png"]
        (folder / "all.tsv").write_text("\r\n".join(lines))
        images = find(folder / "all.tsv")
        assert images.classes == ("9", "10")
        assert images.counts() == {"9": (7, 3), "10": (7, 3)}

    def test_a_missing_file_is_broken_and_says_which_row(self, folder: Path) -> None:
        rows = self.rows(folder)
        rows[3] = "right/gone.png,right"
        (folder / "all.csv").write_text("\n".join(rows))
        images = find(folder / "all.csv")
        assert images.broken == (
            (str(folder / "right/gone.png"), f"named in {folder / 'all.csv'}:4, does not exist"),
        )

    def test_quotes_and_commas(self, folder: Path) -> None:
        (folder / "left" / "0.png").rename(folder / "left" / 'a, "b".png')
        rows = self.rows(folder)
        rows[rows.index("left/0.png,left")] = '"left/a, ""b"".png",left'
        (folder / "all.csv").write_text("\n".join(rows))
        assert not find(folder / "all.csv").broken

    @pytest.mark.parametrize(
        ("text", "match"),
        [
            ("", "is empty"),
            ("left/0.png\nleft/1.png\n", r"all\.csv:1: no path or no label"),
            ("a,b\nleft/0.png,left\n", r"all\.csv:1: no columns for path and label"),
            ("left/0.png,left\nleft/1.png,left\n", "holds one class, 'left'"),
        ],
    )
    def test_what_is_no_table(self, folder: Path, text: str, match: str) -> None:
        (folder / "all.csv").write_text(text)
        with pytest.raises(FormatError, match=match):
            find(folder / "all.csv")

    def test_other_encodings(self, folder: Path) -> None:
        (folder / "all.csv").write_bytes("größe.png,left\n".encode("latin-1"))
        with pytest.raises(FormatError, match="not text in UTF-8"):
            find(folder / "all.csv")

    def test_a_list_of_caffe(self, folder: Path) -> None:
        lines = [
            f"{name}/{n}.png {at}" for at, name in enumerate(("left", "right")) for n in range(10)
        ]
        (folder / "train.txt").write_text("\n".join(lines) + "\n")
        images = find(folder / "train.txt")
        assert (images.kind, images.classes) == ("list", ("0", "1"))


class TestArrays:
    @pytest.mark.parametrize("shape", [(5, 4), (5, 4, 1), (5, 4, 3), (3, 5, 4), (1, 5, 4), (25,)])
    def test_every_layout(self, tmp_path: Path, shape: tuple[int, ...]) -> None:
        x = np.random.default_rng(0).integers(0, 256, (20, *shape), np.uint8)
        np.savez(tmp_path / "a.npz", x=x, y=np.arange(20) % 2)
        images = find(tmp_path / "a.npz")
        item = images.train[3]
        number = int(item.key.partition("#")[2])
        wanted = x[number]
        if shape[0] in (1, 3):
            wanted = wanted.transpose(1, 2, 0)
        wanted = wanted.reshape(5, 5 if shape == (25,) else 4, -1)
        pixels = images.open(item).pixels()
        np.testing.assert_array_equal(pixels, np.broadcast_to(wanted, pixels.shape))
        assert images.classes[item.label] == str(number % 2)

    @pytest.mark.parametrize("top", [1, 255])
    def test_floats(self, tmp_path: Path, top: int) -> None:
        x = np.linspace(0, top, 20 * 16).reshape(20, 4, 4)
        np.savez_compressed(tmp_path / "a.npz", x=x, y=np.arange(20)[:, None] % 2)
        images = find(tmp_path / "a.npz")
        every = np.concatenate([images.open(i).pixels() for i in images.train + images.val])
        assert (every.min(), every.max()) == (0, 255)

    def test_names_of_keras_and_names_of_classes(self, tmp_path: Path) -> None:
        x, y = np.zeros((10, 4, 4), np.uint8), np.arange(10) % 2
        np.savez(
            tmp_path / "a.npz",
            x_train=x,
            y_train=y,
            x_test=x[:4],
            y_test=y[:4],
            classes=["no", "yes"],
        )
        assert find(tmp_path / "a.npz").counts() == {"no": (5, 2), "yes": (5, 2)}

    def test_one_hot_and_text(self, tmp_path: Path) -> None:
        x = np.zeros((10, 4, 4), np.uint8)
        np.savez(tmp_path / "a.npz", x=x, y=np.eye(2)[np.arange(10) % 2])
        np.savez(tmp_path / "b.npz", x=x, y=["b", "a"] * 5)
        assert find(tmp_path / "a.npz").classes == ("0", "1")
        assert find(tmp_path / "b.npz").classes == ("a", "b")

    @pytest.mark.parametrize(
        ("arrays", "match"),
        [
            ({"arr_0": np.zeros(3)}, "holds the arrays arr_0; .* called x and y"),
            ({"x": np.zeros((3, 4, 4)), "y": np.zeros(2, int)}, "x holds 3 images and y 2 labels"),
            (
                {"x": np.zeros((3, 7, 5, 5)), "y": np.zeros(3, int)},
                r"x has the shape \(3, 7, 5, 5\)",
            ),
            ({"x": np.zeros((3, 0, 4)), "y": np.zeros(3, int)}, r"x has the shape \(3, 0, 4, 1\)"),
            ({"x": np.full((3, 4, 4), -2.5), "y": np.zeros(3, int)}, "numbers from -2.5 to -2.5"),
            ({"x": np.full((3, 4, 4), np.nan), "y": np.zeros(3, int)}, "numbers from nan"),
            ({"x": np.zeros((3, 4, 4)), "y": np.ones(3) / 2}, "labels are whole numbers or text"),
            ({"x": np.array([None]), "y": np.zeros(1, int)}, "would run code"),
        ],
    )
    def test_what_is_no_data(
        self, tmp_path: Path, arrays: dict[str, np.ndarray], match: str
    ) -> None:
        np.savez(tmp_path / "a.npz", **arrays)
        with pytest.raises(FormatError, match=match):
            find(tmp_path / "a.npz")

    def test_a_file_that_is_written_again_is_read_again(self, tmp_path: Path) -> None:
        for value in (7, 8):
            np.savez(tmp_path / "a.npz", x=np.full((4, 2, 2), value, np.uint8), y=np.arange(4) % 2)
            images = find(tmp_path / "a.npz")
            assert images.open(images.train[0]).pixels().max() == value


class TestDatabases:
    def records(self, count: int, encoded: bool = False) -> list[tuple[bytes, bytes]]:
        made = []
        for n in range(count):
            pixels = np.full((3, 4, 6), n, np.uint8)
            pixels[0] = 200  # blue
            value = make_datum(_png() if encoded else pixels, label=n % 3 * 5)
            made.append((b"%08d" % n, value))
        return made

    def test_labels_and_pixels(self, tmp_path: Path) -> None:
        make_lmdb(tmp_path / "db", self.records(60))
        images = find(tmp_path / "db")
        assert (images.kind, images.classes) == ("lmdb", ("0", "5", "10"))
        assert images.counts() == {"0": (16, 4), "5": (16, 4), "10": (16, 4)}
        for item in images.train[:5]:
            number = int(item.key.partition("#")[2])
            assert images.open(item).pixels()[0, 0].tolist() == [number, number, 200]
            assert item.label == number % 3

    def test_encoded(self, tmp_path: Path) -> None:
        make_lmdb(tmp_path / "db", self.records(12, encoded=True))
        images = find(tmp_path / "db")
        np.testing.assert_array_equal(images.open(images.train[0]).pixels(), torture.pattern())

    def test_one_for_each_part(self, tmp_path: Path) -> None:
        make_lmdb(tmp_path / "digits_train_lmdb", self.records(30))
        make_lmdb(tmp_path / "digits_test_lmdb", self.records(6))
        images = find(tmp_path)
        assert images.counts() == {"0": (10, 2), "5": (10, 2), "10": (10, 2)}
        assert images.open(images.val[0]).size == (6, 4)

    def test_unclear_parts(self, tmp_path: Path) -> None:
        make_lmdb(tmp_path / "one", self.records(3))
        make_lmdb(tmp_path / "two", self.records(3))
        with pytest.raises(FormatError, match="holds the databases one, two; name one"):
            find(tmp_path)


def _png() -> bytes:
    import io

    file = io.BytesIO()
    torture.plain().save(file, "PNG")
    return file.getvalue()


def test_what_is_no_data(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"\0\0\0 ftypmp42")
    with pytest.raises(FormatError, match="no data that is known; give a folder"):
        find(tmp_path / "a.mp4")
    with pytest.raises(FormatError, match="cannot be opened: No such file"):
        find(tmp_path / "gone")

"""Packaging of chainer_ft. Tool settings stand in pyproject.toml."""

from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent
CAFFE = ["lmdb", "pillow", "cramjam>=2.8", "google-crc32c"]


def version() -> str:
    text = (ROOT / "chainer_ft" / "__init__.py").read_text(encoding="utf-8")
    return text.split('__version__ = "')[1].split('"')[0]


setup(
    name="chainer-ft",
    version=version(),
    description="Copy weights from anywhere into a Chainer model, see what happened, fine-tune.",
    long_description=(ROOT / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="MIT",
    python_requires=">=3.10",
    packages=find_packages(include=["chainer_ft", "chainer_ft.*"]),
    package_data={"chainer_ft": ["py.typed"], "chainer_ft.report": ["page.css"]},
    install_requires=[
        "chainer>=7.8.1",
        "numpy",
        "pluggy>=1.5",  # 1.5 is the first with type annotations for hook callers
        "protobuf",
        "h5py>=3",
    ],
    extras_require={
        "cuda12": ["cupy-cuda12x>=13"],
        "cuda13": ["cupy-cuda13x>=14"],
        "train": ["pillow", "pyyaml", "matplotlib"],  # images; schedules in files; the page
        "plots": ["matplotlib"],  # lr_find, WeightDrift, timelines
        # lmdb only to make databases; a LevelDB needs Snappy (cramjam) and checksums
        "caffe": CAFFE,
        "demo": ["scikit-learn", "matplotlib"],
        "test": [
            "pytest>=8",
            "pytest-xdist",
            "hypothesis>=6",
            "scikit-learn",
            "matplotlib",
            "pyyaml",
            *CAFFE,
        ],
    },
    entry_points={
        "console_scripts": ["chainer-ft = chainer_ft.cli.main:main"],
    },
)

"""How sure an accuracy is, and the difference of two on the same samples."""

from __future__ import annotations

import math

#: Standard deviations to either side that hold 95 %.
_Z = 1.959963984540054


def wilson(correct: int, count: int) -> tuple[float, float]:
    """The 95 % interval of a share, after Wilson (1927); it stays within 0 and 1.

    Args:
        correct: How many are right.
        count: Of how many; of none nothing is known.

    Example:
        >>> [round(end, 3) for end in wilson(90, 100)]
        [0.826, 0.945]
    """
    if not count:
        return 0.0, 1.0
    share, z2 = correct / count, _Z * _Z
    middle = (share + z2 / (2 * count)) / (1 + z2 / count)
    half = math.sqrt(share * (1 - share) / count + z2 / (4 * count * count)) / (1 + z2 / count)
    return max(0.0, _Z * -half + middle), min(1.0, middle + _Z * half)


def paired(only_first: int, only_second: int, count: int) -> tuple[float, float]:
    """The 95 % interval of the difference of two accuracies on the same samples.

    After Agresti and Min (2005), "Simple improved confidence intervals for comparing matched
    proportions": Wald's interval with half a sample more in each of the four cells.

    Args:
        only_first: Samples that only the first has right.
        only_second: Samples that only the second has right.
        count: All samples.

    Example:
        >>> [round(end, 3) for end in paired(30, 5, 100)]
        [0.14, 0.35]
    """
    total, gap = count + 2, only_first - only_second
    spread = (only_first + only_second + 1) - gap * gap / total
    middle, half = gap / total, _Z * math.sqrt(spread) / total
    return max(-1.0, middle - half), min(1.0, middle + half)

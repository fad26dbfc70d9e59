"""``python -m chainer_ft``."""

import sys

from chainer_ft.cli.main import main

sys.exit(main())

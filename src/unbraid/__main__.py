"""``python -m unbraid``: the command line, where the ``unbraid`` script is not on the path."""

import sys

from unbraid.cli import main

if __name__ == "__main__":
    sys.exit(main())

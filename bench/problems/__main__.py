"""``python -m bench.problems PATH``: measure the detection on a set of labelled tickets."""

import sys

from bench.problems import main

if __name__ == "__main__":
    sys.exit(0 if main(*sys.argv[1:2]) else 1)

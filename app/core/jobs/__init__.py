"""What all background passes share: turns, signs of life, and failures that end nothing else."""

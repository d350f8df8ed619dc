#!/bin/sh
# The whole training, resumable; arguments as of python -m training.run.
cd "$(dirname "$0")/.." || exit 1
# Large activations must not go back to the kernel after every layer: page faults were nearly half of a step.
export MALLOC_MMAP_THRESHOLD_=8589934592 MALLOC_TRIM_THRESHOLD_=8589934592 OMP_NUM_THREADS=1 MKL_NUM_THREADS=1
exec "${PYTHON:-python3}" -m training.run "$@"

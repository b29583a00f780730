"""Writes numpy_stored.npz and numpy_packed.npz: arrays of several types and orders, by np.savez and np.savez_compressed.

crates/tensor/tests/npz.rs reads them and knows the values.
"""

from pathlib import Path

import numpy as np

here = Path(__file__).parent
arrays = {
    "columns": np.asfortranarray(np.arange(6, dtype=">f8").reshape(2, 3)),
    "half": np.array([0.5, -2, np.inf], np.float16),
    "labels": np.array([1, -1], np.int64),
    "mask": np.array([True, False]),
    "small": np.array([-1, 300], np.int16),
}
first = np.arange(6, dtype=np.float32).reshape(2, 3)
np.savez(here / "numpy_stored.npz", first, **arrays)
np.savez_compressed(here / "numpy_packed.npz", first, **arrays)

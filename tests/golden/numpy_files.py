"""Goldens of NumPy's files: .npy in every version and order, .npz, and pickles of arrays in every protocol.

    pip install numpy==2.4.6 safetensors==0.8.0 joblib==1.5.2
    python numpy_files.py

Writes ../data/foreign/. tests/foreign/numpy_test.cpp reads them.
"""
import pathlib
import pickle

import joblib
import numpy as np
from safetensors.numpy import save_file

FOLDER = pathlib.Path(__file__).parent / "../data/foreign"
TYPES = ["bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float16", "float32", "float64", "complex64"]


def arrays():
    table = np.arange(-6, 6).reshape(3, 4)
    result = {f"types.{t}": table.astype(t) for t in TYPES}
    result["scalar"] = np.array(1.5, np.float32)
    result["empty"] = np.zeros((0, 2), np.float32)
    return result


def save_npy(name, array, version=None):
    with open(FOLDER / name, "wb") as file:
        np.lib.format.write_array(file, array, version=version)


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    save_file(arrays(), FOLDER / "numpy.safetensors")
    np.savez(FOLDER / "numpy.npz", **arrays())
    np.savez_compressed(FOLDER / "numpy_compressed.npz", **arrays())
    cube = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    save_file({"array": cube}, FOLDER / "numpy_cube.safetensors")
    for version in [1, 2, 3]:
        save_npy(f"numpy_v{version}.npy", cube, (version, 0))
    save_npy("numpy_fortran.npy", np.asfortranarray(cube))
    save_npy("numpy_big_endian.npy", cube.astype(">f4"))
    save_npy("numpy_records.npy", np.zeros(2, [("a", "<f4"), ("b", "<i4", 3)]))
    save_npy("numpy_objects.npy", np.array([{"a": 1}, None], dtype=object))
    nested = {"arrays": arrays(), "list": [cube, {"t": cube.T}], "note": "text", "number": np.float64(3)}
    for protocol in range(6):
        with open(FOLDER / f"numpy_{protocol}.pkl", "wb") as file:
            pickle.dump(nested, file, protocol=protocol)
    joblib.dump({"weights": cube, "words": ["a", "b"], "more": cube.T}, FOLDER / "numpy.joblib")


if __name__ == "__main__":
    main()

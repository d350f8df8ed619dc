"""The public safetensors package, asked for its verdict; used by cross_check.py and differential.py."""
import sys

try:
    import safetensors
except ImportError:
    sys.exit(f"{sys.executable} has no safetensors package: pip install safetensors==0.8.0, or name a Python that has it")

JSON = "invalid JSON in header"
# Which message of the package each of our rules belongs to.
REFERENCE_ERRORS = {
    "header-too-small": "header too small",
    "header-too-large": "header too large",
    "header-length": "invalid header length",
    "header-utf8": "invalid UTF-8 in header",
    "header-start": JSON,
    "json-syntax": JSON,
    "json-depth": JSON,
    "duplicate-key": JSON,
    "metadata-type": JSON,
    "entry-type": JSON,
    "entry-fields": JSON,
    "dtype": JSON,
    "shape": JSON,
    "data-offsets": JSON,
    "layout": "invalid offset for tensor",
    "size-overflow": "overflow computing buffer size",
    "packing": "slicing for subbytes dtypes",
    "size-mismatch": "invalid shape, data type, or offset for tensor",
    "file-coverage": "incomplete metadata",
}
LOWER_CASE = {rule: message.lower() for rule, message in REFERENCE_ERRORS.items()}


def version():
    return safetensors.__version__


def deserialize_error(data):
    """The package's message for these bytes, or None if it accepts them."""
    try:
        safetensors.deserialize(data)
    except safetensors.SafetensorError as error:
        return str(error)
    return None


def open_error(path):
    """The same for a file, or the system's message if it cannot be opened: an empty one cannot be mapped."""
    try:
        with safetensors.safe_open(path, "numpy") as file:
            file.keys()
    except (safetensors.SafetensorError, OSError) as error:
        return str(error)
    return None


def agrees(rule, message):
    if rule == "ok" or message is None:
        return rule == "ok" and message is None
    return LOWER_CASE[rule] in message.lower()

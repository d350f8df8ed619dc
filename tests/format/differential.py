"""Compares compat mode with the public safetensors package on random files: sound, odd and broken in all ways at once.

    pip install safetensors==0.8.0 numpy
    python tests/format/differential.py build/release/safelight [SECONDS] [SEED]

Files are made from structured headers, so that most get past the first rules; then some have their bytes changed.
Accepting or rejecting must agree, and so must the class of the error (see cross_check.py). Prints every disagreement
and keeps its file in the current folder.
"""
import collections
import json
import pathlib
import random
import struct
import subprocess
import sys
import tempfile
import time

from cross_check import REFERENCE_ERRORS, agrees, reference_error

BATCH = 500
DTYPES = {"BOOL": 8, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8,
          "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32,
          "F32": 32, "C64": 64, "F64": 64, "I64": 64, "U64": 64}
SPACES = ["", "", "", "", " ", "\n", "\t", "\r", "  "]
ODD_NUMBERS = ["-0", "-1", "1.0", "1e0", "1e309", "1e308", "-1e999", "18446744073709551615", "18446744073709551616",
               "9223372036854775808", "00", "01", "+1", "1.", ".5", "1e", "17976931348623157e292",
               "17976931348623158e292", "1.7976931348623157e308", "0e999", "4294967296", "-", "1x", "0.5e-400",
               "123456789012345678901234567890", "99999999999999999999e289", "0.0001e312"]
ODD_STRINGS = ['"\\ud800"', '"\\udc00"', '"\\ud83d\\ude00"', '"\\u0000"', '"\\x"', '"a\\/b"', '"\x7f"', '"\x01"', '"é"',
               '"\ufeff"', '"\\u00e9"', '"\\ud83d\\u0041"', '"', '"\\"', '""', '"\\uD83D\\uDE0"']
ODD_VALUES = ["null", "true", "false", "nul", "NaN", "Infinity", "[]", "{}", "[[]]", '{"a":1}', '{"a":1,"a":2}', "[1,]",
              "[,1]", "{,}", '{"a"}', "[1 2]", "'a'", "", "/**/1", "[}", "{]", '{"F32":null}', '{"F32":{}}']
NAMES = ["a", "b", "c", "w.0", "w.1", "", "__metadata__", "\\u005f_metadata__", "é", "a\\u0000", "dtype", "\\u0061"]


def agrees_at_last(rule, path):
    """The reference walks tensors that share an offset in the random order of its hash table, so that a file with two
    faults there has two messages."""
    return any(agrees(rule, reference_error(path)) for _ in range(50))


class Generator:
    def __init__(self, seed):
        self.r = random.Random(seed)

    def rarely(self, chance=0.03):
        return self.r.random() < chance

    def space(self):
        return self.r.choice(SPACES) if self.rarely(0.1) else ""

    def value(self, depth=0):
        kind = self.r.random()
        if kind < 0.25:
            return self.r.choice(ODD_NUMBERS)
        if kind < 0.35:
            return self.number()
        if kind < 0.5:
            return self.r.choice(ODD_STRINGS)
        if kind < 0.75 or depth > 3:
            return self.r.choice(ODD_VALUES)
        if kind < 0.78:
            n = self.r.choice([3, 100, 123, 124, 125, 126, 127, 128, 200])
            opening = self.r.choice(["[", '{"a":'])
            return opening * n + "1" + ("]" if opening == "[" else "}") * n
        items = [self.value(depth + 1) for _ in range(self.r.randrange(4))]
        if kind < 0.9:
            return "[" + ",".join(items) + "]"
        return "{" + ",".join(f'"{self.r.choice("abc")}":{item}' for item in items) + "}"

    def number(self):
        digits = lambda n: "".join(self.r.choice("0123456789") for _ in range(self.r.randint(1, n)))
        text = self.r.choice(["", "", "-"]) + self.r.choice(["0", str(self.r.randint(1, 9)) + digits(25), digits(3)])
        if self.rarely(0.4):
            text += "." + digits(25)
        if self.rarely(0.5):
            text += self.r.choice("eE") + self.r.choice(["", "+", "-"]) + str(self.r.choice([0, 5, 280, 290, 308, 309, 330]) + self.r.randint(-3, 3) if self.rarely(0.8) else digits(12))
        return text

    def tensors(self):
        """Lines of (name, dtype, shape, begin, end) that fill the data, mostly."""
        end, result = 0, []
        for _ in range(self.r.choice([0, 1, 1, 2, 3, 5])):
            name = self.r.choice(list(DTYPES))
            shape = [self.r.choice([0, 1, 2, 3, 4, 8]) for _ in range(self.r.randrange(4))]
            if self.rarely():
                shape = [self.r.choice([0, 2**31, 2**32, 2**61, 2**63, 2**64 - 1]) for _ in range(self.r.randint(1, 3))]
            bits = DTYPES[name]
            for size in shape:
                bits *= size
            size = bits // 8 if bits < 2**12 else self.r.randrange(9)
            if bits % 8 and not self.rarely(0.3):
                shape, size = [8], DTYPES[name]
            begin = end
            if self.rarely(0.02):
                begin += self.r.choice([-1, 1, 8])
            end = begin + size + (self.r.choice([-1, 1]) if self.rarely(0.02) else 0)
            result.append((name, shape, begin, end))
        self.data = max(end, 0) + (self.r.choice([-1, 1, 7]) if self.rarely(0.03) else 0)
        return result

    def integer(self, n):
        return self.r.choice(ODD_NUMBERS + ODD_VALUES) if self.rarely(0.008) else str(n)

    def array(self, numbers):
        items = [self.integer(n) for n in numbers]
        if self.rarely(0.01):
            items.append("0")
        return self.space() + "[" + ",".join(self.space() + item + self.space() for item in items) + "]"

    def entry(self, dtype, shape, begin, end):
        if self.rarely(0.01):
            return self.value()
        quoted = f'"{dtype}"'
        if self.rarely():
            quoted = self.r.choice([f'{{"{dtype}":null}}', f'{{"{dtype}":1}}', '"f32"', '"F\\u00332"', self.value()])
        fields = [quoted, self.array(shape), self.array([begin, end])]
        if self.rarely(0.04):
            if self.rarely(0.3):
                fields.append(self.value())
            return "[" + ",".join(fields) + "]"
        pairs = list(zip(["dtype", "shape", "data_offsets"], fields))
        if self.rarely(0.5):
            self.r.shuffle(pairs)
        if self.rarely(0.1):
            pairs.insert(self.r.randrange(4), (self.r.choice(["x", "x", "strides", "shape", "__metadata__", "\\u0078"]), self.value()))
        if self.rarely(0.01):
            pairs.pop(self.r.randrange(len(pairs)))
        return "{" + ",".join(f'{self.space()}"{k}"{self.space()}:{self.space()}{v}{self.space()}' for k, v in pairs) + "}"

    def metadata(self):
        if self.rarely(0.05):
            return self.value()
        pairs = [(self.r.choice("abcd"), self.value() if self.rarely(0.05) else '"v"') for _ in range(self.r.randrange(4))]
        return "{" + ",".join(f'"{k}":{v}' for k, v in pairs) + "}"

    def file(self):
        members = []
        for i, tensor in enumerate(self.tensors()):
            name = self.r.choice(NAMES) if self.rarely(0.05) else f"t{i}"
            members.append((name, self.entry(*tensor)))
        if self.rarely(0.3):
            members.insert(self.r.randrange(len(members) + 1), ("__metadata__", self.metadata()))
        if self.rarely(0.05) and members:
            members.append(self.r.choice(members))
        if self.rarely(0.5):
            self.r.shuffle(members)
        text = "{" + ",".join(f'{self.space()}"{name}":{value}{self.space()}' for name, value in members) + "}"
        text = self.space() + text + self.space()
        header = text.encode("utf-8", "surrogatepass")
        if self.rarely(0.05):
            header = self.mutate(header)
        length = len(header) + (self.r.choice([-1, 1, -8, 8, 2**32, 2**63]) if self.rarely(0.01) else 0)
        return struct.pack("<Q", max(length, 0)) + header + bytes(max(self.data, 0))

    def mutate(self, header):
        header = bytearray(header)
        for _ in range(self.r.randint(1, 3)):
            at = self.r.randrange(len(header) + 1)
            what = self.r.random()
            if what < 0.4:
                header[at:at] = bytes([self.r.choice(b'{}[]:,"\\ 0\0\n\xff\xc3-e.')])
            elif what < 0.7:
                del header[at:at + self.r.randint(1, 3)]
            else:
                header[at:at + 1] = bytes([self.r.randrange(256)])
        return bytes(header)


def main(program, seconds="60", seed="1"):
    generator = Generator(int(seed))
    stop = time.monotonic() + float(seconds)
    count, wrong, rules = 0, 0, collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        paths = [pathlib.Path(folder) / f"{i}.safetensors" for i in range(BATCH)]
        while time.monotonic() < stop:
            for path in paths:
                path.write_bytes(generator.file())
            output = subprocess.run([program, "check", "--compat", "--json", *map(str, paths)], capture_output=True)
            verdicts = [json.loads(line) for line in output.stdout.splitlines()]
            for path, verdict in zip(paths, verdicts, strict=True):
                message = reference_error(path)
                rules[verdict["rule"]] += 1
                if not agrees(verdict["rule"], message) and not agrees_at_last(verdict["rule"], path):
                    wrong += 1
                    kept = pathlib.Path(f"disagreement-{count}.safetensors")
                    kept.write_bytes(path.read_bytes())
                    print(f"{kept}: we say {verdict['rule']} ({verdict['detail']}), the reference {message!r:.300}")
                count += 1
    print(f"{count} files, {wrong} disagreements; our verdicts: {dict(rules.most_common())}")
    print(f"rules not reached: {sorted(set(REFERENCE_ERRORS) - set(rules) - {'header-start'})}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

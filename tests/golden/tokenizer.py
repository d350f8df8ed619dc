"""Golden token ids of 200 awkward prompts: tests/data/tokenizer/prompts.safetensors.

    python tests/golden/tokenizer.py [VOCABULARY]

VOCABULARY is bpe_simple_vocab_16e6.txt.gz; without it, the one that `./run setup` fetched. The ids come from
transformers' CLIPTokenizer, configured as by the files published beside Stable Diffusion 1.x.

Needs transformers 5.23.0, tokenizers 0.23.3, safetensors 0.8.0, numpy.

Tensors: "prompts" U8 (UTF-8, one after the other), "ends" I32 [200] (where each ends), "ids" I32 [200, 77],
"tokens" I32 [200] (how many each has, untruncated, start and end not counted), and "long.tokens" I32 [3],
"long.ids" I32 [3, 77] of the prompts that long_prompts() makes by rule.
"""

import gzip
import json
import pathlib
import sys
import tempfile

import numpy as np
import tokenizers
import transformers
from safetensors.numpy import save_file

assert transformers.__version__ == "5.23.0" and tokenizers.__version__ == "0.23.3"

ROOT = pathlib.Path(__file__).resolve().parents[2]
VOCABULARY = ROOT / "third_party/clip/bpe_simple_vocab_16e6.txt.gz"
POSITIONS = 77

PROMPTS = [
    # nothing, and next to nothing
    "", " ", "   ", "\t\r\n", "\u00a0", "\u3000\u2003", "\u200b", "\ufeff", "\x00", "a", "A", ".", "'", "\"", "\\", "0",
    # what people write
    "a red boat on the sea under a full moon, paper cut",
    "A Photo Of An Astronaut Riding A Horse On Mars",
    "masterpiece, best quality, 1girl, (blue eyes:1.2), [long hair], {smile}, looking_at_viewer",
    "portrait of a woman by Greg Rutkowski, artstation, 8k, f/1.8, 85mm, ISO-100",
    "<lora:detail_v2:0.8> a cat AND a dog :: 0.5 | bird",
    "a cat,a dog;a bird:a fish", "hello!!!???...,,,", "100% cotton", "$1,234.56 + 20€ = ?", "C++20 & C#", "e.g. i.e. etc.",
    "rock-n-roll", "snake_case camelCase kebab-case", "https://example.org/a?b=c&d=e#f", "name@example.org", "#hashtag @mention",
    "no newline\nhere\r\nor\there", "  leading and trailing  ", "many     spaces", "non\u00a0breaking\u00a0space",
    "thin\u2009space hair\u200aspace", "line\u2028separator\u2029paragraph", "next\u0085line", "zero\u200bwidth\u200cspace\u200djoiner",
    "word\u2060joiner", "soft\u00adhyphen", "\ufeffbyte order mark", "mongolian\u180evowel", "ogham\u1680space", "ideographic\u3000space",
    "a (very (deeply) nested:1.4) prompt, [from:to:0.5]", "4k, 8K, 16:9, 50mm f1.4", "\U0001f98a fox\u2014and hounds\u2026",
    "\u00bfQu\u00e9 hora es? \u00a1Hola!", "caf\u00e9\u0301 double accent", "tab\tseparated\tvalues", "ALL CAPS PROMPT WITH 3 NUMBERS 42",
    # contractions
    "it's", "IT'S", "don't DON'T", "we're we've I'm she'll he'd", "WE'RE WE'VE I'M SHE'LL HE'D", "rock'n'roll", "'s", "'squirrel",
    "''s", "!'s", "'em 'tis 'twas", "o'clock", "y'all'd've", "it\u2019s typographic", "\u2018quoted\u2019 \u201cdouble\u201d",
    "'t't't", "'r 'v 'l", "dogs' toys", "`s ´s", "it'\u0301s",
    # numbers
    "1234567890", "3.14159", "1e-5", "2x4", "x2", "1st 2nd 3rd", "\u00bd \u00b2 \u2167 \u2460", "\u0663\u0664\u0665", "\u096a\u096b",
    "\uff11\uff12\uff13", "\u4e00\u4e8c\u4e09", "\U0001d7ce\U0001d7cf", "0x1F 0b101", "-1 +1 \u22121",
    # HTML and what looks like mark-up stays as it is
    "&amp;", "a &lt;b&gt; c", "&amp;amp; &quot;x&quot;", "&#39;s", "&nbsp;x", "<b>bold</b>", "<|", "|>", "<||>", "<|endoftext", "startoftext|>",
    # special tokens
    "<|endoftext|>", "<|startoftext|>", "a<|endoftext|>b", "a <|endoftext|> b", "a<|startoftext|>b", "<|ENDOFTEXT|>", "<|STARTOFTEXT|>",
    "<|StartOfText|>x<|EndOfText|>y", "!<|ENDOFTEXT|>!", "x<|ENDOFTEXT|>!?", "<<|endoftext|>>", "<|endoftext|><|endoftext|>",
    "<|startoftext|><|endoftext|><|STARTOFTEXT|>", "e<|endoftext|>\u0301", "E<|startoftext|>\u0301", "<|endoftext|>'s", "<|end oftext|>",
    "<|\uff45ndoftext|>", "<|endoftext|>\n<|endoftext|>", "<start_of_text> <end_of_text>",
    # letters of other kinds, case
    "\u0130stanbul \u0131\u015f\u0131k I\u0307", "\u039f\u0394\u039f\u03a3 \u03a3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2", "STRASSE Stra\u00dfe \u1e9e",
    "\ufb01sh \ufb02ow \ufb03", "\u01c4 \u01c5 \u01c6", "\u212b \u2126 \u212a", "\u00c9T\u00c9 E\u0301TE\u0301", "na\u00efve caf\u00e9 r\u00e9sum\u00e9",
    "Gar\u00e7on \u0152uvre \u00c6on \u00d8l \u00c5land", "\u1e9b\u0323 \u1e69 s\u0323\u0307 s\u0307\u0323", "\u017ft 'S '\u017f", "\u2160\u2161 \u24b6\u24b7",
    "\U00010400\U00010428 \U0001e900", "\u10a0 \u1c90 \u10d0 \u13a0 \uab70", "\u0149 \u01f0 \u1f80 \u1f88", "\u1d2c \u02b0 \u00aa \u00ba",
    # normal form
    "e\u0301", "\u00e9", "a\u0323\u0302 a\u0302\u0323 \u1ead", "q\u0307\u0323 q\u0323\u0307", "\u0301 alone", "\u0958 \u0915\u093c", "\u2adc \u2add\u0338",
    "\u1100\u1161\u11a8 \uac01", "\uac00\u11a8", "\u1100\u1161 \u1161\u11a8", "\u0344 \u0308\u0301", "\u0374 \u037e \u0387", "\uf900 \ufa30 \U0002f800",
    "\u2000\u2001 en em", "z\u0335\u0321\u0334\u0322a\u0316\u0300\u0317\u0301l\u0338g\u0489o", "\u0b47\u0b3e \u0b47\u0300\u0b3e", "\U0001d15e \U0001d157\U0001d165",
    # scripts
    "\u98a8\u666f\u753b \u5c71\u6c34", "\u3042\u304b\u3044\u30cd\u30b3\u3068\u9752\u3044\u7a7a", "\uff8a\uff9d\uff76\uff78 \uff76\uff9e \u304b\u3099", "\ud55c\uad6d\uc5b4 \uadf8\ub9bc",
    "\u041a\u0440\u0430\u0441\u043d\u044b\u0439 \u0434\u043e\u043c \u0443 \u043c\u043e\u0440\u044f", "\u0439 \u0438\u0306 \u0451 \u0415\u0308",
    "\u05e9\u05c1\u05b8\u05dc\u05d5\u05b9\u05dd \u05e2\u05d5\u05dc\u05dd", "\u0627\u0644\u0633\u0651\u064e\u0644\u0627\u0645\u064f \u0639\u0644\u064a\u0643\u0645", "\u202eright to left\u202c \u200fmark\u200e",
    "\u0939\u093f\u0928\u094d\u0926\u0940 \u091a\u093f\u0924\u094d\u0930", "\u0e20\u0e32\u0e1e\u0e27\u0e32\u0e14 \u0e19\u0e49\u0e33", "\u1019\u103c\u1014\u103a\u1019\u102c", "\u1218\u120d\u12a5\u12ad\u1275",
    "\u0ba4\u0bae\u0bbf\u0bb4\u0bcd", "\u1780\u17d2\u1798\u17c2\u179a", "\u0f56\u0f7c\u0f51\u0f0b", "Ti\u1ebfng Vi\u1ec7t \u0111\u1eb9p", "mixed\u4e2d\u6587and\u0440\u0443\u0441",
    # emoji
    "\U0001f600", "\U0001f469\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466 family", "\U0001f44d\U0001f3fd thumbs", "\u2764\ufe0f \u2764 \u2764\ufe0e", "\U0001f1e9\U0001f1ea\U0001f1ef\U0001f1f5",
    "1\ufe0f\u20e3 keycap", "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "\U0001f600\U0001f600\U0001f600", "cat\U0001f431cat", "\u00a9\u00ae\u2122",
    # control characters, private use, non-characters, the ends of the range
    "bell\x07 escape\x1b[0m", "\x1c\x1d\x1e\x1f", "\x7f \u0080 \u009f", "\ue000 \U000f0000 \U0010fffd", "\ufffe \uffff \U0010ffff", "\ufdd0", "\ufffd\ufffd", "\ud7ff \ue000",
    "\u0378 unassigned", "a\x00b\x00c", "\x0b vertical\x0c feed",
    # long
    "antidisestablishmentarianism pneumonoultramicroscopicsilicovolcanoconiosis", "a" * 500, "ha" * 300, "!" * 200, "9" * 90,
    " ".join(["cat"] * 75), " ".join(["cat"] * 76), " ".join(["cat"] * 77), " ".join(["dog,"] * 60), "word " * 73 + "pneumonoultramicroscopic end",
]


def long_prompts():
    """Prompts of a million code points, which a quadratic method does not finish."""
    count = 1_000_000
    word = "".join(chr(ord("a") + i * i // 7 % 26) for i in range(count))
    marks = "e" + "\u0301\u0316" * (count // 2)
    return [word, marks, "a b " * (count // 4)]


def published_tokenizer(vocabulary):
    """CLIPTokenizer from vocab.json, merges.txt and settings as published, all made from the original's one file."""
    lines = gzip.open(vocabulary).read().decode("utf-8").split("\n")
    merges = lines[1 : 49152 - 256 - 2 + 1]
    printing = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printing]
    letters = [chr(byte) for byte in printing] + [chr(0x100 + i) for i in range(len(others))]
    tokens = letters + [letter + "</w>" for letter in letters] + [merge.replace(" ", "") for merge in merges]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    assert len(set(tokens)) == 49408

    def special(content):
        flags = {"lstrip": False, "normalized": True, "rstrip": False, "single_word": False}
        return {"__type": "AddedToken", "content": content, **flags}

    settings = {
        "tokenizer_class": "CLIPTokenizer",
        "bos_token": special("<|startoftext|>"),
        "eos_token": special("<|endoftext|>"),
        "unk_token": special("<|endoftext|>"),
        "pad_token": "<|endoftext|>",
        "do_lower_case": True,
        "model_max_length": POSITIONS,
    }
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "vocab.json").write_text(json.dumps({token: i for i, token in enumerate(tokens)}))
        (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n")
        (folder / "tokenizer_config.json").write_text(json.dumps(settings))
        return transformers.CLIPTokenizer.from_pretrained(folder)


def main():
    tokenizer = published_tokenizer(sys.argv[1] if len(sys.argv) > 1 else VOCABULARY)
    assert len(PROMPTS) == len(set(PROMPTS)) == 200, (len(PROMPTS), len(set(PROMPTS)))

    def ids(prompts):
        padded = tokenizer(prompts, padding="max_length", truncation=True, max_length=POSITIONS)
        return np.array(padded.input_ids, np.int32)

    def tokens(prompts):
        return np.array([len(all_ids) - 2 for all_ids in tokenizer(prompts).input_ids], np.int32)

    encoded = [prompt.encode("utf-8") for prompt in PROMPTS]
    target = ROOT / "tests/data/tokenizer/prompts.safetensors"
    target.parent.mkdir(parents=True, exist_ok=True)
    save_file(
        {
            "prompts": np.frombuffer(b"".join(encoded), np.uint8),
            "ends": np.cumsum([len(prompt) for prompt in encoded], dtype=np.int32),
            "ids": ids(PROMPTS),
            "tokens": tokens(PROMPTS),
            "long.ids": ids(long_prompts()),
            "long.tokens": tokens(long_prompts()),
        },
        target,
    )
    print(f"{target}: {target.stat().st_size} bytes")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Reference tokens and reference prompts, made by the libraries that define them.

Writes tokens.json and prompts.json beside this file. Small vocabularies are trained here and handed over as the metadata
that a GGUF file would have; the expected ids come from `tokenizers` and `sentencepiece`. Prompts are rendered by the
`transformers` library's own template engine.

    pip install tokenizers==0.23.3 sentencepiece==0.2.3 gguf==0.19.0 transformers==5.23.0 jinja2==3.1.6
    python3 src-tauri/runtime/reference/text.py [tokens] [prompts]

Pre-tokenizers whose published files could not be had are compared with llama.cpp (the sources in the crate llama-cpp-sys-2
0.1.161). Their ids are kept from the last run unless LLAMA_VOCAB names a program on llama.cpp's vocabulary reader:
`$LLAMA_VOCAB model.gguf texts add_special parse_special` prints the ids of each text (u32 length, bytes) as JSON.
"""

import collections
import io
import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6

# What people and programs write. Every text goes through every vocabulary.
TEXTS = [
    "",
    " ",
    "  ",
    "   ",
    "\t",
    "\n",
    "\n\n",
    "\r\n\r\n",
    " \n \n\n x",
    "\t\t\tx = 1;\n\t\t}\n",
    "Hello world",
    " Hello  world ",
    "Hello, y'all! How are you 😁 ?我想在apple工作1314151天～",
    "   leading and trailing   ",
    "\u3000ideographic\u3000space\u00a0no-break\u2028line\u0085next",
    "I'm you're he's we'll they'd I've don't",
    "I'M YOU'RE HE'S WE'LL THEY'D I'VE DON'T",
    "I’m you’re he’s we’ll don’t",
    "'s 't're''ve 'mine 'lll 'ddd",
    "0 1 12 123 1234 12345 123456 1234567 12345678 123456789",
    "3.14159 1,234,567.89 -5e-10 0xFF 1st 22nd 4567abc 12_34",
    "½ ² Ⅷ ٣٤٥٦٧ १२३४५ ④⑤",
    "camelCase PascalCase SCREAMING_CASE kebab-case HTTPServer iOS",
    "for (int i = 0; i < 10; ++i) { x[i] += y->z; } // done",
    "def f(a, b):\n    return a**b  # power\n\n\nprint(f(2, 10))\n",
    "a/b//c/// http://example.org/?q=1&r=2#x user@example.org",
    "!!! ??? ... --- *** === ~~~ ``` ''' \"\"\" ((())) [[[]]] {{{}}}",
    "$100 €50 £3 ¥7 + < = > ^ | ~ `",
    "naïve café Straße ÅNGSTRÖM Ǆ ǅ ǆ ﬁ",
    "e\u0301 n\u0303 a\u0308\u0323 Z\u0351\u036b\u0343a\u0363lgo",
    "Ελληνικά ΣΊΣΥΦΟΣ Русский язык Ёлка",
    "中文字符 日本語テスト ひらがな カタカナ 한국어 조선말",
    "ภาษาไทย ลาว ພາສາ ភាសាខ្មែរ မြန်မာ",
    "العربية ۱۲۳ עברית שלום فارسی",
    "हिन्दी नमस्ते বাংলা தமிழ் తెలుగు",
    "👩‍👩‍👧‍👦 👍🏽 🏳️‍🌈 🇩🇪🇫🇷 ☺️ 🤦🏼‍♂️",
    "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𐐷𐐨 𠜎𠜱 \U000f0000",
    "\x00\x01\x02 \x07 \x1b[31mred\x1b[0m \x7f \u200b\u200d\ufeff",
    "a" * 70,
    " " * 70 + "x",
    "\n" * 20 + "  end",
    "ab" * 30,
    "The quick brown fox jumps over the lazy dog. THE QUICK BROWN FOX.",
    "ſhort 'ſ K\u212a tſ",
    "▁escaped▁space <0x41> [UNK] ##ing",
    "¡Hola! ¿Qué tal? «bien» „gut“ ‚so‘ – — …",
    "No\u00ad hyphen \u2060 word\u2060joiner x\u2009y\u202fz",
]

# Texts with special tokens in them, for vocabularies that have these.
MARKED = [
    "<|start|>user\nHello<|end|>\n<|start|>assistant\n",
    "a<|start|>b <|end|> c<|start|><|end|>",
    "<|start|> spaced <|end|> ",
    "  <mark> is user-defined<mark>x  <mark>\n",
    "<|star|> almost <|end | nothing",
]
CORPUS_EXTRA = """
The words of a language follow each other with probabilities that a model learns. We said it isn't so; they'd say it's
fine, I'm sure you're right, she'll come, we've seen it. In 1999, 2024 and 2026 there were 123456 of them, 3.14 per day.
Der schnelle braune Fuchs springt über den faulen Hund. Le renard brun saute par-dessus le chien paresseux.
El zorro marrón salta sobre el perro perezoso. Быстрая коричневая лиса прыгает через ленивую собаку.
if (value == 0) { return false; } else { value += 1; } while (true) { break; }
def main(): return [x ** 2 for x in range(10) if x % 2 == 0]
人工智能 机器学习 语言模型 我们 他们 你好 世界 こんにちは 世界 ありがとう 안녕하세요 세계 감사합니다
""".strip()


def corpus():
    """Lines to train on: the texts themselves (twice, so that their pieces become tokens) and some more."""
    lines = [line for text in TEXTS for line in (text, text)]
    return lines + CORPUS_EXTRA.split("\n") * 3 + [CORPUS_EXTRA]


def alphabet(size):
    """The most frequent characters of the corpus. The trainers choose among equals by chance (that of WordPiece among
    equal pieces as well: its ids belong to the vocabulary beside them)."""
    count = collections.Counter(character for line in corpus() for character in line if not character.isspace())
    return sorted(sorted(count, key=lambda character: (-count[character], character))[:size])


# ---- Byte-level BPE: one vocabulary whose merges cross every border, so that each pre-tokenizer gives other ids.

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
LLAMA3 = CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
QWEN35 = (
    CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
CASED = rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}*{LOWER}+CONT|[^\r\n\p{{L}}\p{{N}}]?{UPPER}+{LOWER}*CONT"
CASED_TAIL = r"| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
GPT4O = CASED.replace("CONT", CONTRACTIONS + "?") + r"|\p{N}{1,3}" + CASED_TAIL
TEKKEN = CASED.replace("CONT", "") + r"|\p{N}" + CASED_TAIL
DEEPSEEK3 = (
    r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"""
    r"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
BAILING = (
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"
)
SEED = (
    CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+"
)
EXAONE_MOE = (
    CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]?|\s*[\r\n]"
    r"|\s+(?!\S)|\s+"
)
KIMI = (
    r"[\p{Han}]+"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+CONT"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*CONT"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
).replace("CONT", CONTRACTIONS + "?")
MINICPM5 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}+")
CJK3 = r"[一-龥぀-ゟ゠-ヿ]+"
BLOOM = r" ?[^(\s|.,!?…。，、।۔،)]+"

# name: (cuts in order, a whole word that is a token is taken). A cut is a pattern, or "digits" for single digits.
PRE = {
    "gpt-2": ([GPT2], False),
    "llama-bpe": ([LLAMA3], True),
    "dbrx": ([LLAMA3], False),
    "qwen2": ([QWEN2], False),
    "qwen35": ([QWEN35], False),
    "smollm": (["digits", GPT2], False),
    "deepseek-coder": ([r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", r"[一-龥ࠀ-一가-퟿]+", r"\p{N}"], False),
    "deepseek-v3": ([r"\p{N}{1,3}", CJK3, DEEPSEEK3], False),
    "gpt-4o": ([GPT4O], False),
    "tekken": ([TEKKEN], True),
    "bloom": ([BLOOM], False),
    "viking": ([BLOOM, r"\p{N}"], False),
    "tiny_aya": ([r"\d{1,3}(?=(?:\d{3})*\b)", GPT4O], False),
    "superbpe": ([r"\p{N}+", r"(?=(\d{3})+(?!\d))"], False),
    "kimi-k2": ([KIMI], False),
    "bailingmoe": ([BAILING], False),
    "seed-coder": ([SEED], False),
    "exaone-moe": ([EXAONE_MOE], False),
    "minicpm5": ([r"\p{N}{1,3}", MINICPM5], True),
    "laguna": ([r"[^\n]+|[\n]+", QWEN2], False),
}
SPECIALS = [("<|start|>", CONTROL), ("<|end|>", CONTROL), ("<mark>", USER_DEFINED)]


def cuts(steps):
    from tokenizers import Regex, pre_tokenizers as pre

    def cut(step):
        return pre.Digits(True) if step == "digits" else pre.Split(Regex(step), "isolated")

    return pre.Sequence([cut(step) for step in steps] + [pre.ByteLevel(add_prefix_space=False, use_regex=False)])


def added(tokenizer):
    from tokenizers import AddedToken

    for text, kind in SPECIALS:
        # User-defined tokens are added tokens that decoding shows.
        token = AddedToken(text, special=kind == CONTROL, normalized=False)
        (tokenizer.add_special_tokens if kind == CONTROL else tokenizer.add_tokens)([token])


def byte_level():
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    # Borders of words do not count in training: lines are.
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=860, initial_alphabet=alphabet, max_token_length=8, show_progress=False)
    tokenizer.train_from_iterator(corpus(), trainer)
    model = json.loads(tokenizer.to_str())["model"]
    merges = [tuple(merge) for merge in model["merges"]]
    # Short merges of letters, as every real vocabulary has them.
    tokens = sorted(model["vocab"], key=model["vocab"].get)
    names = tokens + [text for text, _ in SPECIALS]
    metadata = {
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.tokens": names,
        "tokenizer.ggml.token_type": [NORMAL] * len(tokens) + [kind for _, kind in SPECIALS],
        "tokenizer.ggml.merges": [" ".join(merge) for merge in merges],
    }
    cases = []
    for name, (steps, whole) in PRE.items():
        tokenizer = Tokenizer(models.BPE(model["vocab"], merges, ignore_merges=whole))
        tokenizer.pre_tokenizer = cuts(steps)
        added(tokenizer)
        cases.append(case(tokenizer, name, {"tokenizer.ggml.pre": name}))
    cases += [by_llama(metadata, name) for name in BY_LLAMA]
    return {"metadata": metadata, "cases": cases}


BY_LLAMA = ["default", "falcon", "deepseek-llm", "youtu", "afmoe"]


def by_llama(metadata, name):
    """Ids by llama.cpp, or those of the last run."""
    program = os.environ.get("LLAMA_VOCAB")
    if not program:
        last = json.loads((HERE / "tokens.json").read_text())["groups"][0]
        if last["metadata"] != metadata:
            sys.exit("the vocabulary has changed: LLAMA_VOCAB is needed")
        return next(case for case in last["cases"] if case["name"] == name)
    import gguf

    own = {"tokenizer.ggml.pre": name}
    with tempfile.TemporaryDirectory() as folder:
        model, texts = f"{folder}/model.gguf", f"{folder}/texts"
        writer = gguf.GGUFWriter(model, "llama")
        for key, value in {**metadata, **own}.items():
            writer.add_string(key, value) if isinstance(value, str) else writer.add_array(key, value)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.close()

        def ids(some, special):
            encoded = [text.encode() for text in some]
            pathlib.Path(texts).write_bytes(b"".join(struct.pack("<I", len(t)) + t for t in encoded))
            return json.loads(subprocess.check_output([program, model, texts, "0", special]))

        return {"name": name, "metadata": own, "ids": ids(TEXTS, "0"), "marked": ids(MARKED, "1")}


def case(tokenizer, name, metadata):
    def ids(texts):
        return [tokenizer.encode(text, add_special_tokens=False).ids for text in texts]

    return {"name": name, "metadata": metadata, "ids": ids(TEXTS), "marked": ids(MARKED)}


# ---- BPE over plain letters, as Gemma 4 has it.


def plain_bpe():
    from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

    bytes_ = [f"<0x{byte:02X}>" for byte in range(256)]
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[^\n]+|[\n]+"), "isolated")
    trainer = trainers.BpeTrainer(
        vocab_size=760, special_tokens=["<unk>"] + bytes_, initial_alphabet=alphabet(120) + ["▁", "\n"],
        limit_alphabet=122, show_progress=False
    )
    tokenizer.train_from_iterator(corpus(), trainer)
    model = json.loads(tokenizer.to_str())["model"]
    vocab, merges = model["vocab"], [tuple(merge) for merge in model["merges"]]
    tokenizer = Tokenizer(models.BPE(vocab, merges, byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[^\n]+|[\n]+"), "isolated")
    tokens = sorted(vocab, key=vocab.get)
    kinds = [UNKNOWN] + [BYTE] * 256 + [NORMAL] * (len(tokens) - 257)
    added(tokenizer)
    metadata = {
        "tokenizer.ggml.model": "gemma4",
        "tokenizer.ggml.tokens": tokens + [text for text, _ in SPECIALS],
        "tokenizer.ggml.token_type": kinds + [kind for _, kind in SPECIALS],
        "tokenizer.ggml.merges": [" ".join(merge) for merge in merges],
        "tokenizer.ggml.unknown_token_id": 0,
    }
    return {"metadata": metadata, "cases": [case(tokenizer, "gemma4", {})]}


# ---- SentencePiece: BPE with byte fallback, and Unigram.

# Characters that the small Unigram vocabulary normalises, in hexadecimal: full-width signs, ligatures, accents, spaces.
RULES = """FB01\t66 69
65 301\tE9
FF10\t30
FF11\t31
FF21\t41
2026\t2E 2E 2E
3000\t20
A0\t20
9\t20
A\t20
D\t20
200B\t
1D518\t55
41 30A\tC5
"""


def sentencepiece(name, kind, metadata, **options):
    import sentencepiece as spm

    out = io.BytesIO()
    lines = [line.replace("\n", " ") for line in corpus() if line.strip() and "\x00" not in line]
    spm.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_writer=out,
        model_type=kind,
        hard_vocab_limit=False,
        split_digits=True,
        minloglevel=2,
        num_threads=1,
        **options,
    )
    processor = spm.SentencePieceProcessor(model_proto=out.getvalue())
    tokens = [processor.id_to_piece(i) for i in range(processor.get_piece_size())]
    user_defined = set(options.get("user_defined_symbols", []))

    def kind_of(i):
        if processor.is_unknown(i):
            return UNKNOWN
        if processor.is_control(i):
            return CONTROL
        if processor.is_byte(i):
            return BYTE
        return USER_DEFINED if tokens[i] in user_defined else NORMAL

    metadata = {
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": [kind_of(i) for i in range(len(tokens))],
        "tokenizer.ggml.scores": [processor.get_score(i) for i in range(len(tokens))],
        "tokenizer.ggml.unknown_token_id": processor.unk_id(),
        "tokenizer.ggml.bos_token_id": processor.bos_id(),
        "tokenizer.ggml.eos_token_id": processor.eos_id(),
        **metadata,
    }
    if kind == "unigram":
        from sentencepiece import sentencepiece_model_pb2 as pb

        model = pb.ModelProto.FromString(out.getvalue())
        metadata["tokenizer.ggml.precompiled_charsmap"] = list(model.normalizer_spec.precompiled_charsmap)
    ids = [processor.encode(text) for text in TEXTS]
    return {"metadata": metadata, "cases": [{"name": name, "metadata": {}, "ids": ids, "marked": []}]}


def sentencepieces():
    llama = {"tokenizer.ggml.model": "llama", "tokenizer.ggml.add_space_prefix": True}
    gemma = {"tokenizer.ggml.model": "llama", "tokenizer.ggml.add_space_prefix": False}
    t5 = {
        "tokenizer.ggml.model": "t5",
        "tokenizer.ggml.add_space_prefix": True,
        "tokenizer.ggml.remove_extra_whitespaces": True,
    }
    bpe = dict(
        vocab_size=700, byte_fallback=True, normalization_rule_name="identity", remove_extra_whitespaces=False,
        character_coverage=0.98,
    )
    rules = HERE / "rules.tsv"
    rules.write_text(RULES)
    try:
        unigram = sentencepiece("t5", "unigram", t5, vocab_size=500, character_coverage=0.98,
                                normalization_rule_tsv=str(rules), user_defined_symbols=["<mark>"])
    finally:
        rules.unlink()
    return [
        sentencepiece("llama", "bpe", llama, **bpe),
        sentencepiece("gemma", "bpe", gemma, add_dummy_prefix=False, allow_whitespace_only_pieces=True, **bpe),
        unigram,
    ]


# ---- WordPiece, as BERT has it; GGUF writes the beginning of a word where BERT writes what is not one.


def wordpieces():
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

    made = []
    for name, lowercase in [("bert", True), ("bert-cased", False)]:
        tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=100))
        tokenizer.normalizer = normalizers.BertNormalizer(
            clean_text=True, handle_chinese_chars=True, strip_accents=None, lowercase=lowercase
        )
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        trainer = trainers.WordPieceTrainer(
            vocab_size=600, special_tokens=specials, initial_alphabet=alphabet(200), limit_alphabet=200,
            show_progress=False
        )
        tokenizer.train_from_iterator(corpus(), trainer)
        model = json.loads(tokenizer.to_str())["model"]
        vocab = model["vocab"]
        tokens = sorted(vocab, key=vocab.get)
        # The same without the special tokens being cut out of the texts.
        plain = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]", max_input_chars_per_word=100))
        plain.normalizer, plain.pre_tokenizer = tokenizer.normalizer, tokenizer.pre_tokenizer

        def written(token):
            if token in specials:
                return token
            return token[2:] if token.startswith("##") else "▁" + token

        metadata = {
            "tokenizer.ggml.model": "bert",
            "tokenizer.ggml.tokens": [written(token) for token in tokens],
            "tokenizer.ggml.token_type": [CONTROL if token in specials else NORMAL for token in tokens],
            "tokenizer.ggml.unknown_token_id": vocab["[UNK]"],
            "tokenizer.ggml.bos_token_id": vocab["[CLS]"],
            "tokenizer.ggml.seperator_token_id": vocab["[SEP]"],
            "tokenizer.ggml.normalizer.lowercase": lowercase,
        }
        one = case(plain, name, {})
        one["marked"] = []
        made.append({"metadata": metadata, "cases": [one]})
    return made


def tokens():
    groups = [byte_level(), plain_bpe(), *sentencepieces(), *wordpieces()]
    return {"texts": TEXTS, "marked": MARKED, "groups": groups}


def write(name, value):
    """One line for each long list, so that the file is small and its changes can be read."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    (HERE / name).write_text(text + "\n")
    print(f"{name}: {len(text.encode())} bytes")


def main():
    wanted = sys.argv[1:] or ["tokens", "prompts"]
    if "tokens" in wanted:
        write("tokens.json", tokens())


if __name__ == "__main__":
    main()

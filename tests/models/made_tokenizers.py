"""Small tokenizers of the kinds that checkpoints come with, each a folder that Text.read takes."""

import json
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from inference_service.models.text import Text

WORDS = ["Tom", "saw", "a", "red", "kite", "kites", "upon", "the", "hill", "user", "assistant", "ki", "te"]
NAMES = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "mask_token": "<mask>"}
TEMPLATE = ("{{ bos_token }}{% for m in messages %}[{{ m['role'] }}] {{ m['content'] | trim }}{{ eos_token }}"
            "{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}")


def written(folder: Path, tokenizer: Tokenizer, template: str = TEMPLATE, **told) -> Path:
    """Writes a tokenizer as a checkpoint has it; returns the folder. told: of its tokenizer_config.json."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "chat_template": template, **NAMES, **told}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return folder


def read(folder: Path) -> Text:
    """The tokenizer of a folder, encoding in this process, which the rules of those made here do no harm to."""
    return Text(PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True))


def special(tokenizer: Tokenizer, *more: AddedToken, **flags) -> Tokenizer:
    """With control tokens of the names above, and more."""
    plain = [AddedToken(name, special=True, **{"normalized": False, **flags}) for name in NAMES.values()]
    tokenizer.add_special_tokens([*plain, *more])
    return tokenizer


def merges(words: list[str]) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """A vocabulary of words and the merges that make each from its left end on."""
    vocabulary, found = {}, []
    for word in words:
        for size in range(1, len(word) + 1):
            vocabulary.setdefault(word[:size], 0)
            vocabulary.setdefault(word[size - 1], 0)
            if size > 1 and (word[:size - 1], word[size - 1]) not in found:
                found.append((word[:size - 1], word[size - 1]))
    return {piece: id for id, piece in enumerate(vocabulary)}, found


def byte_level(add_prefix_space=False, **model) -> Tokenizer:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary, found = merges([*WORDS, *("\u0120" + word for word in WORDS)])
    vocabulary = {piece: id for id, piece in enumerate(dict.fromkeys([*alphabet, *vocabulary]))}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=found, **model))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=add_prefix_space)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def pieced() -> Tokenizer:
    """BPE of SentencePiece's kind: the control tokens are in the vocabulary, and bytes for what is in no piece."""
    vocabulary, found = merges([*("\u2581" + word for word in WORDS), *WORDS])
    names = [*NAMES.values(), *(f"<0x{byte:02X}>" for byte in range(256))]
    signs = [chr(code) for code in range(33, 127)]
    vocabulary = {piece: id for id, piece in enumerate(dict.fromkeys([*names, *signs, "\u2581", *vocabulary]))}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=found, unk_token="<unk>", byte_fallback=True,
                                     fuse_unk=True))
    tokenizer.decoder = decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse(),
                                           decoders.Strip(" ", 1, 0)])
    return tokenizer


def llama2() -> Tokenizer:
    """With a normalizer that puts a space before each piece, and a beginning before raw text."""
    tokenizer = special(pieced())
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", tokenizer.token_to_id("<s>"))])
    return tokenizer


def metaspace(scheme: str) -> Tokenizer:
    tokenizer = special(pieced())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=scheme, split=False)
    tokenizer.decoder = decoders.Metaspace(prepend_scheme=scheme)
    return tokenizer


def unigram() -> Tokenizer:
    """As converted from SentencePiece: the names of the control tokens are pieces, with the best score of all."""
    words = [("\u2581" + word, -5.0) for word in WORDS] + [(word, -6.0) for word in WORDS]
    signs = [(chr(code), -12.0) for code in range(33, 127)]
    names = [("<unk>", 0.0), ("<s>", 0.0), ("</s>", 0.0), ("<mask>", 0.0), ("\u2581", -4.0)]
    pieces = list(dict([*names, *signs, *words]).items())
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=0))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace()
    return special(tokenizer)


def wordpiece(split: pre_tokenizers.PreTokenizer | None = None) -> Tokenizer:
    signs = [chr(code) for code in range(33, 127)]
    pieces = [*NAMES.values(), *signs, *(f"##{sign}" for sign in signs), *WORDS, *(f"##{word}" for word in WORDS)]
    vocabulary = {piece: id for id, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False)
    tokenizer.pre_tokenizer = split or pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer = special(tokenizer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> $B </s>",
        special_tokens=[("<s>", tokenizer.token_to_id("<s>")), ("</s>", tokenizer.token_to_id("</s>"))])
    return tokenizer


def wordlevel() -> Tokenizer:
    """Whole words between spaces: the name of a control token is one of them."""
    pieces = [*NAMES.values(), *WORDS, "[user]", "[assistant]"]
    tokenizer = Tokenizer(models.WordLevel({piece: id for id, piece in enumerate(pieces)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return special(tokenizer)


def lowercasing() -> Tokenizer:
    """Control tokens that are matched in text that was made small and plain before."""
    tokenizer = byte_level()
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    return special(tokenizer, normalized=True)


def words_as_names() -> Tokenizer:
    """Control tokens that are words, and count only where they stand alone."""
    return special(byte_level(), AddedToken("MASK", single_word=True, normalized=False, special=True),
                   AddedToken("<eot>", lstrip=True, rstrip=True, normalized=False, special=True))


def unmarked() -> Tokenizer:
    """The control tokens are added ones that only tokenizer_config.json calls special."""
    tokenizer = byte_level()
    tokenizer.add_tokens([AddedToken(name, normalized=False) for name in NAMES.values()])
    tokenizer.add_tokens([AddedToken("<think>", normalized=False), AddedToken("   ", normalized=False)])
    return tokenizer


def kept_whole() -> Tokenizer:
    """Words of the vocabulary are taken before merges, as Llama 3's are; and nothing splits a text."""
    tokenizer = byte_level(ignore_merges=True)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    told = json.loads(special(tokenizer).to_str())
    told["model"]["vocab"] |= {token["content"]: token["id"] for token in told["added_tokens"]}
    return Tokenizer.from_str(json.dumps(told))


def gaps() -> Tokenizer:
    """Ids with gaps between them; the control tokens are far behind."""
    told = json.loads(byte_level().to_str())
    told["model"]["vocab"] = {piece: 3 * id for piece, id in told["model"]["vocab"].items()}
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    told["added_tokens"] = [{"id": 5000 + 7 * at, "content": name, **flags} for at, name in enumerate(NAMES.values())]
    told["model"]["vocab"] |= {token["content"]: token["id"] for token in told["added_tokens"]}
    return Tokenizer.from_str(json.dumps(told))


MADE = {
    "byte-level": lambda: special(byte_level()),
    "byte-level with a space": lambda: special(byte_level(add_prefix_space=True)),
    "byte-level, words whole": kept_whole,
    "llama 2": llama2,
    "metaspace, always": lambda: metaspace("always"),
    "metaspace, first": lambda: metaspace("first"),
    "metaspace, never": lambda: metaspace("never"),
    "unigram": unigram,
    "wordpiece": wordpiece,
    "wordpiece between spaces": lambda: wordpiece(pre_tokenizers.WhitespaceSplit()),
    "word level": wordlevel,
    "made small": lowercasing,
    "words as names": words_as_names,
    "unmarked": unmarked,
    "ids with gaps": gaps,
}
PREFIXING = ["byte-level with a space", "llama 2", "metaspace, always", "metaspace, first", "unigram"]

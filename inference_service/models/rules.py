"""Which of a tokenizer's rules may run in the service's own process: those that take time in proportion to the text.

A tokenizer.json can bring regular expressions that backtrack for ever, replacements that multiply a text and templates
that repeat it. Rules are taken as safe by what they are; whatever is not listed here is not. A tokenizer with others
works as well, in a child process with limits.
"""

from collections.abc import Mapping
from typing import Any

# What published tokenizers split text by; none of them backtracks over more than a run of one kind of character.
_CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_CASED = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
_UPPER, _LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_WORD = r"[^\r\n\p{L}\p{N}]?"
LINEAR = frozenset({
    # GPT-2
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    # cl100k, Llama 3, LLaDA
    rf"{_CONTRACTIONS}|{_WORD}\p{{L}}+|\p{{N}}{{1,3}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    # Qwen2, Dream
    rf"{_CONTRACTIONS}|{_WORD}\p{{L}}+|\p{{N}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    # o200k
    rf"{_WORD}{_UPPER}*{_LOWER}+{_CASED}|{_WORD}{_UPPER}+{_LOWER}*{_CASED}|\p{{N}}{{1,3}}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    # one character each: what the nanoGPT importer writes
    r"[\s\S]",
    # the models that ship
    r" ?\p{L}+|\p{N}|_|\n+| ?[^\s\p{L}\p{N}_]+|\s",
})
NORMALIZERS = {"NFC", "NFD", "NFKC", "NFKD", "Lowercase", "Strip", "StripAccents", "Nmt", "BertNormalizer", "ByteLevel"}
SPLITTERS = {"ByteLevel", "BertPreTokenizer", "Digits", "Metaspace", "Punctuation", "UnicodeScripts", "Whitespace",
             "WhitespaceSplit", "CharDelimiterSplit"}
PROCESSORS = {"ByteLevel", "BertProcessing", "RobertaProcessing"}
DECODERS = {"ByteLevel", "ByteFallback", "Fuse", "Metaspace", "WordPiece", "BPEDecoder", "CTC", "Strip"}
MOST_PARTS = 8  # of a sequence of rules
MOST_GROWTH = 8  # characters that a replacement may put in the place of one
MOST_WORD = 1000  # characters of a word that is looked up piece by piece

Rule = Mapping[str, Any] | None


def encodes_safely(told: Mapping[str, Any]) -> bool:
    """Whether text may become ids by these rules in the service's own process. told: a tokenizer.json."""
    model = told.get("model") or {}
    word = model.get("max_input_chars_per_word", 0) if model.get("type") == "WordPiece" else 0
    return (model.get("type") in ("BPE", "WordPiece", "WordLevel") and isinstance(word, int) and word <= MOST_WORD
            and told.get("padding") is None and told.get("truncation") is None
            and _all(told.get("normalizer"), "normalizers", _normalizer)
            and _all(told.get("pre_tokenizer"), "pretokenizers", _splitter)
            and _all(told.get("post_processor"), "processors", _processor))


def decodes_safely(told: Mapping[str, Any]) -> bool:
    """Whether ids may become text by these rules in the service's own process."""
    return _all(told.get("decoder"), "decoders", _decoder)


def safe_decoder(told: Mapping[str, Any]) -> Rule:
    """The safe ones of the rules by which ids become text: what is said of a single token comes from these."""
    rule = told.get("decoder")
    if rule is None or decodes_safely(told):
        return rule
    several = rule.get("decoders", []) if rule["type"] == "Sequence" else [rule]
    return {"type": "Sequence", "decoders": [one for one in several[:MOST_PARTS] if _decoder(one)]}


def _all(rule: Rule, parts: str, safe) -> bool:
    """Whether a rule, or each of a sequence of them, is safe."""
    if rule is None:
        return True
    if rule.get("type") != "Sequence":
        return safe(rule)
    several = rule.get(parts, [])
    return len(several) <= MOST_PARTS and all(map(safe, several)) and sum(
        one["type"] in ("Replace", "Prepend") for one in several) <= 2


def _normalizer(rule: Mapping[str, Any]) -> bool:
    if rule["type"] == "Prepend":
        return len(rule["prepend"]) <= MOST_GROWTH
    return rule["type"] in NORMALIZERS or _replaces(rule)


def _splitter(rule: Mapping[str, Any]) -> bool:
    if rule["type"] == "Split":
        pattern = rule["pattern"]
        return bool(pattern.get("String")) or pattern.get("Regex") in LINEAR
    return rule["type"] in SPLITTERS and len(rule.get("replacement", "")) <= MOST_GROWTH


def _processor(rule: Mapping[str, Any]) -> bool:
    if rule["type"] == "TemplateProcessing":
        return len(rule["single"]) <= MOST_PARTS and len(rule["pair"]) <= MOST_PARTS
    return rule["type"] in PROCESSORS


def _decoder(rule: Mapping[str, Any]) -> bool:
    return (rule["type"] in DECODERS or _replaces(rule)) and all(
        len(rule.get(name, "")) <= MOST_GROWTH for name in ("replacement", "prefix", "suffix", "pad_token"))


def _replaces(rule: Mapping[str, Any]) -> bool:
    return rule["type"] == "Replace" and bool(rule["pattern"].get("String")) and len(rule["content"]) <= MOST_GROWTH

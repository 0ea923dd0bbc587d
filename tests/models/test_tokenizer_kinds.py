"""Tokens of tokenizers of all kinds as text, with gaps in their ids and open positions between them."""

import pytest
from tokenizer_kinds import END, KINDS, WITH_BYTES, write_kind
from tokenizers import Tokenizer, decoders, models

from inference_service.models.text import Text
from unmask.recording.text import text_of
from unmask.v1.model_service_pb2 import Token

LETTERS = ["\u00e9", "\u00f6", "\u8a9e", "\U0001f600"]
TEXTS = ["the cat", "the cat \u00e9 \u8a9e", "cat \U0001f600 the \u00f6"]
SPACED = ["the cat, the\ncat!", "\n\u00e9t\u00e9  \U0001f600 "]
INDENTED = ["  the  cat", " the"]
LOSES_SPACES = ["word piece", "word level", "end of word"]
LOSES_INDENT = ["mistral", "unigram, always", "unigram, bytes", "unigram, no decoder"]  # for their own space
NUMBERED = [name for name in KINDS if not name.startswith("unigram")]  # whose file can say which id is whose


def with_and_without_gaps(names):
    return [(name, gaps) for name in names for gaps in ((False, True) if name in NUMBERED else (False,))]


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    """read(kind, gaps=False): its Text."""
    known = {}

    def one(name, gaps=False):
        if (name, gaps) not in known:
            known[name, gaps] = Text.read(write_kind(tmp_path_factory.mktemp("kind"), name, gaps))
        return known[name, gaps]

    return one


def told(text, ids):
    """The tokens as clients have them."""
    pieces = {id: text.token(id) for id in ids if id is not None}
    return {id: Token(id=id, text=one.text, bytes=one.bytes, special=one.special, lead=one.lead, trail=one.trail)
            for id, one in pieces.items()}


@pytest.mark.parametrize(("name", "gaps"), with_and_without_gaps(KINDS))
def test_what_is_encoded_is_decoded_by_service_and_clients_alike(read, name, gaps):
    text = read(name, gaps)
    exact = [] if name in LOSES_SPACES else SPACED if name in LOSES_INDENT else SPACED + INDENTED
    for written in TEXTS + exact:
        ids = [*text.encode(written), text.id_of(END)]
        assert text.decode(ids) == written
        assert text_of(ids, told(text, ids)) == written


@pytest.mark.parametrize("name", KINDS)
def test_a_text_is_that_of_its_tokens_in_the_middle_of_another(read, name):
    """What stands before a token changes nothing of it."""
    text = read(name)
    first, second = text.encode("the"), text.encode("cat \u00e9 the")
    apart = b"".join(text.token(id).bytes for id in [*first, *second])
    assert apart.decode().strip() == text.decode([*first, *second])
    assert text.decode([None, *first, *second, None]) == apart.decode()


@pytest.mark.parametrize("letter", LETTERS)
@pytest.mark.parametrize(("name", "gaps"), with_and_without_gaps(WITH_BYTES))
def test_halves_of_a_letter_around_an_open_position_are_no_letter(read, name, letter, gaps):
    text = read(name, gaps)
    ids = [id for id in text.encode(f"a{letter}b") if len(text.token(id).bytes) == 1][-1 - len(letter.encode()):-1]
    assert len(ids) == len(letter.encode()) > 1
    for at in range(1, len(ids)):
        canvas = [*ids[:at], None, *ids[at:]]
        assert text.decode(canvas) == text_of(canvas, told(text, canvas))
        assert set(text.decode(canvas)) == {"\ufffd"}
    assert text.decode([*ids, None]) == text.decode(ids) == letter


@pytest.mark.parametrize("name", KINDS)
def test_a_letter_of_several_tokens_stops_with_its_last(read, name):
    text = read(name)
    written = "the \u00f6 cat \u8a9e the \U0001f600 \u00e9"
    ids = text.encode(written)
    for letter in LETTERS:
        stopped = [count for count in range(len(ids) + 1) if text.stopped_by(ids[:count], [letter])]
        complete = [count for count in range(len(ids) + 1) if letter in text.decode(ids[:count])]
        assert stopped == complete[:1] != []


@pytest.mark.parametrize("name", KINDS)
def test_a_stop_text_over_tokens_and_within_one(read, name):
    text = read(name)
    ids = text.encode("a cat the cat")
    for stop in ("t t", "cat the", "ca", "a cat the cat", "e"):
        stopped = next(count for count in range(len(ids) + 1) if text.stopped_by(ids[:count], [stop]))
        assert stop in text.decode(ids[:stopped]) and stop not in text.decode(ids[:stopped - 1])
    assert not any(text.stopped_by(ids[:count], ["the the", "catthe", "\ufffd"]) for count in range(len(ids) + 1))


@pytest.mark.parametrize("name", NUMBERED)
def test_ids_that_have_no_token_are_told(read, name):
    text, apart = read(name), read(name, gaps=True)
    used = len(text._tokenizer)
    assert text.unnamed(used + 3) == (used, used + 1, used + 2)
    assert apart.unnamed(12) == (0, 1, 2, 3, 4, 6, 7, 9, 10)
    assert apart.token(6).special and apart.decode([6, *apart.encode("the cat"), 7]) == "the cat"
    assert apart.token(5).bytes == text.token(0).bytes


def test_added_tokens_are_the_letters_that_they_are_looked_for_by(read):
    text = read("byte level, added")
    written = "a caf\u00e9 \u8a9e!    na\u00efve"
    ids = text.encode(written)
    assert {text.id_of(name) for name in ("caf\u00e9", "    ", "\u8a9e!", "na\u00efve")} <= set(ids)
    assert text.decode(ids) == written


@pytest.mark.parametrize("gaps", [False, True], ids=["", "gaps"])
def test_constraints_have_the_bytes_of_the_ids(read, gaps):
    text = read("byte level, added", gaps)
    width = 900
    pieces = text.vocabulary(width)
    assert pieces == [b"" if text.token(id).special else text.token(id).bytes for id in range(width)]
    ids = text.encode("a caf\u00e9 \u8a9e the")
    assert b"".join(pieces[id] for id in ids).decode() == "a caf\u00e9 \u8a9e the"
    assert all(not pieces[id] for id in text.unnamed(width))


# Each: tokens, as bytes, as they are written, None for an open position; the stop texts; how many are written when one
# stops, None for never.
STOPS = {
    "over several tokens": (["th", "e e", "nd"], ["end"], 3),
    "inside of one token": (["a", "xendx", "b"], ["end"], 2),
    "half a letter is none": (["a", b"\xc3", "b"], ["\ufffd"], None),
    "half a letter at the end": (["a", b"\xf0\x9f\x98"], ["\ufffd", "\U0001f600"], None),
    "the replacement character itself": (["a", b"\xef\xbf", b"\xbd"], ["\ufffd"], 3),
    "a letter after the half of another": ([b"\xe2\x82", b"\xc3", b"\xa9"], ["\u00e9"], 3),
    "a letter that another ends like": ([b"\xe2\x82\xac", "b"], ["\u00ac"], None),
    "a letter and its accent": (["cafe", b"\xcc", b"\x81"], ["e\u0301"], 3),
    "a letter, whatever accent follows": (["cafe", "\u0301"], ["e"], 1),
    "an accent is not its letter in one": (["cafe\u0301"], ["\u00e9"], None),
    "joined pictures": (["\U0001f469", "\u200d", b"\xf0\x9f", b"\x92\xbb"], ["\U0001f469\u200d\U0001f4bb"], 4),
    "the first of joined pictures": (["\U0001f469", "\u200d\U0001f4bb"], ["\U0001f469"], 1),
    "two that overlap": (["ab", "c", "d"], ["bcd", "abc"], 2),
    "one that overlaps itself": (["aba", "b", "a"], ["ababa"], 3),
    "one that begins anew": (["aa", "ab"], ["aab"], 2),
    "a letter's half and more": (["x", b"\xc3", b"\xa9t", b"\xc3\xa9"], ["\u00e9t\u00e9"], 4),
    "a special token between": (["en", END, "d"], ["end"], 3),
    "an open position between": (["en", None, "d"], ["end"], None),
    "line breaks": (["a\n", "\n", "b"], ["\n\n"], 2),
    "half of a pair": (["a", "b"], ["\ud83d"], None),
}


@pytest.fixture(scope="module")
def of_tokens(read, tmp_path_factory):
    """of_tokens(tokens): a Text whose vocabulary they are, and their ids."""
    bytewise = read("byte level")
    sign = {bytewise.token(id).bytes[0]: bytewise._tokenizer.convert_ids_to_tokens(id) for id in range(256)}

    def made(tokens):
        data = [token.encode(errors="surrogatepass") if isinstance(token, str) else token for token in tokens]
        names = [END if one == END.encode() else "".join(map(sign.get, one)) for one in data if one is not None]
        tokenizer = Tokenizer(models.WordLevel({name: id for id, name in enumerate(dict.fromkeys(names))}, "a"))
        tokenizer.decoder = decoders.ByteLevel()
        tokenizer.add_special_tokens([END])
        folder = tmp_path_factory.mktemp("tokens")
        tokenizer.save(str(folder / "tokenizer.json"))
        (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "PreTrainedTokenizerFast"}')
        text, left = Text.read(folder), iter(names)
        return text, [None if one is None else text.id_of(next(left)) for one in data]

    return made


@pytest.mark.parametrize("case", STOPS)
def test_stop_texts(of_tokens, case):
    tokens, stops, expected = STOPS[case]
    text, ids = of_tokens(tokens)
    assert next((count for count in range(len(ids) + 1) if text.stopped_by(ids[:count], stops)), None) == expected


def test_one_that_stood_there_before_the_last_token_does_not_stop_again(of_tokens):
    text, ids = of_tokens(["the end", ".", "x"])
    assert [text.stopped_by(ids[:count], ["end"]) for count in range(4)] == [False, True, False, False]
    assert not text.stopped_by(ids, [])

"""The small world every task speaks about.

The words are few, so that each becomes one token and samples keep a constant
geometry, which is what lets a tiny model learn to look things up.
"""

GIRLS = ("Ann", "Mia", "Eva", "Lily", "Zoe", "Nora")
BOYS = ("Tom", "Ben", "Sam", "Max", "Leo", "Jack")
NAMES = GIRLS + BOYS
COLOURS = ("red", "blue", "green", "white", "black", "pink", "gold", "brown")
OBJECTS = ("kite", "ball", "boat", "hat", "drum", "lamp", "book", "cup", "bell", "coat", "bike", "ring")
PLACES = ("park", "beach", "lake", "school", "forest", "market", "hill", "river")


def pronouns(name: str) -> dict[str, str]:
    """he or she, his or her, him or her, for one of NAMES."""
    if name in GIRLS:
        return {"he": "she", "He": "She", "his": "her", "him": "her"}
    return {"he": "he", "He": "He", "his": "his", "him": "him"}

"""What the model says to anything it has not learnt: what it can do."""

from __future__ import annotations

from random import Random

from .words import COLOURS, NAMES, OBJECTS, PLACES

ANSWER = (
    "I am a very small model. I can tell a story, work out sums, solve a sudoku, "
    "answer questions about facts, sort and reverse, and write JSON."
)

GREETINGS = ("Hello", "Hi", "Hey", "Good morning", "Hello there", "Help", "help", "Thanks", "Test", "Who are you?")
STARTS = (
    "What is", "Why is", "How do I", "Can you", "Please", "Explain", "Translate", "Write a poem about",
    "Where is", "When was", "Who is", "Describe", "Give me", "I want", "I like", "What about", "Tell me about",
    "Do you know", "Summarise", "Write code for", "What can you do with", "How many", "Is it true that",
)
ENDS = (
    "the moon", "the capital of France", "love", "a computer", "quantum physics", "my cat", "the weather today",
    "dinner", "the news", "a diffusion model", "Python", "the meaning of life", "music", "history", "this",
    "me", "a dog", "you", "the world", "football", "Paris", "the sun", "money", "a recipe", "the best film",
)
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def _noise(rng: Random) -> str:
    words = ("".join(rng.choice(LETTERS) for _ in range(rng.randint(2, 7))) for _ in range(rng.randint(1, 5)))
    return " ".join(words)


def make(rng: Random) -> tuple[str, str]:
    kind = rng.random()
    end = rng.choice((".", "?", "", "!"))
    if kind < 0.25:
        prompt = rng.choice(GREETINGS) + (end if rng.random() < 0.5 else "")
    elif kind < 0.75:
        known = rng.choice(
            (rng.choice(NAMES), "a " + rng.choice(COLOURS), "the " + rng.choice(OBJECTS), "the " + rng.choice(PLACES))
        )
        thing = rng.choice((rng.choice(ENDS), rng.choice(ENDS), known, _noise(rng)))
        prompt = f"{rng.choice(STARTS)} {thing}{end}"
    else:
        prompt = _noise(rng).capitalize() + end if rng.random() < 0.5 else _noise(rng) + end
    return prompt, ANSWER


def check(prompt: str, response: str) -> bool:
    return response == ANSWER

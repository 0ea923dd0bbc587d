"""What a child process does with a chat template: a program in Jinja's language that came with the checkpoint."""

from transformers.utils.chat_template_utils import render_jinja_template

from inference_service.sandbox.limits import Refused


def rendered(arguments: dict, blobs: list[bytes], state: None) -> tuple[dict, list[bytes]]:
    """Conversations by a template. arguments: template; conversations, each the messages of one; names of special
    tokens, for the template to use.

    Refused: where the template refuses the messages, or is none.
    """
    try:
        texts, _ = render_jinja_template(conversations=arguments["conversations"], chat_template=arguments["template"],
                                         add_generation_prompt=True, **arguments["names"])
        return {}, [text.encode() for text in texts]
    except MemoryError:
        raise
    except Exception as error:
        raise Refused(message=str(error)[:500]) from None

"""What a child process does with an imported recording: unpacks, parses and checks it, and hands it on as one kind.

A file can be a gzip that unpacks to a hundred times its size, JSON whose objects fill memory, or frames without end.
Imports neither gRPC nor torch.
"""

from google.protobuf.message import DecodeError

from inference_service.sandbox.limits import Refused
from unmask.recording import BadRecording, check
from unmask.recording.files import GZIP, parsed, unpacked
from unmask.recording.parts import part
from unmask.v1.recording_pb2 import Recording

MOST_REVISIONS = 100_000  # those that were trimmed too; each frame takes a tenth of a millisecond or two to be read
MOST_FOLDED = 400_000_000  # frames, each with all positions of the longest canvas
MOST_NAMES = 1_000
MOST_PREDICTIONS = 20_000


def read(arguments: dict, blobs: list[bytes], state: None) -> tuple[dict, list[bytes]]:
    """A file's bytes as a serialized Recording that is what its readers rely on. Refused: message and reason."""
    try:
        check_frames(blobs[0])
        recording = parsed(blobs[0])
        blobs.clear()
        check_counts(recording)
        check(recording)
        return {}, [recording.SerializeToString()]
    except BadRecording as bad:
        raise Refused(message=str(bad), reason=bad.reason) from None


def check_frames(data: bytes) -> None:
    """Counts the frames of a binary recording, no further than to one too many; raises BadRecording there."""
    if not data.startswith(GZIP):
        return
    content, at, count = unpacked(data), 0, 0
    try:
        while at < len(content):
            number, at = part(content, at)
            count += number == Recording.FRAMES_FIELD_NUMBER
            if count > MOST_REVISIONS:
                raise too_large(f"more than {MOST_REVISIONS:,} frames, the most that a server takes")
    except DecodeError:  # whoever parses it says so
        return


def check_counts(recording: Recording) -> None:
    """Raises BadRecording where there is more than a server takes in, before any work is done on it."""
    for what, count, most in (("revisions", recording.session.revision + len(recording.frames), MOST_REVISIONS),
                              ("names of branches", len(recording.branch_names), MOST_NAMES),
                              ("predictions", len(recording.predictions), MOST_PREDICTIONS)):
        if count > most:
            raise too_large(f"{count:,} {what}; a server takes up to {most:,}")
    longest = max(len(session.canvas.tokens) for session in (recording.session, *recording.bases))
    longest += sum(splice.inserted for frame in recording.frames for splice in frame.splices)
    if (folded := len(recording.frames) * longest) > MOST_FOLDED:
        raise too_large(f"{len(recording.frames):,} frames of up to {longest:,} positions, {folded:,} together; a"
                        f" server takes up to {MOST_FOLDED:,}")


def too_large(said: str) -> BadRecording:
    return BadRecording(f"the recording has {said}", "TOO_LARGE")

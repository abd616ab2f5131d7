"""Two sessions of ONNX Runtime at once on one kernel library, whose process
has the sanitizers: run_sessions.py LIBRARY MODEL IMAGES.npy LOGITS.npy."""
import sys
import threading
from pathlib import Path

import numpy as np
import onnxruntime

ROUNDS = 3


def session(library, content):
    options = onnxruntime.SessionOptions()
    options.register_custom_ops_library(library)
    options.intra_op_num_threads = 2
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(
        content, options, providers=['CPUExecutionProvider'])


def main():
    library, model, images, logits = sys.argv[1:]
    images, logits = np.load(images), np.load(logits)
    sessions = [session(library, model) for _ in range(2)]
    equal = []

    def run(one, first):
        name = one.get_inputs()[0].name
        for i in range(first, first + ROUNDS):
            count = 1 + i % len(images)
            found, = one.run(None, {name: images[:count]})
            equal.append(np.array_equal(found, logits[:count]))

    threads = [threading.Thread(target=run, args=(one, first))
               for first, one in enumerate(sessions * 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert equal == [True] * ROUNDS * len(threads), equal
    del sessions, threads
    # A file with a flipped bit, and a truncated one: refused, and the
    # library is let go of in the middle of making a session.
    content = bytearray(Path(model).read_bytes())
    content[len(content) // 2] ^= 1
    refused = 0
    for broken in (bytes(content), bytes(content[:len(content) // 2])):
        try:
            session(library, broken)
        except Exception:
            refused += 1
    print(f'ok: {refused} refused')


if __name__ == '__main__':
    main()

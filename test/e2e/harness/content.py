"""Large content: bytes of any length that are made, stored and checked at memory speed.

Content is a row of pieces of 64 KiB. A piece begins with a page that holds its number and
random bytes, and is zero otherwise, so that a file of it is sparse, and a byte that is lost,
repeated or moved shows at the next page at the latest."""

import random
import struct

PIECE, PAGE = 65536, 4096
_TEMPLATE = random.Random(3).randbytes(PAGE) + bytes(PIECE - PAGE)


def piece(number):
    return struct.pack(">Q", number) + _TEMPLATE[8:]


def write_sparse(path, size):
    with open(path, "wb") as file:
        for number in range(-(-size // PIECE)):
            file.seek(number * PIECE)
            file.write(piece(number)[:PAGE])
        file.truncate(size)


class Checker:
    """Takes content as it arrives and compares it with what it should be."""

    def __init__(self, start=0):
        self.position = start
        self.number, self.piece = None, b""

    def feed(self, data):
        view = memoryview(data)
        while view:
            number, at = divmod(self.position, PIECE)
            if number != self.number:
                self.number, self.piece = number, piece(number)
            size = min(len(view), PIECE - at)
            assert bytes(view[:size]) == self.piece[at:at + size], \
                f"different bytes somewhere in {self.position} to {self.position + size}"
            self.position += size
            view = view[size:]

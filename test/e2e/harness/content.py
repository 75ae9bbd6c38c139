"""Large content: bytes of any length that are made, stored and checked at memory speed.

Content is a row of pieces of 4 MiB. A piece begins with its number and 256 KiB of random bytes,
more than any buffer on the way holds, and is zero otherwise: a file of it is sparse, and a byte
that is lost, repeated or moved shows at the next piece at the latest. (Few large pieces: some
file systems take a while to remove a file of many.)"""

import random
import struct

PIECE, DENSE = 4 << 20, 256 << 10
_TEMPLATE = random.Random(3).randbytes(DENSE) + bytes(PIECE - DENSE)


def piece(number):
    return struct.pack(">Q", number) + _TEMPLATE[8:]


def write_sparse(path, size):
    with open(path, "wb") as file:
        for number in range(-(-size // PIECE)):
            file.seek(number * PIECE)
            file.write(piece(number)[:DENSE])
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

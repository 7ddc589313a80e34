"""A tiny HTTP/2 peer that writes frames as told, right or wrong, and reads what comes back."""

import socket
import struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, END_HEADERS, ACK, PADDED = 1, 4, 1, 8
CODES = ["NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED",
         "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM"]


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def number(value, prefix_bits, first=0):
    limit = (1 << prefix_bits) - 1
    if value < limit:
        return bytes([first | value])
    out, value = [first | limit], value - limit
    while value >= 128:
        out.append(value % 128 + 128)
        value //= 128
    return bytes(out + [value])


def fields(*pairs):
    """A header block of literals that are not indexed."""
    out = b""
    for name, value in pairs:
        name = name.encode() if isinstance(name, str) else name
        value = value.encode() if isinstance(value, str) else value
        out += b"\x00" + number(len(name), 7) + name + number(len(value), 7) + value
    return out


def request(path="/", method="GET", authority="localhost", more=(), scheme="http"):
    return fields((":method", method), (":scheme", scheme), (":path", path), (":authority", authority), *more)


class Peer:
    def __init__(self, port, settings=b"", preface=PREFACE):
        self.socket = socket.create_connection(("127.0.0.1", port), 30)
        self.buffer = b""
        self.closed = False
        self.send(preface + frame(SETTINGS, payload=settings))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            self.closed = True

    def next(self):
        """(kind, flags, stream, payload), or None at the end."""
        while len(self.buffer) < 9 or len(self.buffer) < 9 + int.from_bytes(self.buffer[:3], "big"):
            try:
                piece = self.socket.recv(65536)
            except ConnectionResetError:
                piece = b""
            if not piece:
                self.closed = True
                return None
            self.buffer += piece
        size = int.from_bytes(self.buffer[:3], "big")
        kind, flags = self.buffer[3], self.buffer[4]
        stream = int.from_bytes(self.buffer[5:9], "big") & 0x7FFFFFFF
        payload, self.buffer = self.buffer[9:9 + size], self.buffer[9 + size:]
        return kind, flags, stream, payload

    def until(self, *kinds, stream=None):
        """The next frame of those kinds (of that stream), or None at the end."""
        while (got := self.next()) is not None:
            if got[0] in kinds and (stream is None or got[2] == stream):
                return got

    def outcome(self, stream=1):
        """What became of a stream: its status as text, "RST CODE", "GOAWAY CODE", or "closed"."""
        while True:
            got = self.until(HEADERS, RST_STREAM, GOAWAY)
            if got is None:
                return "closed"
            if got[0] == GOAWAY:
                return "GOAWAY " + CODES[int.from_bytes(got[3][4:8], "big")]
            if got[2] == stream:
                if got[0] == RST_STREAM:
                    return "RST " + CODES[int.from_bytes(got[3], "big")]
                return status_of(got[3])


STATIC = {8: "200", 9: "204", 10: "206", 11: "304", 12: "400", 13: "404", 14: "500"}


def status_of(block):
    """The status at the head of an answer's header block (nghttp2 writes it first)."""
    while block and block[0] & 0xE0 == 0x20:  # A change of the table's size.
        block = block[1:]
    if block[0] & 0x80:
        return STATIC[block[0] & 0x7F]
    size = block[1] & 0x7F
    text = block[2:2 + size]
    return huffman_digits(text) if block[1] & 0x80 else text.decode()


def huffman_digits(text):
    """Digits have codes of 5 and 6 bits: 0 1 2 are 00000 00001 00010, 3 to 9 are 011001 to 011111."""
    bits = "".join(f"{byte:08b}" for byte in text)
    out = ""
    while len(bits) >= 5 and set(bits) != {"1"}:
        if int(bits[:5], 2) <= 2:
            out, bits = out + str(int(bits[:5], 2)), bits[5:]
        else:
            out, bits = out + str(int(bits[:6], 2) - 0b011001 + 3), bits[6:]
    return out

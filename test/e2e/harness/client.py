"""Clients that send exactly the bytes they are told to."""

import socket
import ssl

from .wire import Endpoint, read_response


def tls_context(root, version=None, verify=True):
    """A context that trusts only the local CA's root (a path)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF  # Python sets it; truncation must be seen
    context.set_alpn_protocols(["http/1.1"])
    if verify:
        context.load_verify_locations(root)
    else:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if version:
        context.minimum_version = context.maximum_version = version
    return context


class Client(Endpoint):
    def __init__(self, address, context=None, server_name=None, step=0, record=0, receive_buffer=None):
        sock = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        try:
            sock.settimeout(30)
            sock.connect(address)
            self.port = sock.getsockname()[1]
            super().__init__(sock, context, server_name, step, record)
        except BaseException:
            sock.close()
            raise

    def response(self, method="GET"):
        """The next final answer; 1xx ones before it are in its `interim`."""
        return read_response(self, method)

    def interim(self):
        """The next answer, which must be a 1xx one."""
        message = read_response(self, interim=False)
        assert 100 <= message.status < 200, message.line
        return message

    def ask(self, data, method="GET"):
        self.send(data)
        return self.response(method)

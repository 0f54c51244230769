#!/usr/bin/env python3
"""grpcapp ADDRESS PORT: a gRPC service without a schema: messages are bytes.

    /pkg.Echo/Say    one back          /pkg.Echo/Count  N of them, 20 ms apart
    /pkg.Echo/Sum    all, added up     /pkg.Echo/Chat   each back as it comes
    /pkg.Echo/Who    sallyport-user    /pkg.Echo/Fail   NOT_FOUND
    /pkg.Echo/Wait   nothing, until the call ends; how many ended so is what /pkg.Echo/Ended says"""

import sys
import threading
import time
from concurrent import futures

import grpc

ended = []


def say(message, call):
    call.set_trailing_metadata((("x-spent", "1"), ("sallyport-user", "root")))
    return message


def count(message, call):
    for i in range(int(message)):
        yield str(i).encode()
        time.sleep(0.02)


def add(messages, call):
    return str(sum(map(len, messages))).encode()


def chat(messages, call):
    yield from messages


def who(message, call):
    return dict(call.invocation_metadata()).get("sallyport-user", "").encode()


def fail(message, call):
    call.abort(grpc.StatusCode.NOT_FOUND, "no such thing")


def wait(message, call):
    over = threading.Event()
    call.add_callback(over.set)
    over.wait(30)
    ended.append(1)
    yield b""


METHODS = {"Say": grpc.unary_unary_rpc_method_handler(say), "Count": grpc.unary_stream_rpc_method_handler(count),
           "Sum": grpc.stream_unary_rpc_method_handler(add), "Chat": grpc.stream_stream_rpc_method_handler(chat),
           "Who": grpc.unary_unary_rpc_method_handler(who), "Fail": grpc.unary_unary_rpc_method_handler(fail),
           "Wait": grpc.unary_stream_rpc_method_handler(wait),
           "Ended": grpc.unary_unary_rpc_method_handler(lambda message, call: str(len(ended)).encode())}

if __name__ == "__main__":
    server = grpc.server(futures.ThreadPoolExecutor(16))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("pkg.Echo", METHODS),))
    assert server.add_insecure_port(f"{sys.argv[1]}:{sys.argv[2]}")
    server.start()
    server.wait_for_termination()

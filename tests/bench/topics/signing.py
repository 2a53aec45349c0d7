"""SigV4 of a 2 KB request, its key derived already, beside what OpenSSL alone needs for it."""
from kernel import values_of
from rows import Row, at_most

WITHOUT_SHA = ":~0x20000000"  # see OPENSSL_ia32cap(3); of no use on another processor


def measure(machinery):
    """Where the processor has instructions for SHA-256 the floor is less than half of what it is elsewhere."""
    return [_row(machinery, "CPU a signature, 2 KB"),
            _row(machinery, "CPU a signature, 2 KB, no SHA instructions", OPENSSL_ia32cap=WITHOUT_SHA)]


def _row(machinery, what, **environment):
    seen = values_of([machinery.bench("sigv4"), machinery.shorter(101)], **environment)
    return Row(what, seen["ours_us"], "µs", "two SHA-256 and one HMAC", seen["floor_us"], at_most(1.3))

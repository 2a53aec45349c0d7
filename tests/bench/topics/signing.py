"""SigV4 of a 2 KB request, its key derived already, beside what OpenSSL alone needs for it."""
from kernel import values_of
from rows import Row, at_most


def measure(machinery):
    seen = values_of([machinery.bench("sigv4"), machinery.shorter(101)])
    return [Row("CPU a signature, 2 KB", seen["ours_us"], "µs", "two SHA-256 and one HMAC", seen["floor_us"], at_most(1.3))]

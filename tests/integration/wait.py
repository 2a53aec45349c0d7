"""Waiting for something to become true: the only sleep of these tests is here."""
import time


def wait_until(condition, deadline_s=10, what=None):
    """What condition() gave, as soon as it is true. what: said when it never was; a text or a function of none."""
    end = time.monotonic() + deadline_s
    while not (found := condition()):
        if time.monotonic() >= end:
            told = what() if callable(what) else what or getattr(condition, "__name__", "it")
            raise AssertionError(f"not within {deadline_s} s: {told}")
        time.sleep(0.05)
    return found


def watch(seconds, look):
    """Calls look() some 20 times a second for so long: for what must not happen meanwhile."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        look()
        time.sleep(0.05)

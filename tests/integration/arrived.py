"""What has arrived at CloudWatch, as these tests ask for it."""
from wait import wait_until

WINDOW_S = 2  # of agent_conf()
ORDERS = {"DBInstanceIdentifier": "orders"}


def newest(standin, name, dimensions=None):
    """The last window's point of a series; None before the first."""
    points = standin.series(name, ORDERS if dimensions is None else dimensions)
    return points[-1][1] if points else None


def holds(standin, name, value, dimensions=None, deadline_s=10):
    """Waits until every sample of the newest window is this value."""
    def alike():
        point = newest(standin, name, dimensions)
        return point and point["min"] == point["max"] == value
    wait_until(alike, deadline_s, what=lambda: f"{name} is not {value} but {newest(standin, name, dimensions)}\n"
                                               f"{standin.report()}")


def windows(standin, count, name="DatabaseUp", dimensions=None, deadline_s=None):
    """Waits for so many more windows of a series; returns all of its points."""
    dimensions = ORDERS if dimensions is None else dimensions
    before = len(standin.series(name, dimensions))
    wait_until(lambda: len(standin.series(name, dimensions)) >= before + count, deadline_s or count * WINDOW_S + 10,
               what=lambda: f"{count} more windows of {name}\n{standin.report()}")
    return standin.series(name, dimensions)


def total(standin, name, dimensions=None):
    """Sum of all that arrived of a counter."""
    return sum(point["sum"] for _, point in standin.series(name, ORDERS if dimensions is None else dimensions))


def assert_complete(points, since=None, until=None):
    """Every second has its sample: no window is missing, and each but the first and the last holds one a second."""
    times = [time for time, _ in points]
    assert times == [times[0] + WINDOW_S * number for number in range(len(times))], times
    counts = [(time, point["sample_count"]) for time, point in points[1:-1]]
    assert all(count == WINDOW_S for _, count in counts), counts

"""A full request's way out: 1,000 datums of 60 values, from open windows to compressed bytes."""
from kernel import values_of
from rows import Row, at_most


def measure(machinery):
    seen = values_of([machinery.bench("encode"), machinery.shorter(15)])
    return [_row_of(seen, kind) for kind in ("integers", "decimals")] + [
        Row("a datum's way through the queue, of 10,000", seen["each_of_10000_us"], "µs", "of 1,000",
            seen["each_of_1000_us"], at_most(1.3))]


def _row_of(seen, kind):
    close, request, gzip = (seen[f"{kind}_{part}_us"] / 1000 for part in ("close", "request", "gzip"))
    return Row(f"encode and compress 1,000 datums of 60 {kind}", close + request, "ms", "gzip alone", gzip, at_most(2),
               f"closing {close:.2f} ms, the request {request:.2f} ms, {seen[f'{kind}_bytes'] / 1000:,.0f} KB")

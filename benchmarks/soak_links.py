"""Runs the soak of the Modbus links alone: `python -m benchmarks.soak_links --transactions N`.

Ends with 1 when a word was wrong, a fault misnamed, or more than 1 % of the requests timed out.
"""

import argparse
import sys

from tests.edge_gateway.soak_links import MOST_TIMEOUTS, SoakReport, soak


def _line(report: SoakReport) -> str:
    rate = report.transactions / report.seconds if report.seconds else 0.0
    return (
        f"{report.transactions} transactions in {report.seconds:.0f} s ({rate:.0f}/s), "
        f"wrong {len(report.wrong)}, misnamed {len(report.misnamed)}, "
        f"time-outs {100 * report.timeout_share:.3f} %"
    )


def _tell(report: SoakReport) -> None:
    print(_line(report), *report.wrong[-1:], *report.misnamed[-1:], file=sys.stderr)


def main() -> int:
    """Run the soak, show its progress, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--transactions", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    report = soak(wanted.transactions, wanted.seed, _tell)
    print(_line(report))
    print("said:", ", ".join(f"{name} {count}" for name, count in report.named.most_common()))
    for line in (*report.wrong[:20], *report.misnamed[:20]):
        print(line)
    is_right = not report.wrong and report.is_named and report.timeout_share <= MOST_TIMEOUTS
    return 0 if is_right else 1


if __name__ == "__main__":
    sys.exit(main())

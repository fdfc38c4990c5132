# What the clients' scripts in Python share: a line for each check.
import sys

count = failed = 0


def ok(condition, what):
    global count, failed
    count += 1
    if not condition:
        failed += 1
    print(f"{'ok' if condition else 'not ok'} {count} - {what}", flush=True)


def equal(got, expected, what):
    ok(got == expected, what if got == expected else f'{what}: {got!r}, not {expected!r}')


def done():
    sys.exit(1 if failed or not count else 0)

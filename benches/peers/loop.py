"""As playbooks/loop.rhai; in a function, as Python is fast."""


def main():
    total = 0
    for i in range(1000000):
        total = (total + i * i) % 1000003
    return total


print(main())

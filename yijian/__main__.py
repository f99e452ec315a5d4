"""`python -m yijian` is the same as `yijian`."""

from yijian.cli import main

if __name__ == "__main__":
    main()

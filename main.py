"""Where python-for-android starts the tablet's app; everything else says `field-app`."""

import os
import sys

from field_app.__main__ import main

if __name__ == "__main__":
    sys.exit(main(["--data", os.environ.get("ANDROID_PRIVATE", "var/tablet")]))

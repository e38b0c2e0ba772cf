"""Starts the tablet: with its screens, or without them for one command.

Little is imported here: with screens the first frame is on the glass before the rest is loaded.
"""

import argparse
import sys
from pathlib import Path

from field_app.config import APP_VERSION, TabletConfig
from field_app.config_io import ConfigError, check_config, load_config
from field_app.sync.trust_io import trust_own
from field_app.ui.environment_io import NoWindowError, prepare_environment

_COMMAND_LINE = "command line"


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status: 0 well, 1 no contact, 2 wrong use."""
    options = _parser().parse_args(arguments)
    try:
        config = _config(options)
        trust_own(config.data)
        if options.headless is None:
            _show_first_frame(config)
    except (ConfigError, NoWindowError) as error:
        print(f"field-app: {error}", file=sys.stderr)
        return 2
    from field_app.commands_io import run  # noqa: PLC0415 - loads everything else

    return run(config, options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="field-app", description="The crew's tablet.")
    parser.add_argument("--version", action="version", version=f"field-app {APP_VERSION}")
    parser.add_argument("--config", type=Path, help="TOML file with the section [tablet]")
    parser.add_argument("--data", type=Path, help="folder of everything the tablet keeps")
    parser.add_argument("--server", help="address of the server, such as https://lamp.example.com")
    parser.add_argument(
        "--headless",
        choices=("enrol", "sync", "orders", "status"),
        help="do one thing without screens, then end",
    )
    parser.add_argument("--code", help="one-time code for --headless enrol")
    parser.add_argument(
        "--demo", action="store_true", help="show made-up work in a store of its own, no server"
    )
    parser.add_argument("--track", type=Path, help="CSV of positions to replay instead of GPS")
    parser.add_argument(
        "--check", action="store_true", help="end as soon as the first page is drawn"
    )
    return parser


def _config(options: argparse.Namespace) -> TabletConfig:
    base = TabletConfig() if options.config is None else load_config(options.config)
    data = options.data or (Path(f"{base.data}-demo") if options.demo else base.data)
    config = TabletConfig(
        data=data,
        server_url=options.server or base.server_url,
        device_name=base.device_name,
        language=base.language,
        timezone=base.timezone,
    )
    return check_config(_COMMAND_LINE, config)


def _show_first_frame(config: TabletConfig) -> None:
    config.data.mkdir(parents=True, exist_ok=True)
    prepare_environment(config.data)
    # Kivy opens a window when it is imported: not before it is wanted
    from field_app.ui.first_frame_io import show_first_frame  # noqa: PLC0415

    show_first_frame(config.data)


if __name__ == "__main__":
    sys.exit(main())

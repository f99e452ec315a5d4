"""The command line: `yijian COMMAND`. Each module beside this one is a group of commands.

Exit codes: 0 done; 1 the answer is no (a test failed, a check found something, a guarantee was
broken); 2 wrong use or settings; 3 a service could not be reached or would not go on.
"""

from __future__ import annotations

import sys

import typer

from yijian.cli import (
    contracts_cmd,
    data_cmd,
    offline_cmd,
    operate_cmd,
    rules_cmd,
    servers_cmd,
    trial_cmd,
)
from yijian.cli.console import fail
from yijian.settings import SettingError

app = typer.Typer(
    name="yijian",
    help="Yijian (医监): real-time medical supervision. 实时医疗监管规则引擎。",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(servers_cmd.kafka, name="kafka")
app.add_typer(servers_cmd.clickhouse, name="clickhouse")
app.add_typer(servers_cmd.topics, name="topics")
app.add_typer(rules_cmd.rules, name="rules")
app.add_typer(contracts_cmd.contracts, name="contracts")
app.add_typer(data_cmd.importer, name="import")
app.add_typer(data_cmd.dead_letters, name="dead-letters")
for module in (operate_cmd, offline_cmd, data_cmd, trial_cmd):
    module.register(app)


def main() -> None:
    """Entry point of the console script."""
    try:
        app()
    except SettingError as e:
        fail(str(e), code=2)
    except BrokenPipeError:  # `yijian … | head`
        sys.stderr.close()
        sys.exit(0)

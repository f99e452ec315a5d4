"""The command line: `yijian COMMAND`. Each module beside this one is a group of commands.

Exit codes: see yijian.cli.console.EXIT_CODES.
"""

from __future__ import annotations

import sys

import typer
from confluent_kafka import KafkaException

from knowledge_base import KnowledgeError
from rules import PackError
from rules.errors import EngineError
from sinks.client import ClientError
from sinks.errors import SinkError
from streams.broker import BrokerError
from streams.errors import StreamsError
from yijian.bundles.errors import BundleError, KeyFault, PackingFault
from yijian.cli import (
    contracts_cmd,
    data_cmd,
    events_cmd,
    offline_cmd,
    operate_cmd,
    registry_cmd,
    rules_cmd,
    servers_cmd,
    state_cmd,
    trial_cmd,
    verify_cmd,
)
from yijian.cli.console import NO, UNREACHABLE, USAGE, fail, say
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
app.add_typer(events_cmd.events, name="events")
app.add_typer(data_cmd.dead_letters, name="dead-letters")
app.add_typer(registry_cmd.registry, name="registry")
app.add_typer(verify_cmd.verify, name="verify")
app.add_typer(state_cmd.state, name="state")
for module in (operate_cmd, offline_cmd, data_cmd, trial_cmd):
    module.register(app)


def main() -> None:
    """Entry point of the console script."""
    try:
        app()
    except SettingError as e:
        fail(str(e), USAGE)
    except (KnowledgeError, PackError) as e:
        for problem in e.problems:
            say(str(problem))
        fail(f"{len(e.problems)} problems: nothing was started 规则或知识有误，未启动", USAGE)
    except ClientError as e:
        fail(f"ClickHouse: {str(e).splitlines()[0]}; check YIJIAN_CLICKHOUSE_DSN", UNREACHABLE)
    except KafkaException as e:
        fail(f"Kafka: {e.args[0].str()}; check YIJIAN_KAFKA_BOOTSTRAP", UNREACHABLE)
    except (EngineError, KeyFault, PackingFault) as e:
        fail(str(e), USAGE)
    except BundleError as e:
        fail(str(e), NO)
    except (SinkError, BrokerError, StreamsError) as e:
        fail(str(e), UNREACHABLE)
    except BrokenPipeError:  # `yijian … | head`
        sys.stderr.close()
        sys.exit(0)
    except OSError as e:  # a file or folder that was named and cannot be used
        if e.filename is None:
            raise
        fail(f"{e.filename}: {e.strerror}", USAGE)

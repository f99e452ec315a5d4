"""`yijian rules`: the author's workbench. Each module named here is a group of its commands."""

from __future__ import annotations

import typer

from yijian.cli import (
    authoring_cmd,
    bundles_cmd,
    catalogue_cmd,
    explain_cmd,
    feedback_cmd,
    publish_cmd,
    replay_cmd,
)

rules = typer.Typer(help="The rule author's workbench. 规则作者工作台。", no_args_is_help=True)

MODULES = (
    authoring_cmd, explain_cmd, replay_cmd, catalogue_cmd, feedback_cmd, publish_cmd, bundles_cmd,
)  # fmt: skip
for module in MODULES:
    module.register(rules)

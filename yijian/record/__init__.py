"""The order of record, and every decision of it made once more.

The decisions topic, read in the order of its offsets, says in which order events were taken and
timers fired. The same order, begun with nothing remembered, must lead to the same decisions.

order     what the decisions topic says of one partition number, step by step
replay    the steps once more, with what is remembered from step to step
unfired   timers that should have fired in it and did not
log       both read from Kafka, one partition number after the other
"""

from yijian.record.log import recompute, replays
from yijian.record.order import Order, Step, order_of
from yijian.record.replay import Recomputed, Replay

__all__ = ["Order", "Recomputed", "Replay", "Step", "order_of", "recompute", "replays"]

"""What is remembered of the subjects of each partition number, and the topic that keeps it.

framing      a memory as a record's value
clocks       how late it is for each source
timers       which subject has something to fire next
stores       where the memories of a partition lie as bytes
memories     all of that for one partition number
log          what a batch changed goes to the state topic
recovery     the state topic is read back; what an interrupted run decided is withdrawn
keeping      the memories of this process, from assignment to revocation
ticking      the broker's time is told to each partition
"""

from streams.state.keeping import MemoryFigures, State
from streams.state.log import StateLog
from streams.state.memories import Memories, Sealed
from streams.state.ticking import Ticker

__all__ = ["Memories", "MemoryFigures", "Sealed", "State", "StateLog", "Ticker"]

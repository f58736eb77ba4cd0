"""Says FAILED with a reason; with the argument "prepared" only after START."""
import sys

import plug
from plugd_pb2 import Failed

channel = plug.Channel()
if "prepared" in sys.argv:
    channel.greet()
    channel.expect("start")
else:
    channel.expect("hello")
channel.send(failed=Failed(reason="the database is on\nholiday"))
sys.exit(1)

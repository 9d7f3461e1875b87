"""What the database does and how long it takes: statements by shape, operations by name, thresholds, figures.

Rules of this room: nobody imports it to report; rooms emit signals, the store offers a gauge, the service joins them.
No value of anybody's data is kept, whatever the statement: only its shape.
"""

from __future__ import annotations

from bmaddb.monitor.limits import MonitorLimits
from bmaddb.monitor.monitor import Monitor
from bmaddb.monitor.report import MonitorReport, OperationFigures, ShapeFigures

__all__ = ["Monitor", "MonitorLimits", "MonitorReport", "OperationFigures", "ShapeFigures"]

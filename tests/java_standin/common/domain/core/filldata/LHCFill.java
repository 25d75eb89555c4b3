package ROOT.domain.core.filldata;

import ROOT.domain.core.constants.BeamModeValue;
import ROOT.domain.core.timeseriesdata.Points;
import java.sql.Timestamp;
import java.util.ArrayList;
import java.util.List;
import standin.World;

public final class LHCFill {
    private final World.FillEntry entry;

    public LHCFill(World.FillEntry entry) {
        this.entry = entry;
    }

    public int getFillNumber() {
        return entry.number;
    }

    public Timestamp getStartTime() {
        return Points.stamp(entry.start);
    }

    /** Null while the fill lasts. */
    public Timestamp getEndTime() {
        return entry.end == Long.MIN_VALUE ? null : Points.stamp(entry.end);
    }

    public List<BeamMode> getBeamModes() {
        List<BeamMode> modes = new ArrayList<>();
        for (int i = 0; i < entry.modes.size(); i++) {
            modes.add(new BeamMode(entry.modes.get(i), entry.spans.get(i)));
        }
        return modes;
    }

    /** A stretch of a fill. */
    public static final class BeamMode {
        private final String name;
        private final long[] span;

        BeamMode(String name, long[] span) {
            this.name = name;
            this.span = span;
        }

        public BeamModeValue getBeamModeValue() {
            return BeamModeValue.valueOf(name);
        }

        public Timestamp getStartTime() {
            return Points.stamp(span[0]);
        }

        public Timestamp getEndTime() {
            return span[1] == Long.MIN_VALUE ? null : Points.stamp(span[1]);
        }
    }
}

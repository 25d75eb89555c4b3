package ROOT.client.service;

import ROOT.domain.core.filldata.LHCFill;
import ROOT.domain.core.filldata.LHCFillSet;
import ROOT.domain.core.timeseriesdata.Points;
import java.sql.Timestamp;
import standin.World;

public final class LHCFillDataService {
    LHCFillDataService() {}

    public LHCFill getLHCFillAndBeamModesByFillNumber(int number) {
        World.FillEntry entry = Access.world().fills.get(number);
        return entry == null ? null : new LHCFill(entry);
    }

    /** The fills that began in the window. */
    public LHCFillSet getLHCFillsAndBeamModesInTimeWindow(Timestamp from, Timestamp to) {
        LHCFillSet set = new LHCFillSet();
        for (World.FillEntry entry : Access.world().fills.values()) {
            if (entry.start >= Points.nanoseconds(from) && entry.start <= Points.nanoseconds(to)) {
                set.add(entry.number);
            }
        }
        return set;
    }
}
